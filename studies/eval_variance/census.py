"""Which modules of torch.nn depend on the mode?

Every class of torch.nn that has a forward pass is built, with default arguments where it has them,
and passes one input in train mode and in eval mode, from the same weights and the same seed. Where
a default switches dropout or running statistics off, a variant with it on stands beside it, and the
other way round. The gap is the largest difference between the two outputs.

Document C says that dropout and batch norm are the only ones that differ. Judged is a gap of
exactly zero, as its word "identically" has it; ``beyond_rounding`` tells differences of behaviour
from those of arithmetic (attention takes a fused path in eval mode without gradients). Whether a
pass can be repeated is recorded in both modes, since a module may be random whatever the mode.

The verdicts speak for one input of each module on the device of the run. A module that holds
others, as the transformer layers hold dropout, is one of the "other layers" here: its user sees one
layer.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

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
    more_than,
)
from harness.figures import BLUE, ORANGE
from harness.libraries import torch
from harness.workloads.modules import MODULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor, nn

ROUNDING = 1e-5
DROPOUT_AND_BATCH_NORM = tuple(n for n in MODULES if "Dropout" in n or "BatchNorm" in n)
OTHERS = tuple(name for name in MODULES if name not in DROPOUT_AND_BATCH_NORM)

MODULE = Factor("module", tuple(MODULES))
GRAD = Factor("grad", ("grad", "no_grad"), control="grad")

CLAIMS = (
    Claim(
        "C4.06",
        Value("gap").at(module=OTHERS).always(),
        equals(0.0),
        reading="Identical: no difference at all between train and eval mode, for every class "
        "whose name says neither Dropout nor BatchNorm, with and without gradients.",
    ),
    Control(
        "the census sees dropout and batch norm",
        Value("gap").at(module=DROPOUT_AND_BATCH_NORM).always(),
        more_than(ROUNDING),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Pass one input through a module in both modes, twice each."""
    spec = MODULES[arm[MODULE]]
    with warnings.catch_warnings(), torch.set_grad_enabled(arm[GRAD] == "grad"):
        warnings.simplefilter("ignore")  # deprecated classes are part of the census
        module = spec.build().to(block.device)
        inputs = on_device(spec.draw(), block.device)
        module.eval()(*inputs)  # gives lazy modules their weights
        evaluated, evaluated_again = two_passes(module, inputs, block.seed)
        train, train_again = two_passes(module.train(), inputs, block.seed)
    gap = largest_gap(train, evaluated)
    return {
        "gap": gap,
        "beyond_rounding": float(gap > ROUNDING),
        "train_repeats_differ": float(largest_gap(train, train_again) > 0),
        "eval_repeats_differ": float(largest_gap(evaluated, evaluated_again) > 0),
    }


def on_device(drawn: Sequence[Tensor | None], device: str) -> list[Tensor | None]:
    """The inputs on a device; an input that is passed twice stays one object."""
    moved = {id(x): x.to(device) for x in drawn if x is not None}
    return [None if x is None else moved[id(x)] for x in drawn]


def two_passes(
    module: nn.Module, inputs: Sequence[Tensor | None], seed: int
) -> tuple[list[Tensor], list[Tensor]]:
    """The outputs of two passes in a row, the first from the seed."""
    torch.manual_seed(seed)
    return list(tensors_of(module(*inputs))), list(tensors_of(module(*inputs)))


def tensors_of(output: Any) -> Iterator[Tensor]:  # noqa: ANN401 - whatever a module returns
    """The tensors of an output, which may be a tuple of tuples."""
    if isinstance(output, tuple):
        for part in output:
            yield from tensors_of(part)
    elif output is not None:
        yield output.detach()


def largest_gap(these: Sequence[Tensor], those: Sequence[Tensor]) -> float:
    """The largest absolute difference between two outputs of the same shapes.

    Raises:
        ValueError: their shapes differ.
    """
    if [x.shape for x in these] != [x.shape for x in those]:
        raise ValueError("outputs of different shapes cannot be compared")
    return max(
        (x.double() - y.double()).abs().max().item() for x, y in zip(these, those, strict=True)
    )


def mode_dependent_modules(table: pd.DataFrame) -> Figure:
    """The modules that depend on the mode though they are neither dropout nor batch norm."""
    from matplotlib.figure import Figure

    largest = {
        grad: table[table["grad"] == grad].pivot_table(
            index="module", columns="response", values="value", aggfunc="max"
        )
        for grad in GRAD.levels
    }
    gaps = {grad: values["gap"] for grad, values in largest.items()}
    depend = [name for name in MODULE.levels if max(gap[name] for gap in gaps.values()) > 0]
    own = sorted((name for name in depend if name in OTHERS), key=lambda n: gaps["no_grad"][n])
    random = largest["grad"][["train_repeats_differ", "eval_repeats_differ"]] > 0
    figure = Figure()
    axes = figure.subplots()
    for height, name in enumerate(own):
        colour = ORANGE if random.loc[name, "train_repeats_differ"] else BLUE
        fill = colour if gaps["grad"][name] > 0 else "white"
        gap = float(gaps["no_grad"][name])
        axes.plot(gap, height, "o", color=colour, markerfacecolor=fill, mew=2.5)
        side = -1 if gap > ROUNDING else 1
        axes.annotate(
            name,
            (gap, height),
            xytext=(14 * side, 0),
            textcoords="offset points",
            ha="right" if side < 0 else "left",
            va="center",
            fontsize=15,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axes.axvline(ROUNDING, color="black", linestyle=":", linewidth=2)
    axes.text(ROUNDING, len(own) - 0.2, "rounding ", ha="right", va="center", fontsize=15)
    for label, shade, fill in (
        ("in train mode, passes differ", ORANGE, ORANGE),
        ("passes agree in both modes", BLUE, BLUE),
        ("under no_grad only: fused path", BLUE, "white"),
    ):
        axes.plot([], [], "o", color=shade, markerfacecolor=fill, mew=2.5, label=label)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.12), fontsize=15)
    named = [name for name in depend if name in DROPOUT_AND_BATCH_NORM]
    erratic = [str(name) for name in random.index[random["eval_repeats_differ"]]]
    note = (
        f"{len(named)} of {len(DROPOUT_AND_BATCH_NORM)} named Dropout or\nBatchNorm differ, too",
        f"{len(MODULES) - len(depend)} give the same bits in both\nmodes from one seed",
        "\n".join(["random in both modes:", *erratic]),
    )
    axes.text(0.01, 0.97, "\n\n".join(note), transform=axes.transAxes, va="top", fontsize=15)
    axes.set_yticks([])
    axes.set_xscale("log")
    axes.set_xlim(1e-8, 10)
    axes.set_ylim(-0.8, len(own) + 0.3)
    blocks = table["block"].nunique()
    axes.set_xlabel(f"largest difference between train and eval mode ({blocks} blocks)")
    figure.suptitle(
        f"{len(own)} of {len(OTHERS)} modules of torch.nn that are neither dropout nor batch norm\n"
        f"(with variants) give another output in train mode than in eval mode",
        fontsize=22,
    )
    return figure


EXPERIMENT = Experiment(
    question="Which modules of torch.nn depend on the mode?",
    factors=(MODULE, GRAD),
    blocks=PerProfile(2, 20, 20),
    measure=measure,
    responses=(
        Response("gap", "1", "gap"),
        Response("beyond_rounding", "1", "beyond rounding"),
        Response("train_repeats_differ", "1", "train repeats differ"),
        Response("eval_repeats_differ", "1", "eval repeats differ"),
    ),
    claims=CLAIMS,
    figures=(mode_dependent_modules,),
)
