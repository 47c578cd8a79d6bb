"""How much faster is a large matrix product in 16 bits, on a GPU?

Square matrices are multiplied in float32, which does without TF32 as PyTorch ships it, with TF32
allowed, in bfloat16 and in float16, which bring a card to its power limit: the two largest sizes
also run alone, each at its own clock. Judged are sizes that keep a GPU computing; smaller ones show
where that begins, and against TF32, which the passage does not mention, the same is shown.
"""

from __future__ import annotations

from harness import Alone, Beyond, Claim, Factor
from studies.amp.precision import BF16, FP16, FP32, SECONDS_ALONE, TF32
from studies.amp.products import (
    READING,
    TWO_TO_FOUR_TIMES,
    Products,
    matrix_product,
    products_experiment,
    square_matrices,
)

#: From here on a product takes a GPU far longer than to start it or to fetch its numbers.
COMPUTING = (2048, 4096, 8192)

LARGE = Products(
    size=Factor("size", (1024, 1536, *COMPUTING), label="rows and columns"),
    levels=(FP32, TF32, BF16, FP16),
    operands=square_matrices,
    multiplication=matrix_product,
    several=lambda _: 1,
    what="a matrix product",
)

EXPERIMENT = products_experiment(
    "How much faster is a large matrix product in 16 bits, on a GPU?",
    LARGE,
    claims=(
        Claim(
            "C7.22",
            LARGE.time().along(LARGE.size, judged=COMPUTING),
            TWO_TO_FOUR_TIMES,
            reading=READING,
            needs="cuda",
            headline={"size": 4096, "precision": BF16},
        ),
        Beyond(
            "C7.22",
            LARGE.time().against(TF32).along(LARGE.size, judged=COMPUTING),
            TWO_TO_FOUR_TIMES,
            why="TF32, which PyTorch leaves out of matrix products unless it is asked",
            needs="cuda",
        ),
    ),
    shown=4096,
    alone=Alone(SECONDS_ALONE, at={"size": (4096, 8192)}),
    needs="cuda",
)
