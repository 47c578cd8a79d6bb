"""Which families of models give another output in train mode than in eval mode?

Question. Document A says that identical weights can give different outputs in train() and eval()
mode. Whose do, by how much, and does a repeated pass show it?

What is done. Small networks with dropout, batch norm, both or neither, four transformers built tiny
from their default configs (width and depth shrunk, their own dropout kept), and the pretrained
MiniLM encoder each see one batch twice in eval mode and twice in train mode, from the same random
seed and without gradients. The difference is told in standard deviations of the eval-mode outputs,
so that families can be compared; judged different is what exceeds a thousandth of one, far above
rounding. Whether a family must differ is known beforehand from its design: it has dropout with
p > 0, or batch norm. That the designs are as stated is counted, and a control.

What the verdicts speak for. Untrained networks (MiniLM: pretrained) on one batch of digits or of
random tokens. A block is a fresh initialisation and a fresh batch; MiniLM's weights are the same in
all. The passage says that modes can differ, so that one family is enough; those with neither layer
are shown beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
    more_than,
)
from harness.figures import BLUE, ORANGE, VERMILION
from harness.libraries import nn, torch, transformers
from harness.workloads import load_encoder, load_split, mlp, small_cnn

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

DROPPING = (
    "dropout MLP",
    "dropout CNN",
    "dropout + batch norm MLP",
    "BERT",
    "GPT-2",
    "DeBERTa",
    "DeBERTa-v2",
    "MiniLM",
)
NORMING = ("batch norm MLP", "batch norm CNN")
NEITHER = ("plain MLP", "layer norm MLP", "ModernBERT")
NET = Factor(
    "net",
    (*DROPPING, *NORMING, *NEITHER),
    words={
        "dropout MLP": "perceptron with dropout",
        "dropout CNN": "small CNN with dropout",
        "dropout + batch norm MLP": "perceptron with dropout and batch norm",
        "BERT": "tiny BERT",
        "GPT-2": "tiny GPT-2",
        "DeBERTa": "tiny DeBERTa",
        "DeBERTa-v2": "tiny DeBERTa-v2",
        "MiniLM": "pretrained MiniLM",
        "batch norm MLP": "perceptron with batch norm",
        "batch norm CNN": "small CNN with batch norm",
        "plain MLP": "plain perceptron",
        "layer norm MLP": "perceptron with layer norm",
        "ModernBERT": "tiny ModernBERT",
    },
)
LEAST_GAP = 1e-3  # of a standard deviation of the outputs: far above the rounding of float32

RESPONSES = (
    Response(
        "mode_gap",
        "s.d.",
        "largest difference between train and eval mode, in s.d. of the eval-mode outputs",
    ),
    Response("train_gap", "s.d.", "largest difference of two passes in train mode"),
    Response("eval_gap", "s.d.", "largest difference of two passes in eval mode"),
    Response("dropouts", "modules", "number of dropout modules with p above 0"),
)

REPEATS = "The same batch again gives the same output, bit for bit."

CLAIMS = (
    Claim(
        "A-problem-1",
        Value("mode_gap").at(net=DROPPING + NORMING).always(),
        more_than(LEAST_GAP),
        reading="The same weights give other outputs in train mode than in eval mode: in every "
        "trial some output differs by more than a thousandth of the outputs' standard deviation. "
        "It can be so: one family is enough.",
        headline={"net": "BERT"},
    ),
    Beyond(
        "A-problem-1",
        Value("mode_gap").at(net=NEITHER).always(),
        equals(0),
        why="nets with neither dropout nor batch norm, which have nothing to differ in",
        reading="Nets with neither layer give the same output in both modes, bit for bit.",
    ),
    Claim(
        "A-eval-2",
        Value("eval_gap").at(net=DROPPING + NORMING).always(),
        equals(0),
        reading=REPEATS,
    ),
    Beyond(
        "A-eval-2",
        Value("eval_gap").at(net=NEITHER).always(),
        equals(0),
        why="nets with neither dropout nor batch norm",
        reading=REPEATS,
    ),
    Control(
        "the families meant to have active dropout have it",
        Value("dropouts").at(net=DROPPING).always(),
        at_least(1),
    ),
    Control(
        "the families meant to have no active dropout have none",
        Value("dropouts").at(net=NORMING + NEITHER).always(),
        equals(0),
    ),
    Control(
        "batch norm repeats itself in train mode: it depends on the batch, not on chance",
        Value("train_gap").at(net=NORMING).always(),
        equals(0),
    ),
)

TINY: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


PRETRAINED = "MiniLM"


def prepare_run(block: Block) -> nn.Module:
    """The pretrained encoder, loaded once for all blocks: no pass changes it."""
    loaded: nn.Module = load_encoder("minilm")
    return loaded.to(block.device)


#: How a network of each other family is built; its weights come from torch's global stream.
BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "plain MLP": lambda: mlp(64, 10),
    "layer norm MLP": lambda: mlp(64, 10, layer_norm=True),
    "dropout MLP": lambda: mlp(64, 10, dropout=0.5),
    "batch norm MLP": lambda: mlp(64, 10, batch_norm=True),
    "dropout + batch norm MLP": lambda: mlp(64, 10, dropout=0.5, batch_norm=True),
    "dropout CNN": lambda: small_cnn(10, dropout=0.5),
    "batch norm CNN": lambda: small_cnn(10, batch_norm=True),
    "BERT": lambda: transformers.BertModel(transformers.BertConfig(**TINY)),
    "GPT-2": lambda: transformers.GPT2Model(
        transformers.GPT2Config(n_embd=32, n_layer=2, n_head=2)
    ),
    "DeBERTa": lambda: transformers.DebertaModel(transformers.DebertaConfig(**TINY)),
    "DeBERTa-v2": lambda: transformers.DebertaV2Model(transformers.DebertaV2Config(**TINY)),
    "ModernBERT": lambda: transformers.ModernBertModel(transformers.ModernBertConfig(**TINY)),
}


def batch_for(net: nn.Module, block: Block) -> Tensor:
    """32 rows of digits, or 8 texts of 16 random tokens for a language model."""
    vocabulary = getattr(getattr(net, "config", None), "vocab_size", None)
    if vocabulary is None:
        return load_split("digits", block.seed, block.device).val_x[:32]
    source = torch.Generator().manual_seed(block.seed)
    return torch.randint(vocabulary, (8, 16), generator=source).to(block.device)


def measure(block: Block, arm: Arm) -> Responses:
    """Build the network; pass one batch through it twice in eval mode, then twice in train mode."""
    torch.manual_seed(block.seed)
    net = block.run if arm[NET] == PRETRAINED else BUILDERS[arm[NET]]().to(block.device)
    x = batch_for(net, block)
    first, again = two_passes(net.eval(), x, block.seed)
    train_first, train_again = two_passes(net.train(), x, block.seed)
    scale = float(first.std())
    return {
        "mode_gap": largest_gap(train_first, first) / scale,
        "train_gap": largest_gap(train_again, train_first) / scale,
        "eval_gap": largest_gap(again, first) / scale,
        "dropouts": sum(isinstance(m, nn.Dropout) and m.p > 0 for m in net.modules()),
    }


def two_passes(net: nn.Module, x: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """The outputs of two passes, one after the other, without gradients."""
    torch.manual_seed(seed)
    with torch.no_grad():
        first, second = net(x), net(x)
    if isinstance(first, torch.Tensor):
        return first, second
    return first.last_hidden_state, second.last_hidden_state


def largest_gap(one: Tensor, other: Tensor) -> float:
    """The largest absolute difference of two outputs; 0 means equal."""
    return float((one - other).abs().max())


#: What the design says of a family, as the figure shows it.
KINDS = (
    (DROPPING, ORANGE, "dropout, p > 0"),
    (NORMING, VERMILION, "batch norm only"),
    (NEITHER, BLUE, "neither"),
)


def identity_by_family(table: pd.DataFrame) -> Figure:
    """The difference between the modes, every block, with a lane of its own for exactly 0."""
    from matplotlib.figure import Figure

    gaps = table[table["response"] == "mode_gap"]
    same = gaps.groupby("net")["value"].max().eq(0)
    figure = Figure()
    lane, scale = figure.subplots(1, 2, sharey=True, width_ratios=(1, 5))
    for families, colour, label in KINDS:
        rows = table[table["net"].isin(families)]
        repeats = rows.loc[rows["response"] == "train_gap", "value"].eq(0)
        tells = "agree" if repeats.all() else "differ" if not repeats.any() else "mostly differ"
        scale.plot([], [], "o", color=colour, label=f"{label}: train passes {tells}")
        _draw_kind(lane, scale, rows[rows["response"] == "mode_gap"], colour)
    lane.set_yticks(range(0, -len(NET.levels), -1), [NET.say(net) for net in NET.levels])
    lane.set_xlim(-1, 1)
    lane.set_xticks([0], ["identical (0)"])
    lane.tick_params(axis="y", labelsize=15)
    _draw_scale(scale)
    figure.legend(
        *scale.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=len(KINDS),
        columnspacing=1.2,
        handletextpad=0.2,
    )
    active = [family for family in NET.levels if family not in NEITHER]
    figure.suptitle(
        f"Train and eval mode give other outputs in {sum(~same[active])} of {len(active)} families "
        f"with\ndropout or batch norm, in {sum(~same[list(NEITHER)])} of {len(NEITHER)} without "
        f"(dots: {gaps['block'].nunique()} trials each)",
        fontsize=20,
    )
    return figure


def _draw_kind(lane: Axes, scale: Axes, gaps: pd.DataFrame, colour: str) -> None:
    jitter = np.random.default_rng(0)
    for family, mine in gaps.groupby("net"):
        values = mine["value"].to_numpy(np.float64)
        place = -NET.levels.index(str(family)) + jitter.uniform(-0.22, 0.22, len(values))
        zero = values == 0
        lane.plot(jitter.uniform(-0.4, 0.4, zero.sum()), place[zero], ".", color=colour)
        scale.plot(values[~zero], place[~zero], ".", color=colour)


def _draw_scale(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("largest difference (s.d. of the outputs, log scale)")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


EXPERIMENT = Experiment(
    question="Which families of models give another output in train mode than in eval mode?",
    factors=(NET,),
    responses=RESPONSES,
    claims=CLAIMS,
    prepare_run=prepare_run,
    measure=measure,
    blocks=PerProfile(3, 20, 50),
    figures=(identity_by_family,),
)
