"""Does document D's drop path leave the shape of what it drops, in a ResNet and in a transformer?

The text gives stochastic depth two homes, ResNets and transformers, and prints one class for it,
which its listing uses in a block of convolutions. The class draws a mask of four dimensions. It is
sent what such a block hands on, images of shape (rows, channels, height, width), and what a
transformer's layer hands on, tokens of shape (rows, length, width). A branch has to keep its shape
to be added to what passed it by; where it does not, broadcasting may add the two all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness import Fact, facts
from harness.libraries import torch
from studies.listings.snippets import drop_path

IMAGES, TOKENS, ROWS = (4, 8, 16, 16), (4, 7, 32), (4, 32)


def after(*shape: int, training: bool = True, added: bool = False) -> list[int]:
    """The shape that a drop path gives back, or the sum with what passed it by."""
    x = torch.ones(shape)
    out = drop_path(x, training=training)
    return list((out + x if added else out).shape)


def _keeps(what: str, shape: Sequence[int], *, headline: bool = False) -> Fact:
    other = IMAGES if shape != IMAGES else TOKENS
    return Fact(
        "D-list5-3",
        f"in train mode {what} keep their shape",
        lambda: after(*shape),
        list(shape),
        lambda: after(*other),
        reading="The class as printed is used where the text puts the technique: what it gives "
        f"back has the shape of what it got, here {what}.",
        headline=headline,
    )


EXPERIMENT = facts(
    "Does the listed drop path leave the shape of what it drops?",
    _keeps("the images of a ResNet's block", IMAGES),
    _keeps("the tokens of a transformer's layer", TOKENS, headline=True),
    Fact(
        "D-list5-3",
        "in eval mode the tokens of a transformer's layer keep their shape",
        lambda: after(*TOKENS, training=False),
        list(TOKENS),
        lambda: after(*TOKENS),
        beyond="eval mode, in which nothing is dropped",
    ),
    Fact(
        "D-list5-3",
        "the sum of a branch of tokens and what passed it by has three dimensions",
        lambda: len(after(*TOKENS, added=True)),
        len(TOKENS),
        lambda: len(after(*IMAGES, added=True)),
        beyond="what follows the class",
    ),
    Fact(
        "D-list5-3",
        "in train mode rows without a length keep their shape",
        lambda: after(*ROWS),
        list(ROWS),
        lambda: after(*TOKENS),
        beyond="rows of two dimensions, which neither home has",
    ),
)
