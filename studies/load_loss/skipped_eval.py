"""How large is the discrepancy when eval() is skipped after loading a language model?

Document B says that skipping ``eval()`` causes significant discrepancies with transformers too.
Whether it can depends on how the model came to be used: ``from_pretrained`` leaves it in eval mode;
one that is built from its config and given a state_dict is in train mode, as is one that goes on to
be used after its training. How large the discrepancy is depends on what the model has learnt. So
the pretrained MiniLM is fine-tuned, and met after 3 epochs and after 10, loaded in both ways, with
``eval()`` called or not; its loss is taken on texts held out from training.

Every block has a fine-tuning of its own: 64 docstrings of asyncio and email, drawn anew, a new head
and new dropout masks, at a rate that was chosen by the loss in eval mode, for another number of
texts, and kept. Beyond the document's words are models that have learnt nothing, whose loss is near
ln 2 in any mode (MiniLM with a fresh head, a small BERT with random weights), and the small BERT
trained to tell from which half of the vocabulary most tokens of a random text are. All have their
default dropout of 0.1.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, median_interval, wide
from harness.libraries import functional, nn, torch
from harness.workloads import load_classifier, load_docstrings, load_tokenizer
from studies.load_loss.files import file_of, state_in
from studies.load_loss.models import (
    CLASSES,
    classifier,
    pretrained_minilm,
    rebuilt,
    saved_pretrained,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

FRESH, LIGHT, LONG, RANDOM, TRAINED = (
    "MiniLM, fresh head",
    "MiniLM, 3 epochs",
    "MiniLM, 10 epochs",
    "BERT, random",
    "BERT, trained",
)
MODEL = Factor(
    "model",
    (FRESH, LIGHT, LONG, RANDOM, TRAINED),
    words={
        FRESH: "MiniLM with a fresh head",
        LIGHT: "MiniLM tuned for 3 epochs",
        LONG: "MiniLM tuned for 10 epochs",
        RANDOM: "small BERT with random weights",
        TRAINED: "small BERT trained on random tokens",
    },
)
LOAD = Factor(
    "load",
    ("from_pretrained", "from the config"),
    words={
        "from_pretrained": "loaded by from_pretrained",
        "from the config": "built from its config, so in train mode",
    },
)
EVAL = Factor(
    "eval_call",
    ("made", "skipped"),
    control="made",
    words={"made": "eval() called", "skipped": "eval() skipped"},
)

SIGNIFICANT = 1.1  # twice the catalogue's margin for a loss, which only tells losses apart
AREAS = ("asyncio", "email")
MAX_TOKENS, BATCH, TUNING_RATE = 24, 16, 1e-4
EPOCHS = {LIGHT: 3, LONG: 10}
TUNING_TEXTS = (16, 64)  # by effort: the first is for trying
N_TEXTS = 60  # held-out texts of a block
VOCABULARY, LENGTH = 100, 15
TRAINING_STEPS, TRAINING_RATE = 80, 3e-3

_SKIPPED = Ratio("loss", EVAL)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "B-hf-7",
        _SKIPPED.at(eval_call="skipped", model=tuple(EPOCHS)),
        at_least(SIGNIFICANT),
        reading="Significant: at least 10 % above the loss with eval() called, for a fine-tuned "
        "model, as from_pretrained gives it and as it is in train mode.",
        headline={"model": LIGHT, "load": "from_pretrained"},
    ),
    *(
        Beyond("B-hf-7", _SKIPPED.at(eval_call="skipped", model=models), at_least(SIGNIFICANT), why)
        for models, why in (
            ((FRESH, RANDOM), "a model that has learnt nothing, with a loss near ln 2 in any mode"),
            ((TRAINED,), "a small model trained on random tokens"),
        )
    ),
    Control(
        "with eval() called both ways of loading give the loss from before saving",
        Value("off_before").at(eval_call="made").always(),
        equals(0),
    ),
)

RESPONSES = (
    Response("loss", "nat", "loss on held-out texts"),
    Response(
        "off_before", "nat", "difference between the loss and that of eval mode before saving"
    ),
)


@dataclass(frozen=True)
class Texts:
    """Tokens, shape (texts, length), which of them are no padding, and labels, shape (texts,)."""

    tokens: Tensor
    real: Tensor
    labels: Tensor

    def of(self, rows: Tensor) -> Texts:
        """Some of them."""
        return Texts(self.tokens[rows], self.real[rows], self.labels[rows])

    def on(self, device: str) -> Texts:
        """The same on a device."""
        return Texts(self.tokens.to(device), self.real.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Subject:
    """A model with its held-out texts.

    Attributes:
        texts: what its loss is taken on.
        before: its loss in eval mode before saving.
        loaded: by way of loading, as it comes back; its mode is put back after each measurement.
    """

    texts: Texts
    before: float
    loaded: dict[str, nn.Module]


@dataclass(frozen=True)
class Cell:
    """The models by name, and the block's seed."""

    subjects: dict[str, Subject]
    seed: int


def prepare_run(_: Block) -> Texts:
    """The texts that all blocks draw from."""
    corpus = load_docstrings(AREAS)
    return tokenised(corpus.texts, corpus.labels)


def prepare(block: Block) -> Cell:
    """Fine-tune the block's MiniLM, train its BERT, and load every model in both ways."""
    device = block.device
    tuned, own = fine_tuned(block.run, device, TUNING_TEXTS[block.effort])
    fresh = pretrained_minilm(device)
    random, trained = (classifier("BERT").to(device).eval() for _ in range(2))
    train(trained, lambda: halves(BATCH).on(device), TRAINING_STEPS, TRAINING_RATE)
    new = halves(8 * N_TEXTS).on(device)
    models = {FRESH: fresh, **tuned, RANDOM: random, TRAINED: trained}
    texts = {name: new if name in (RANDOM, TRAINED) else own for name in models}
    return Cell(
        {
            name: Subject(texts[name], loss_on(model, texts[name]), loaded_ways(model, device))
            for name, model in models.items()
        },
        block.seed,
    )


def measure(cell: Cell, arm: Arm) -> Responses:
    """Take the loss of a model as it was loaded, after eval() or without."""
    subject = cell.subjects[arm[MODEL]]
    model = subject.loaded[arm[LOAD]]
    as_loaded = model.training
    if arm[EVAL] == "made":
        model.eval()
    torch.manual_seed(cell.seed)
    loss = loss_on(model, subject.texts)
    model.train(as_loaded)  # as the next arm must find it
    return {"loss": loss, "off_before": abs(loss - subject.before)}


def loaded_ways(model: nn.Module, device: str) -> dict[str, nn.Module]:
    """A model by way of files: with from_pretrained, and built from its config."""
    with saved_pretrained(model) as folder:
        loaded: nn.Module = load_classifier(str(folder), CLASSES)
    built = rebuilt(model)
    built.load_state_dict(state_in(file_of(model.state_dict())))
    return dict(zip(LOAD.levels, (loaded.to(device), built.to(device)), strict=True))


def loss_on(model: nn.Module, texts: Texts) -> float:
    """Mean cross-entropy in the model's mode, without gradients."""
    with torch.no_grad():
        return _loss(model, texts).item()


def _loss(model: nn.Module, texts: Texts) -> Tensor:
    logits: Tensor = model(texts.tokens, attention_mask=texts.real).logits
    return functional.cross_entropy(logits, texts.labels)


def train(
    model: nn.Module,
    draw: Callable[[], Texts],
    steps: int,
    lr: float,
    keep: Sequence[int] = (),
) -> list[nn.Module]:
    """Train in place with AdamW and a rate that falls to 0; at the end it is in eval mode.

    Args:
        model: is trained.
        draw: gives the texts of a step.
        steps: how many.
        lr: of the first step.
        keep: after how many steps to keep a copy.

    Returns:
        The copies, in eval mode.
    """
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, fused=True)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1, 0, total_iters=steps)
    kept = []
    for done in range(1, steps + 1):
        optimiser.zero_grad()
        _loss(model, draw()).backward()
        optimiser.step()
        decay.step()
        if done in keep:
            kept.append(copy.deepcopy(model).eval())
    model.eval()
    return kept


def halves(count: int) -> Texts:
    """Random texts; three of four tokens, on average, are from the label's half of the tokens."""
    labels = torch.randint(CLASSES, (count,))
    odd_ones = torch.rand(count, LENGTH) < 0.25
    upper = labels[:, None].bool() ^ odd_ones
    half = VOCABULARY // 2
    return Texts(torch.randint(half, upper.shape) + half * upper, torch.ones_like(odd_ones), labels)


def fine_tuned(texts: Texts, device: str, count: int) -> tuple[dict[str, nn.Module], Texts]:
    """One fine-tuning of MiniLM on texts drawn from the global stream.

    Args:
        texts: all there are.
        device: where to train.
        count: of the texts to train on.

    Returns:
        The model after few and after many epochs, and some of the texts it has not seen.
    """
    order = torch.randperm(len(texts.labels))
    training = texts.of(order[:count]).on(device)
    held_out = texts.of(order[count:][:N_TEXTS]).on(device)
    model = pretrained_minilm(device)
    batches = [
        rows
        for _ in range(max(EPOCHS.values()))
        for rows in torch.randperm(count).to(device).split(BATCH)
    ]
    rows_of = iter(batches)
    ends = [epochs * len(batches) // max(EPOCHS.values()) for epochs in EPOCHS.values()]
    kept = train(model, lambda: training.of(next(rows_of)), len(batches), TUNING_RATE, ends)
    return dict(zip(EPOCHS, kept, strict=True)), held_out


def tokenised(texts: Sequence[str], labels: Sequence[int]) -> Texts:
    """Texts as tokens of MiniLM, cut and padded to one length."""
    found = load_tokenizer("minilm")(
        list(texts), truncation=True, padding="max_length", max_length=MAX_TOKENS
    )
    return Texts(*(torch.tensor(x) for x in (found["input_ids"], found["attention_mask"], labels)))


def skipped_by_model(table: pd.DataFrame) -> Figure:
    """The loss without eval() over that with it, by way of loading and model, every block."""
    from matplotlib.figure import Figure

    losses = table[table["response"] == "loss"]
    by_call = wide(losses, index=["load", "model", "block"], columns="eval_call")
    ratio = by_call["skipped"] / by_call["made"]
    figure = Figure()
    axes = figure.subplots()
    for place, model in enumerate(MODEL.levels):
        for way, colour, shift in zip(LOAD.levels, (BLUE, ORANGE), (-0.18, 0.18), strict=True):
            draw_blocks(
                axes,
                place + shift,
                ratio[way][model].sort_index().to_numpy(np.float64),
                colour=colour,
                width=0.12,
                label=None if place else LOAD.say(way),
            )
    axes.axhline(SIGNIFICANT, color=BLACK, lw=1.5, ls="--")
    axes.text(-0.45, SIGNIFICANT, f"{SIGNIFICANT:g}", va="bottom", fontsize=15)
    axes.axhline(1, color=BLACK, lw=1, zorder=0)
    axes.set_xticks(range(len(MODEL.levels)), [name.replace(", ", ",\n") for name in MODEL.levels])
    axes.set_ylabel("loss without eval() / loss with it")
    axes.grid(visible=False, axis="x")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    as_listed, in_train = (_times(ratio[way][LIGHT].to_numpy(np.float64)) for way in LOAD.levels)
    figure.suptitle(
        f"Skipping eval() makes the loss of a tuned MiniLM {as_listed} times as high after\n"
        f"from_pretrained, {in_train} in train mode (3 epochs). "
        f"A dot: one of {table['block'].nunique()} fine-tunings, CPU",
        fontsize=20,
    )
    return figure


def _times(values: NDArray[np.float64]) -> str:
    """The median with its interval, where there are blocks enough for one that is not a point."""
    found = median_interval(values)
    if not np.isfinite(found.low) or found.low == found.high:
        return f"{found.estimate:.2f}"
    return f"{found.estimate:.2f} ({found.low:.2f} to {found.high:.2f})"


EXPERIMENT = Experiment(
    question="How large is the discrepancy when eval() is skipped with a language model?",
    factors=(MODEL, LOAD, EVAL),
    blocks=PerProfile(1, 8, 20),  # a fine-tuning each; 8 are the least for 99 %
    effort=PerProfile(0, 1, 1),
    prepare_run=prepare_run,
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(skipped_by_model,),
    imports=("transformers",),
)
