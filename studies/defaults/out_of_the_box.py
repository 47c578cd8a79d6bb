"""Does ModernBERT, as it comes, give one answer in train and in eval mode?

A ModernBERT with its default dropout gets one batch of texts of unequal length, padded: five times
in train mode and once in eval mode, under the same gradient setting and with the same
implementation of attention. Judged is the classifier, the course's model; other heads are shown
beside it. Weights are random: a checkpoint has others, but nothing random that these lack, unless
its own configuration turns dropout on. Most models are small; one has the published model's
width, heads and feed-forward size, with three of its 22 layers, which are both of its kinds of
attention.

"Identical" is judged to the last bit. ``grad_mode/harmless_eval`` asks for the same statement's
sake whether eval() costs a result, by the same comparison, and allows 1e-5 of the largest output.
A classifier whose dropout is set to 0.1 shows that the comparison can fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
    more_than,
)
from harness.libraries import torch
from studies.defaults.families import (
    LENGTH,
    MODERNBERT,
    ROWS,
    VOCABULARY,
    build,
    largest_gap,
    without_dropout,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

PASSES = 5
CLASSIFIER = "ForSequenceClassification"
WIDE, DROPPING = "wide classifier", "dropping classifier"
HEADS = ("Model", "ForTokenClassification", "ForMaskedLM", "ForQuestionAnswering")
NET = Factor(
    "net",
    (CLASSIFIER, WIDE, *HEADS, DROPPING),
    words={
        CLASSIFIER: "small classifier",
        WIDE: "classifier of the published width",
        "Model": "body alone",
        "ForTokenClassification": "tagger of tokens",
        "ForMaskedLM": "masked language model",
        "ForQuestionAnswering": "answerer of questions",
        DROPPING: "classifier with dropout 0.1",
    },
)
GRADIENTS = Factor("gradients", (False, True), words={False: "no_grad", True: "with gradients"})
ATTENTION = Factor("attention", ("sdpa", "eager"), words={"eager": "attention step by step"})
AS_IT_COMES = (CLASSIFIER, WIDE)
USUAL: dict[str, Level] = {"net": WIDE, "gradients": False, "attention": "sdpa"}
_HEADS = "another head than the classifier of the course"

#: All that the configuration has by default, but for the number of layers and words.
_WIDE: dict[str, Any] = {
    "hidden_size": 768,
    "num_attention_heads": 12,
    "intermediate_size": 1152,
    "num_hidden_layers": 3,
}

SAME = "In train and in eval mode the same batch gives the same logits, bit for bit."
ONE_ANSWER = "Five passes of one batch in train mode give the same logits, bit for bit."
CLAIMS = (
    Claim(
        "A-nuance-2",
        Value("mode_gap").at(net=AS_IT_COMES).always(),
        equals(0),
        reading=SAME,
        headline=USUAL,
    ),
    Beyond("A-nuance-2", Value("mode_gap").at(net=HEADS).always(), equals(0), _HEADS, SAME),
    Claim(
        "A-nuance-3",
        Value("answers").at(net=AS_IT_COMES).always(),
        equals(1),
        reading=ONE_ANSWER,
        headline=USUAL,
    ),
    Beyond("A-nuance-3", Value("answers").at(net=HEADS).always(), equals(1), _HEADS, ONE_ANSWER),
    Control(
        "with dropout 0.1 the modes differ",
        Value("mode_gap").at(net=DROPPING).always(),
        more_than(1e-3),
    ),
    Control(
        "with dropout 0.1 five passes give five answers",
        Value("answers").at(net=DROPPING).always(),
        equals(PASSES),
    ),
)


def prepare_run(block: Block) -> nn.Module:
    """The wide model, built once for all blocks: no pass changes it."""
    return build(MODERNBERT, _WIDE, head=CLASSIFIER).to(block.device)


def prepare(block: Block) -> tuple[dict[str, nn.Module], dict[str, Tensor]]:
    """Every model and the batch that all of them see."""
    nets: dict[str, nn.Module] = {
        name: build(MODERNBERT, head=name).to(block.device) for name in (CLASSIFIER, *HEADS)
    }
    tenth = without_dropout(MODERNBERT, 0.1)
    nets[DROPPING] = build(MODERNBERT, tenth, head=CLASSIFIER).to(block.device)
    nets[WIDE] = block.run
    inputs = {name: tensor.to(block.device) for name, tensor in padded_batch().items()}
    return nets, inputs


def padded_batch() -> dict[str, Tensor]:
    """Random texts of 3 tokens and more, padded to the longest."""
    lengths = torch.linspace(3, LENGTH, ROWS).round()
    real = torch.arange(LENGTH) < lengths[:, None]
    return {
        "input_ids": torch.randint(3, VOCABULARY, (ROWS, LENGTH)) * real,
        "attention_mask": real.long(),
    }


def measure(prepared: tuple[dict[str, nn.Module], dict[str, Tensor]], arm: Arm) -> Responses:
    """Five passes in train mode and one in eval mode."""
    nets, inputs = prepared
    net: Any = nets[arm[NET]]
    net.set_attn_implementation(arm[ATTENTION])
    with torch.set_grad_enabled(arm[GRADIENTS]):
        passes = [answer(net.train(), inputs) for _ in range(PASSES)]
        evaluated = answer(net.eval(), inputs)
    return {
        "mode_gap": max(largest_gap(each, evaluated) for each in passes),
        "answers": float(distinct(passes)),
    }


def answer(net: nn.Module, inputs: dict[str, Tensor]) -> Tensor:
    """All that a pass gives as one row of numbers."""
    given = net(**inputs)
    return torch.cat([tensor.detach().flatten() for tensor in given.to_tuple()])


def distinct(tensors: list[Tensor]) -> int:
    """How many different tensors are among some, bit for bit."""
    kinds: list[Tensor] = []
    for tensor in tensors:
        if not any(torch.equal(tensor, kind) for kind in kinds):
            kinds.append(tensor)
    return len(kinds)


EXPERIMENT: Experiment[Any] = Experiment(
    question="Does ModernBERT, as it comes, give one answer in train and in eval mode?",
    factors=(NET, GRADIENTS, ATTENTION),
    responses=(
        Response(
            "mode_gap",
            "1",
            "largest difference between train and eval mode over the largest output",
        ),
        Response("answers", "answers", "number of different answers of five passes in train mode"),
    ),
    prepare_run=prepare_run,
    prepare=prepare,
    measure=measure,
    blocks=PerProfile(1, 3, 10),
    claims=CLAIMS,
    imports=("transformers",),
)
