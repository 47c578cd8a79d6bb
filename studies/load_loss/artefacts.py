"""Does a file remember the mode in which a network was saved?

Document B's diagnosis: the network was saved in train mode, the file preserves that state, and
loading brings it back. A network with dropout and batch norm, trained on digits, is saved in train
mode and in eval mode, as a state_dict and as a whole module, and loaded in four ways. Recorded are
the bytes of the file, the mode after loading, the weights and buffers, and the loss on the training
rows that the loaded network gives as it is, before anybody calls ``train()`` or ``eval()``.

Both saves are of the same weights, and the loaded networks draw the same dropout masks: what
differs can only come from the file. The verdicts speak for ``torch.save`` and ``torch.load``;
``libraries`` asks the same of transformers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

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
    more_than,
)
from harness.libraries import nn, torch
from studies.load_loss.files import changed_tensors, file_of, module_in, state_in, train_share
from studies.load_loss.trained import BOTH, Trained, fresh_net, loss_of, train_nets

SAVED = Factor("saved", ("eval", "train"), control="eval")
#: The last is what the documentation advises against; the others hold a state_dict.
WAY = Factor(
    "way",
    ("into a new network", "into one in eval mode", "assigned to a new network", "whole module"),
)
NEW, IN_EVAL, ASSIGNED, WHOLE = WAY.levels

CLAIMS = (
    Claim(
        "B-intro-1",
        Difference("loss", SAVED).at(saved="train"),
        more_than(0),
        reading="If the mode at the time of saving is the cause, saving in eval mode gives a lower "
        "loss after loading; judged for each way of saving and loading.",
    ),
    Claim(
        "B-intro-2",
        Difference("training", SAVED).at(saved="train").always(),
        equals(1),
        reading="Preserved and reactivated: a network saved in train mode is in train mode after "
        "loading, and one saved in eval mode is not. That the first holds alone would prove "
        "nothing, for a new network is in train mode whatever the file.",
    ),
    Claim(
        "B-intro-4",
        Value("changed").always(),
        equals(0),
        reading="Every weight and buffer is the same bit for bit after any way of saving and "
        "loading.",
    ),
    Claim(
        "B-ex1-5",
        Value("file_differs").at(saved="train", way=NEW).always(),
        equals(1),
        reading="The listing saves a state_dict without calling eval(). If that is a flaw, the "
        "file is another than with eval(),",
    ),
    Claim(
        "B-ex1-5",
        Difference("loss", SAVED).at(saved="train", way=NEW),
        more_than(0),
        reading="or at least the loss after loading is higher.",
    ),
    Claim(
        "B-ex1-6",
        Value("train_share").at(way=(NEW, ASSIGNED)).always(),
        equals(1),
        reading="A network that is built anew and given a state_dict is in train mode, however it "
        "was saved. Both ways in which nobody has called eval() on it.",
    ),
    Claim("B-ex1-6", Value("train_share").at(saved="train", way=WHOLE).always(), equals(1)),
    Control(
        "the same network saved twice gives the same file",
        Value("file_differs").at(saved="eval").always(),
        equals(0),
    ),
    Control(
        "a network in train mode has a higher loss than in eval mode",
        Value("loss_over_eval").at(saved="train", way=NEW),
        more_than(1),
    ),
)

RESPONSES = (
    Response("training", "1", "1 where the loaded network is in train mode"),
    Response("train_share", "1", "the share of its modules that are"),
    Response("loss", "nat", "on the training rows, as loaded"),
    Response("loss_over_eval", "1", "that over the loss in eval mode"),
    Response("changed", "tensors", "changed"),
    Response("file_differs", "1", "1 where the file is not that of saving in eval mode"),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Save a trained network of each block in the arm's mode, load it and look at it."""
    seeds = tuple(block.seed for block in blocks)
    trained = train_nets(BOTH, "10 epochs", seeds, blocks[0].device)
    return [_responses(each, arm, block.seed) for each, block in zip(trained, blocks, strict=True)]


def _responses(trained: Trained, arm: Arm, seed: int) -> Responses:
    x, y = trained.data.train_x, trained.data.train_y
    net = copy.deepcopy(trained.net)
    file, file_from_eval = (saved(net, mode, arm[WAY]) for mode in (arm[SAVED], "eval"))
    loaded = WAYS[arm[WAY]](file, str(x.device))
    found = {
        "training": float(loaded.training),
        "train_share": train_share(loaded),
        "changed": float(changed_tensors(trained.net.state_dict(), loaded.state_dict())),
        "file_differs": float(file != file_from_eval),
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
    measure_together=measure,
    together=PerProfile(2, 20, 20),
    responses=RESPONSES,
    claims=CLAIMS,
)
