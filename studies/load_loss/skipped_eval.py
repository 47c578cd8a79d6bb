"""How large is the discrepancy when eval() is skipped after loading a language model?

Document B says that skipping ``eval()`` causes significant discrepancies with transformers too.
Whether it can depends on how the model was loaded: ``from_pretrained`` leaves it in eval mode,
building it from its config and loading a state_dict in train mode. How large the discrepancy is
depends on what the model has learnt: with a fresh head it knows nothing that dropout could disturb.
So both ways of loading meet both kinds of model: the pretrained MiniLM with a fresh head and after
fine-tuning, a small BERT with random weights and after training. All have their default dropout of
0.1. The loss is taken on texts held out from training, with ``eval()`` called after loading or not.

MiniLM is fine-tuned once, lightly (128 docstrings, three epochs, at the rate and length that gave
the least loss on held-out ones), to tell those of asyncio from those of email; one that is tuned
longer and is surer of itself has more to lose. All blocks share it: a block draws its own texts and
dropout masks, and the intervals speak for these. The BERT is
trained anew for every block, to tell from which half of the vocabulary most tokens of a text are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
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
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, span
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
    from torch import Tensor

MODEL = Factor(
    "model", ("MiniLM, fresh head", "MiniLM, lightly tuned", "BERT, random", "BERT, trained")
)
LOAD = Factor("load", ("from_pretrained", "from the config"))
EVAL = Factor("eval_call", ("made", "skipped"), control="made")

SIGNIFICANT = 1.2
AREAS = ("asyncio", "email")
MAX_TOKENS, BATCH, EPOCHS, TUNING_RATE = 24, 16, 3, 1e-4
TUNING_TEXTS = (32, 128)  # by effort: the first is for trying
N_TEXTS = 40  # held-out texts of a block
VOCABULARY, LENGTH = 100, 15
TRAINING_STEPS, TRAINING_RATE = 80, 3e-3

CLAIMS = (
    Claim(
        "B-hf-7",
        Ratio("loss", EVAL).at(eval_call="skipped"),
        at_least(SIGNIFICANT),
        reading="Significant: at least a fifth above the loss with eval() called, by either way of "
        "loading, and with a fresh head (as the document's listing has it) as after training.",
    ),
    Control(
        "with eval() called both ways of loading give the loss from before saving",
        Value("off_before").at(eval_call="made").always(),
        equals(0),
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


def prepare(block: Block) -> Cell:
    """Draw the block's texts, train its BERT, and load every model in both ways."""
    device = block.device
    tuned, ways, held_out = fine_tuned(block.shared_seed, device, TUNING_TEXTS[block.effort])
    own = held_out.of(torch.randperm(len(held_out.labels))[:N_TEXTS].to(device))
    fresh = pretrained_minilm(device)
    random, trained = (classifier("BERT").to(device).eval() for _ in range(2))
    train(trained, lambda: halves(BATCH).on(device), TRAINING_STEPS, TRAINING_RATE)
    new = halves(8 * N_TEXTS).on(device)
    subjects = (
        Subject(own, loss_on(fresh, own), loaded_ways(fresh, device)),
        Subject(own, loss_on(tuned, own), ways),
        Subject(new, loss_on(random, new), loaded_ways(random, device)),
        Subject(new, loss_on(trained, new), loaded_ways(trained, device)),
    )
    return Cell(dict(zip(MODEL.levels, subjects, strict=True)), block.seed)


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


def train(model: nn.Module, draw: Callable[[], Texts], steps: int, lr: float) -> None:
    """Train in place with AdamW and a rate that falls to 0; at the end it is in eval mode."""
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, fused=True)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1, 0, total_iters=steps)
    for _ in range(steps):
        optimiser.zero_grad()
        _loss(model, draw()).backward()
        optimiser.step()
        decay.step()
    model.eval()


def halves(count: int) -> Texts:
    """Random texts; three of four tokens, on average, are from the label's half of the tokens."""
    labels = torch.randint(CLASSES, (count,))
    odd_ones = torch.rand(count, LENGTH) < 0.25
    upper = labels[:, None].bool() ^ odd_ones
    half = VOCABULARY // 2
    return Texts(torch.randint(half, upper.shape) + half * upper, torch.ones_like(odd_ones), labels)


@lru_cache(maxsize=1)
def fine_tuned(seed: int, device: str, count: int) -> tuple[nn.Module, dict[str, nn.Module], Texts]:
    """MiniLM fine-tuned on so many docstrings, the same loaded, and the texts it has not seen.

    The same seed gives the same weights, so that a resumed run goes on with them; the global stream
    is put back.
    """
    corpus = load_docstrings(AREAS)
    texts = tokenised(corpus.texts, corpus.labels)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        order = torch.randperm(len(texts.labels))
        training, held_out = texts.of(order[:count]).on(device), texts.of(order[count:]).on(device)
        model = pretrained_minilm(device)
        batches = [
            rows for _ in range(EPOCHS) for rows in torch.randperm(count).to(device).split(BATCH)
        ]
        rows_of = iter(batches)
        train(model, lambda: training.of(next(rows_of)), len(batches), TUNING_RATE)
        return model, loaded_ways(model, device), held_out


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
    by_call = losses.pivot_table(
        index=["load", "model", "block"], columns="eval_call", values="value"
    )
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
                label=None if place else way,
            )
    axes.axhline(SIGNIFICANT, color=BLACK, lw=1.5, ls="--")
    axes.text(-0.45, SIGNIFICANT, f"{SIGNIFICANT:g}", va="bottom", fontsize=15)
    axes.axhline(1, color=BLACK, lw=1, zorder=0)
    axes.set_xticks(range(len(MODEL.levels)), [name.replace(", ", ",\n") for name in MODEL.levels])
    axes.set_ylabel("loss without eval() / loss with it")
    axes.grid(visible=False, axis="x")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, title="loaded by")
    median = ratio.groupby(["load", "model"]).median()
    config, pretrained = median["from the config"], median["from_pretrained"]
    figure.suptitle(
        "Skipping eval() multiplies the loss by "
        f"{span(pretrained)} after from_pretrained,\n"
        f"by {span(config)} after building from the config "
        f"(medians of {table['block'].nunique()} blocks)",
        fontsize=20,
    )
    return figure


EXPERIMENT = Experiment(
    question="How large is the discrepancy when eval() is skipped with a language model?",
    factors=(MODEL, LOAD, EVAL),
    blocks=PerProfile(1, 20, 40),
    effort=PerProfile(0, 1, 1),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("loss", "nat", "loss"),
        Response("off_before", "nat", "off before"),
    ),
    claims=CLAIMS,
    figures=(skipped_by_model,),
    imports=("transformers",),
)
