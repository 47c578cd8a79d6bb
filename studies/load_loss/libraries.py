"""In which mode do models of transformers come back, and is it the same as for a network of torch?

Document B says that ``from_pretrained`` gives a model in train mode, that the model is saved in and
reloads into train mode, and that its diagnosis holds for own networks and libraries alike. Eight
architectures of transformers (tiny, random weights, default dropout), the pretrained MiniLM and a
network of plain torch are saved in train mode and in eval mode and loaded in four ways: as the
library's own guide recommends (``from_pretrained``; for torch a new network with the state_dict);
built from the config, with the state_dict; as in the document's third listing, ``from_pretrained``
and then the state_dict; and as a whole pickled module.

Recorded are the mode after loading, weights and buffers, and whether ``eval()`` then changes the
loss on fixed texts and labels. These are facts about one version of the library: the blocks (fresh
weights, texts and labels each) show that chance has no part in them. Nothing comes from a network.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from harness import (
    Arm,
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
MODEL = Factor("model", (OWN, *HUGGING_FACE), control=OWN)
SAVED = Factor("saved", ("eval", "train"), control="eval")
LOAD = Factor("load", ("as recommended", "from the config", "as listed", "whole module"))
RECOMMENDED, CONFIG, LISTED, WHOLE = LOAD.levels

N_TEXTS, LENGTH = 8, 12

CLAIMS = (
    Claim(
        "B-hf-2",
        Value("training").at(model=HUGGING_FACE, load=RECOMMENDED).always(),
        equals(1),
        reading="In train mode is a model whose attribute training is true, as it comes from "
        "from_pretrained, whatever the mode it was saved in. Built from its config it is (reported "
        "at load = from the config), which may be what the document has in mind.",
    ),
    Claim(
        "B-hf-3",
        Value("training")
        .at(model=HUGGING_FACE, saved="train", load=(RECOMMENDED, LISTED))
        .always(),
        equals(1),
        reading="Even where train() was called before saving, which the listing does not do: "
        "judged is the mode after loading, with from_pretrained alone and as listed. The listing's "
        "own model is saved as from_pretrained gave it, which is B-hf-2.",
    ),
    Claim(
        "B-hf-4",
        Value("eval_changes").at(model=HUGGING_FACE, load=LISTED).always(),
        equals(1),
        reading="Only after eval() does the loss approach another value: then calling it on the "
        "model loaded as listed changes the loss of the same texts and labels.",
    ),
    Claim(
        "B-ex1-6",
        Value("train_share").at(model=HUGGING_FACE, load=(RECOMMENDED, CONFIG)).always(),
        equals(1),
        reading="In train mode unless told otherwise: also with from_pretrained, and also where "
        "the model is built from its config.",
    ),
    Claim(
        "B-intro-2",
        Difference("training", SAVED)
        .at(saved="train", model=HUGGING_FACE, load=(RECOMMENDED, CONFIG, WHOLE))
        .always(),
        equals(1),
        reading="Preserved and reactivated: the mode after loading is that at the time of saving.",
    ),
    Claim(
        "B-intro-4",
        Value("changed").always(),
        equals(0),
        reading="Every weight and buffer is the same bit for bit.",
    ),
    Claim(
        "B-sum-2",
        Difference("training", MODEL).at(saved="train", load=(RECOMMENDED, CONFIG, WHOLE)).always(),
        equals(0),
        reading="Equally: after the same way of loading a library's model is in the mode that a "
        "network of torch is in.",
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
    Response("training", "1", "1 where the loaded model is in train mode"),
    Response("train_share", "1", "the share of its modules that are"),
    Response("changed", "tensors", "weights and buffers that differ after loading"),
    Response("eval_changes", "1", "1 where eval() changes the loss"),
    Response("loss_ratio", "1", "the loss as loaded over that after eval()"),
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
        "loss_ratio": as_loaded / after_eval,
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
