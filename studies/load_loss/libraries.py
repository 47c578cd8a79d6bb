"""In which mode do models of transformers come back, and is it the same as for a network of torch?

Document B says that ``from_pretrained`` gives a model in train mode, that the model is saved in and
reloads into train mode, and that its diagnosis holds for own networks and libraries alike. Eight
architectures of transformers (tiny, random weights, default dropout), the pretrained MiniLM and a
network of plain torch are saved in train mode and in eval mode and loaded in four ways: as the
library's own guide recommends (``from_pretrained``; for torch a new network with the state_dict);
built from the config, with the state_dict; as in the document's third listing, ``from_pretrained``
and then the state_dict; and as a whole pickled module.

The listing's own model is a BERT from ``from_pretrained``: of the library's default that one and
MiniLM, which is a BERT, are judged, other architectures shown. The summary speaks of libraries at
large, and is judged on all. ``third_listing`` runs the listing itself.

Recorded are the mode after loading, weights and buffers, and whether ``eval()`` then changes the
loss on fixed texts and labels. These are facts about one version of the library: the blocks (fresh
weights, texts and labels each) show that chance has no part in them. Nothing comes from a network.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.libraries import torch
from harness.workloads import load_classifier
from studies.load_loss.files import changed_tensors, file_of, module_in, state_in, train_share
from studies.load_loss.models import (
    ARCHITECTURES,
    CLASSES,
    MINILM,
    OWN,
    classifier,
    loss_of,
    rebuilt,
    saved_pretrained,
    texts_for,
)

if TYPE_CHECKING:
    from harness.libraries import nn

HUGGING_FACE = (*ARCHITECTURES, MINILM)
#: Models of the architecture that the listing loads, and all the others of the library.
BERTS = ("BERT", MINILM)
OTHERS = tuple(name for name in ARCHITECTURES if name != "BERT")
MODEL = Factor(
    "model",
    (OWN, *HUGGING_FACE),
    control=OWN,
    words={OWN: "network of plain torch", "BERT": "tiny BERT"},
)
SAVED = Factor(
    "saved",
    ("eval", "train"),
    control="eval",
    words={"eval": "a save in eval mode", "train": "a save in train mode"},
)
LOAD = Factor(
    "load",
    ("as recommended", "from the config", "as listed", "whole module"),
    words={
        "as recommended": "loaded as its library recommends",
        "from the config": "built anew and given the state_dict",
        "as listed": "loaded by from_pretrained and given the state_dict",
        "whole module": "whole module pickled",
    },
)
RECOMMENDED, CONFIG, LISTED, WHOLE = LOAD.levels

N_TEXTS, LENGTH = 8, 12
CHANGED = 0.05  # the catalogue's margin for a loss: 5 %

_FROM_PRETRAINED = "from_pretrained, where the passage builds a network and gives it a state_dict"
_PICKLED = "a whole pickled module, where the listings save a state_dict"
_BUILT = "a model built anew, where the listing calls from_pretrained"
_OTHER = "another architecture than the listing's BERT"
_TRAIN_CALLED = "train() called before saving, which the listing does not do"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "B-hf-2",
        Value("training").at(model=BERTS, load=RECOMMENDED).always(),
        equals(1),
        reading="In train mode is a model whose attribute training is true, as it comes from "
        "from_pretrained, whatever the mode it was saved in.",
        headline={"model": MINILM, "saved": "eval"},
    ),
    Beyond(
        "B-hf-2", Value("training").at(model=OTHERS, load=RECOMMENDED).always(), equals(1), _OTHER
    ),
    Beyond(
        "B-hf-2", Value("training").at(model=HUGGING_FACE, load=CONFIG).always(), equals(1), _BUILT
    ),
    Beyond(
        "B-hf-3",
        Value("training").at(model=HUGGING_FACE, saved="train", load=LISTED).always(),
        equals(1),
        why=_TRAIN_CALLED,
        reading="Reloads into train mode even where train() was called before saving.",
    ),
    Beyond(
        "B-hf-4",
        Value("eval_moves").at(model=HUGGING_FACE, saved="eval", load=LISTED),
        at_least(CHANGED),
        why="another model than the listing's, or one with random weights",
    ),
    Claim(
        "B-ex1-6",
        Value("train_share").at(load=CONFIG).always(),
        equals(1),
        reading="A network that is built anew and given a state_dict is in train mode with all of "
        "its modules, however it was saved: models of a library too.",
    ),
    Beyond(
        "B-ex1-6",
        Value("train_share").at(model=HUGGING_FACE, load=RECOMMENDED).always(),
        equals(1),
        why=_FROM_PRETRAINED,
    ),
    Beyond(
        "B-intro-2",
        Difference("training", SAVED)
        .at(saved="train", model=HUGGING_FACE, load=RECOMMENDED)
        .always(),
        equals(1),
        why="saved and loaded by a library, where the passage speaks of torch.save",
        reading="Preserved and reactivated: the mode after loading is that at the time of saving.",
    ),
    Claim(
        "B-intro-4",
        Value("changed").always(),
        equals(0),
        reading="Every weight and buffer is the same bit for bit after any way of saving and "
        "loading.",
    ),
    Claim(
        "B-sum-2",
        Value("training").at(saved="train", load=RECOMMENDED).always(),
        equals(1),
        reading="The explanation holds equally: a network of torch that is given its state_dict "
        "and a library's model that comes from from_pretrained are both in train mode after "
        "loading, as nobody has called eval().",
        headline={"model": MINILM},
    ),
    Beyond(
        "B-sum-2",
        Value("training").at(model=HUGGING_FACE, saved="train", load=CONFIG).always(),
        equals(1),
        why=_BUILT,
    ),
    Beyond(
        "B-sum-2", Value("training").at(saved="train", load=WHOLE).always(), equals(1), _PICKLED
    ),
    Control(
        "in train mode eval() is seen to change the loss",
        Value("eval_changes").at(load=CONFIG).always(),
        equals(1),
    ),
    Control(
        "eval() is seen to leave the loss of a network that is in eval mode",
        Value("eval_changes").at(saved="eval", load=WHOLE).always(),
        equals(0),
    ),
)

RESPONSES = (
    Response("training", "yes/no", "the loaded model is in train mode"),
    Response("train_share", "1", "share of the loaded model's modules that are in train mode"),
    Response("changed", "tensors", "number of weights and buffers that loading has changed"),
    Response("eval_changes", "yes/no", "eval() changes the loss"),
    Response("eval_moves", "1", "relative change of the loaded model's loss by eval()"),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Save a model in the arm's mode, load it and look at it."""
    name = arm[MODEL]
    model = classifier(name).train(arm[SAVED] == "train")
    tokens = texts_for(name, N_TEXTS, LENGTH).to(block.device)
    labels = torch.randint(CLASSES, (N_TEXTS,)).to(block.device)
    loaded = load(model, arm[LOAD]).to(block.device)
    original = model.to(block.device).state_dict()
    found = {
        "training": float(loaded.training),
        "train_share": train_share(loaded),
        "changed": float(changed_tensors(original, loaded.state_dict())),
    }
    losses = []
    for net in (loaded, copy.deepcopy(loaded).eval()):
        torch.manual_seed(block.seed)
        losses.append(loss_of(net, tokens, labels))
    as_loaded, after_eval = losses
    return found | {
        "eval_changes": float(as_loaded != after_eval),
        "eval_moves": abs(as_loaded - after_eval) / after_eval,
    }


def load(model: nn.Module, way: str) -> nn.Module:
    """A model saved and loaded in one of the ways of the factor ``load``."""
    if way == WHOLE:
        return module_in(file_of(model))
    state = state_in(file_of(model.state_dict()))
    if way == CONFIG or not hasattr(model, "save_pretrained"):
        loaded = rebuilt(model)
        loaded.load_state_dict(state)
        return loaded
    with saved_pretrained(model) as folder:
        from_folder: nn.Module = load_classifier(str(folder), CLASSES)
    if way == LISTED:
        from_folder.load_state_dict(state)
    return from_folder


EXPERIMENT = Experiment(
    question="In which mode do models of transformers come back after saving and loading?",
    factors=(MODEL, SAVED, LOAD),
    # A network of torch has no from_pretrained: its recommended way is that of the listing.
    only=lambda arm: arm[MODEL] != OWN or arm[LOAD] != LISTED,
    blocks=PerProfile(1, 3, 20),
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    imports=("transformers",),
)
