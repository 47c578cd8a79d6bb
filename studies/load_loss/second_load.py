"""Is it load_state_dict that restores the classifier between two calls of from_pretrained?

Document B's third listing calls ``from_pretrained`` twice, with a ``load_state_dict`` after the
second. A pretrained encoder comes without a head for the task at hand: each call draws a new one,
so that without the saved state the second model answers otherwise. MiniLM is loaded twice, with and
without that step, and heads, encoders and losses of both models are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import nn, torch
from studies.load_loss.files import changed_tensors, file_of, state_in
from studies.load_loss.models import CLASSES, loss_of, pretrained_minilm

if TYPE_CHECKING:
    from torch import Tensor

RESTORED = Factor(
    "restored",
    ("yes", "no"),
    control="yes",
    words={"yes": "after load_state_dict", "no": "without load_state_dict"},
)
HEAD = "classifier."
N_TEXTS, LENGTH = 4, 16

CLAIMS = (
    Claim(
        "B-hf-8",
        Value("head_same").at(restored="no").always(),
        equals(0),
        reading="It is load_state_dict that restores the head: without it the second model has "
        "another one.",
    ),
    Claim(
        "B-hf-8",
        Value("loss_same").at(restored="no").always(),
        equals(0),
        reading="Without load_state_dict the second model has another loss on the same texts and "
        "labels.",
    ),
    Claim(
        "B-hf-8",
        Value("head_same").at(restored="yes").always(),
        equals(1),
        reading="With load_state_dict the head is the same bit for bit.",
        headline=True,
    ),
    Claim(
        "B-hf-8",
        Value("loss_same").at(restored="yes").always(),
        equals(1),
        reading="With load_state_dict the loss on the same texts and labels is the same.",
    ),
    Control("the encoder is the same in any case", Value("encoder_changed").always(), equals(0)),
)

RESPONSES = (
    Response("head_same", "yes/no", "the second model has the head of the first, bit for bit"),
    Response(
        "encoder_changed", "tensors", "number of the encoder's weights and buffers that differ"
    ),
    Response("loss_same", "yes/no", "the second model has the loss of the first"),
)


class Cell(NamedTuple):
    """Two models as from_pretrained gives them, the first one's file, texts and labels."""

    first: nn.Module
    second: nn.Module
    file: bytes
    tokens: Tensor
    labels: Tensor


def prepare(block: Block) -> Cell:
    """Call from_pretrained twice."""
    first, second = (pretrained_minilm(block.device) for _ in range(2))
    tokens = torch.randint(2000, (N_TEXTS, LENGTH)).to(block.device)
    labels = torch.randint(CLASSES, (N_TEXTS,)).to(block.device)
    return Cell(first, second, file_of(first.state_dict()), tokens, labels)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Compare the second model with the first, as it is or after load_state_dict."""
    own = {name: x.clone() for name, x in cell.second.state_dict().items()}
    if arm[RESTORED] == "yes":
        cell.second.load_state_dict(state_in(cell.file))
    heads, encoders = zip(*(parts(net) for net in (cell.first, cell.second)), strict=True)
    found = {
        "head_same": float(changed_tensors(*heads) == 0),
        "encoder_changed": float(changed_tensors(*encoders)),
        "loss_same": float(
            loss_of(cell.first, cell.tokens, cell.labels)
            == loss_of(cell.second, cell.tokens, cell.labels)
        ),
    }
    cell.second.load_state_dict(own)  # as the next arm must find it
    return found


def parts(net: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The state_dict of a classifier, its head and the rest."""
    state = net.state_dict()
    return (
        {name: x for name, x in state.items() if name.startswith(HEAD)},
        {name: x for name, x in state.items() if not name.startswith(HEAD)},
    )


EXPERIMENT = Experiment(
    question="Is it load_state_dict that restores the head between two calls of from_pretrained?",
    factors=(RESTORED,),
    blocks=PerProfile(2, 10, 20),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    imports=("transformers",),
)
