"""Does a model that is given the mask leave padding alone?

Sequences of 12, 47, 5 and 30 random tokens are padded by the chapter's collation, and a model gives
its last hidden states at the real positions; then the same sequences one by one, unpadded. Where
the mask tells the model what is real, both agree up to rounding. Without the mask they must not,
or the padding would not matter anyway. The models are small encoders of the BERT family with
random weights, in eval mode, which take ``input_ids`` and ``attention_mask``; the mask is the
chapter's own, zeros and ones of floating point.

What else such a mask may be handed to is shown beside: a causal model, in which no real position
looks to the right anyway, and the bare attention functions of torch, which take a mask of floating
point for numbers to add to the scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
    at_most,
)
from harness.figures import BLUE, ORANGE, VERMILION, draw_blocks, told
from harness.libraries import functional, nn, torch, transformers
from studies.sampling.padding import pad_batch

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

#: Numbers of the special tokens, of which none comes in the sequences.
SPECIAL: dict[str, Any] = {
    "pad_token_id": 0,
    "bos_token_id": 1,
    "cls_token_id": 1,
    "eos_token_id": 2,
    "sep_token_id": 2,
}
LENGTHS, VOCABULARY, WIDTH, HEADS = (12, 47, 5, 30), 1000, 32, 2

BERT, EAGER, ROBERTA = "BERT", "BERT, eager attention", "RoBERTa"
DISTILBERT, ELECTRA, MODERN = "DistilBERT", "ELECTRA", "ModernBERT"
ENCODERS = (BERT, EAGER, ROBERTA, DISTILBERT, ELECTRA, MODERN)
CAUSAL, FUNCTION, LAYER = "GPT-2", "scaled_dot_product_attention", "nn.MultiheadAttention"
BARE = (FUNCTION, LAYER)
MODEL = Factor("model", (*ENCODERS, CAUSAL, *BARE))
GIVEN = Factor("given", (True, False), words={True: "given the mask", False: "given no mask"})

SAME, OTHER = 1e-5, 1e-3

CLAIMS = (
    Claim(
        "C2.25",
        Value("gap").at(model=ENCODERS, given=True).always(),
        at_most(SAME),
        reading="The model knows what is real: its states at real positions are those of the "
        "sequence without padding, within 0.00001.",
        headline={"model": BERT},
    ),
    Beyond(
        "C2.25",
        Value("gap").at(model=BARE, given=True).always(),
        at_most(SAME),
        why="bare attention, which takes a mask of floating point for numbers to add",
    ),
    Beyond(
        "C2.25",
        Value("gap").at(model=CAUSAL, given=True).always(),
        at_most(SAME),
        why="a causal model, whose real positions see no padding to their right",
    ),
    Control(
        "without the mask padding changes the states",
        Value("gap").at(model=ENCODERS, given=False).always(),
        at_least(OTHER),
    ),
)

#: Gives the states, shape (batch, length, width), of tokens and, where it is given, a mask.
Forward = Callable[["Tensor", "Tensor | None"], "Tensor"]


def language_model(name: str) -> Forward:
    """A model of transformers with random weights, by its name and that of its configuration."""
    sizes: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": HEADS,
        "intermediate_size": 4 * WIDTH,
    }
    kinds: dict[str, Callable[[], nn.Module]] = {
        BERT: lambda: transformers.BertModel(transformers.BertConfig(**sizes)),
        EAGER: lambda: transformers.BertModel(
            transformers.BertConfig(**(sizes | {"attn_implementation": "eager"}))
        ),
        ROBERTA: lambda: transformers.RobertaModel(transformers.RobertaConfig(**sizes)),
        DISTILBERT: lambda: transformers.DistilBertModel(
            transformers.DistilBertConfig(
                vocab_size=VOCABULARY, dim=WIDTH, n_layers=2, n_heads=HEADS, hidden_dim=4 * WIDTH
            )
        ),
        ELECTRA: lambda: transformers.ElectraModel(
            transformers.ElectraConfig(**sizes, embedding_size=WIDTH)
        ),
        MODERN: lambda: transformers.ModernBertModel(
            transformers.ModernBertConfig(**(sizes | SPECIAL))
        ),
        CAUSAL: lambda: transformers.GPT2Model(
            transformers.GPT2Config(
                vocab_size=VOCABULARY,
                n_embd=WIDTH,
                n_layer=2,
                n_head=HEADS,
                bos_token_id=1,
                eos_token_id=2,
            )
        ),
    }
    net = kinds[name]().eval()

    def forward(tokens: Tensor, mask: Tensor | None) -> Tensor:
        states: Tensor = net.to(tokens.device)(
            input_ids=tokens, attention_mask=mask
        ).last_hidden_state
        return states

    return forward


@dataclass(frozen=True)
class Bare:
    """Embedded tokens through one of torch's own attentions, which is handed the mask as it is."""

    embedding: nn.Embedding
    attention: nn.MultiheadAttention
    function: bool

    def __call__(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """The attention's output."""
        x = self.embedding.to(tokens.device)(tokens)
        if not self.function:
            states: Tensor = self.attention.to(tokens.device)(x, x, x, key_padding_mask=mask)[0]
            return states
        bias = None if mask is None else mask[:, None, :].expand(-1, x.shape[1], -1)
        return functional.scaled_dot_product_attention(x, x, x, attn_mask=bias)


def build(name: str) -> Forward:
    """What is asked, with weights from the global stream."""
    if name not in BARE:
        return language_model(name)
    attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True).eval()
    return Bare(nn.Embedding(VOCABULARY, WIDTH), attention, name == FUNCTION)


def measure(block: Block, arm: Arm) -> Responses:
    """The largest difference of a state between the padded batch and each sequence alone."""
    forward = build(arm[MODEL])
    tokens = [torch.randint(3, VOCABULARY, (length,)) for length in LENGTHS]
    batch = pad_batch([(sequence, 0) for sequence in tokens])
    mask = batch["attention_mask"].to(block.device) if arm[GIVEN] else None
    with torch.no_grad():
        together = forward(batch["input_ids"].to(block.device), mask)
        gaps = [
            (together[row, : len(sequence)] - alone(forward, sequence.to(block.device))).abs().max()
            for row, sequence in enumerate(tokens)
        ]
    return {"gap": float(torch.stack(gaps).max())}


def alone(forward: Forward, sequence: Tensor) -> Tensor:
    """The states of one sequence without padding and mask."""
    return forward(sequence[None], None)[0]


def gaps_by_model(table: pd.DataFrame) -> Figure:
    """How far padding moves the states at real positions, with the mask and without."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.set_yscale("log")
    for given, colour, shift in ((False, ORANGE, 0.18), (True, BLUE, -0.18)):
        for place, model in enumerate(MODEL.levels):
            # Rounding may be nil, which a logarithmic axis has no place for.
            gaps = np.maximum(_gaps(table, model, given=given), 1e-9)
            label = GIVEN.say(given) if place == 0 else None
            draw_blocks(axes, place + shift, gaps, colour=colour, width=0.1, label=label)
    axes.axhline(SAME, color=VERMILION, linestyle="--", label="0.00001, the claim's edge")
    names = [
        model.replace(", ", ",\n").replace("scaled_dot_", "scaled_dot_\n") for model in ENCODERS
    ]
    names += [CAUSAL, "scaled_dot_\nproduct_\nattention", "nn.Multi-\nheadAttention"]
    axes.set_xticks(range(len(names)), names, fontsize=13)
    axes.axvline(len(ENCODERS) - 0.5, color="#888888", linewidth=1)
    axes.text(
        len(ENCODERS) - 0.4,
        0.97,
        "beyond the passage",
        fontsize=14,
        color="#555555",
        transform=axes.get_xaxis_transform(),
        va="top",
    )
    axes.set_ylim(top=30)
    axes.set_ylabel("largest change of a state at a real position")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    judged = np.concatenate([_gaps(table, model, given=True) for model in ENCODERS])
    judged = judged[np.isfinite(judged)]
    least = told(_gaps(table, BERT, given=False), ".2g", interval=False)
    most = f"{judged.max():.1g}" if len(judged) else "not measured"
    figure.suptitle(
        f"Given the mask, padding moves no encoder's state by more than {most};\n"
        f"without it BERT's by {least} (dots: n = {table['block'].nunique()} random networks, CPU)",
        fontsize=20,
    )
    return figure


def _gaps(table: pd.DataFrame, model: str, *, given: bool) -> NDArray[np.float64]:
    mine = table[(table["model"] == model) & (table["given"] == given)]
    return mine["value"].to_numpy(np.float64)


EXPERIMENT = Experiment(
    question="Does a model that is given the mask leave padding alone?",
    factors=(MODEL, GIVEN),
    blocks=PerProfile(1, 10, 40),
    measure=measure,
    responses=(
        Response(
            "gap", "1", "largest change of a state at a real position when the batch is padded"
        ),
    ),
    claims=CLAIMS,
    figures=(gaps_by_model,),
)
