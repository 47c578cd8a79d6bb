"""Does a file remember the mode in which a network was saved?

Document B's diagnosis: the network was saved in train mode, the file preserves that state, and
loading brings it back. A network with dropout and batch norm, trained on digits, is saved in train
mode and in eval mode, as a state_dict and as a whole module, and loaded in four ways. Recorded are
the bytes of the file, the mode after loading, the weights and buffers, and the loss on the training
rows that the loaded network gives as it is, before anybody calls ``train()`` or ``eval()``.

That a new network with the state of one saved in train mode is in train mode would prove nothing,
for it is so whatever the file says: both modes are saved, and the mode counts as preserved where
either comes back. Both saves are of the same weights, and the loaded networks draw the same dropout
masks: what differs can only come from the file. The verdicts speak for ``torch.save`` and
``torch.load``; ``libraries`` asks the same of transformers. Which cause is the main one in practice
no experiment can tell; what the mode at saving does to the loss is shown beside that claim.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    equals,
    more_than,
)
from harness.libraries import nn, torch
from studies.load_loss.causes import bears_on_the_cause
from studies.load_loss.files import changed_tensors, file_of, module_in, state_in, train_share
from studies.load_loss.trained import BOTH, EPOCHS, Trained, fresh_net, loss_of, train_nets

SAVED = Factor(
    "saved",
    ("eval", "train"),
    control="eval",
    words={"eval": "a save in eval mode", "train": "a save in train mode"},
)
#: The last is what the documentation advises against; the others hold a state_dict.
WAY = Factor(
    "way",
    ("into a new network", "into one in eval mode", "assigned to a new network", "whole module"),
    words={
        "into a new network": "state_dict into a new network",
        "into one in eval mode": "state_dict into a network in eval mode",
        "assigned to a new network": "state_dict assigned to a new network",
        "whole module": "whole module pickled",
    },
)
NEW, IN_EVAL, ASSIGNED, WHOLE = WAY.levels

HIGHER = 1.05  # the catalogue's margin for a loss: 5 %
_PICKLED = "a whole pickled module, where the listing saves a state_dict"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *bears_on_the_cause(
        Ratio("loss", SAVED).at(saved="train"),
        at_least(HIGHER),
        why="what the mode at saving can do to the loss, not how often it is the cause",
        reading="A network saved in train mode has, as loaded, a loss at least 5 % above that of "
        "the same network saved in eval mode.",
    ),
    Claim(
        "B-intro-2",
        Value("mode_kept").at(saved="train").always(),
        equals(1),
        reading="Preserved and reactivated: the same network is in train mode after loading where "
        "it was saved in train mode, and in eval mode where it was saved in eval mode. That the "
        "first holds alone would prove nothing: a new network is in train mode whatever the file.",
        headline={"way": NEW},
    ),
    Claim(
        "B-intro-4",
        Value("changed").always(),
        equals(0),
        reading="Every weight and buffer is the same bit for bit after any way of saving and "
        "loading.",
        headline={"saved": "train", "way": NEW},
    ),
    Claim(
        "B-ex1-5",
        Value("file_differs").at(saved="train", way=NEW).always(),
        equals(1),
        reading="The listing saves a state_dict without calling eval(). If that is a flaw of the "
        "file, the file is another one than with eval().",
    ),
    Claim(
        "B-ex1-5",
        Ratio("loss", SAVED).at(saved="train", way=NEW),
        at_least(HIGHER),
        reading="If it is a flaw that is felt, the loss after loading is at least 5 % above that "
        "of the same network on which eval() was called before saving.",
        headline=True,
    ),
    Beyond(
        "B-ex1-5",
        Value("file_differs").at(saved="train", way=WHOLE).always(),
        equals(1),
        why=_PICKLED,
    ),
    Beyond(
        "B-ex1-5",
        Ratio("loss", SAVED).at(saved="train", way=WHOLE),
        at_least(HIGHER),
        why=_PICKLED,
    ),
    Claim(
        "B-ex1-6",
        Value("train_share").at(way=(NEW, ASSIGNED)).always(),
        equals(1),
        reading="A network that is built anew and given a state_dict is in train mode with all of "
        "its modules, however it was saved: both ways in which nobody has called eval() on it.",
        headline={"saved": "train", "way": NEW},
    ),
    Beyond(
        "B-ex1-6",
        Value("train_share").at(way=WHOLE).always(),
        equals(1),
        why=_PICKLED,
    ),
    Control(
        "the same network saved twice gives the same file",
        Value("file_differs").at(saved="eval").always(),
        equals(0),
    ),
    Control(
        "a network in train mode has a higher loss than in eval mode",
        Value("loss_over_eval").at(saved="train", way=NEW).always(),
        more_than(1),
    ),
)

RESPONSES = (
    Response(
        "mode_kept",
        "yes/no",
        "a network saved in either mode comes back in that mode",
    ),
    Response("train_share", "1", "share of the loaded network's modules that are in train mode"),
    Response("loss", "nat", "loss of the network as loaded, on the training rows"),
    Response("loss_over_eval", "1", "loss of the loaded network over that in eval mode"),
    Response("changed", "tensors", "number of weights and buffers that loading has changed"),
    Response("file_differs", "yes/no", "the file is another one than that saved in eval mode"),
)


def prepare(blocks: tuple[Block, ...]) -> list[tuple[Trained, int]]:
    """The trained network of each block, with the block's seed."""
    seeds = [block.seed for block in blocks]
    return list(zip(train_nets(BOTH, EPOCHS, blocks), seeds, strict=True))


def measure(cell: list[tuple[Trained, int]], arm: Arm) -> Sequence[Responses]:
    """Save each block's network in the arm's mode, load it and look at it."""
    return [_responses(trained, arm, seed) for trained, seed in cell]


def _responses(trained: Trained, arm: Arm, seed: int) -> Responses:
    x, y = trained.data.train_x, trained.data.train_y
    net = copy.deepcopy(trained.net)
    files = {mode: saved(net, mode, arm[WAY]) for mode in SAVED.levels}
    came_back = {mode: WAYS[arm[WAY]](file, str(x.device)) for mode, file in files.items()}
    loaded = came_back[arm[SAVED]]
    # A second save, and not the first compared with itself, where the arm's mode is eval.
    file = saved(net, arm[SAVED], arm[WAY])
    found = {
        "mode_kept": float(all(n.training == (mode == "train") for mode, n in came_back.items())),
        "train_share": train_share(loaded),
        "changed": float(changed_tensors(trained.net.state_dict(), loaded.state_dict())),
        "file_differs": float(file != files["eval"]),
    }
    expected = loss_of(net.eval(), x, y)
    torch.manual_seed(seed)  # building a network has drawn weights
    loss = loss_of(loaded, x, y)
    return found | {"loss": loss, "loss_over_eval": loss / expected}


def saved(net: nn.Module, mode: str, way: str) -> bytes:
    """The file of a network that is saved in a mode: the whole of it, or its state_dict."""
    net.train(mode == "train")
    return file_of(net if way == WHOLE else net.state_dict())


def into_new(file: bytes, device: str) -> nn.Module:
    """As in document B's first listing."""
    net = fresh_net(BOTH).to(device)
    net.load_state_dict(state_in(file))
    return net


def into_eval(file: bytes, device: str) -> nn.Module:
    """Into a network on which eval() was called before."""
    net = fresh_net(BOTH).to(device).eval()
    net.load_state_dict(state_in(file))
    return net


def assigned(file: bytes, device: str) -> nn.Module:
    """Into a network without memory, whose tensors become those of the file."""
    with torch.device("meta"):
        net = fresh_net(BOTH)
    net.load_state_dict({name: x.to(device) for name, x in state_in(file).items()}, assign=True)
    return net


def whole(file: bytes, device: str) -> nn.Module:
    """The network itself, unpickled."""
    return module_in(file).to(device)


WAYS: dict[str, Callable[[bytes, str], nn.Module]] = {
    NEW: into_new,
    IN_EVAL: into_eval,
    ASSIGNED: assigned,
    WHOLE: whole,
}

EXPERIMENT: Experiment[Block] = Experiment(
    question="Does a file remember the mode in which a network was saved?",
    factors=(SAVED, WAY),
    blocks=PerProfile(2, 20, 40),
    prepare_together=prepare,
    measure_together=measure,
    together=PerProfile(2, 20, 20),
    responses=RESPONSES,
    claims=CLAIMS,
)
