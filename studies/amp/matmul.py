"""How much faster is a small matrix product in 16 bits?

Square matrices are multiplied in float32, in bfloat16 and in float16. Document C speaks of the
tensor cores of a GPU at work, and these matrices do not fill one: nothing here decides its claim.
They show what a CPU's own units for 16 bits give, and where a GPU's advantage ends. See
``matmul_large`` and ``convolution_large`` for sizes that keep a GPU computing.
"""

from __future__ import annotations

from harness import Beyond, Factor
from studies.amp.precision import BF16, FP16, FP32
from studies.amp.products import (
    TWO_TO_FOUR_TIMES,
    Products,
    matrix_product,
    products_experiment,
    square_matrices,
)

SMALL = Products(
    size=Factor("size", (256, 512, 1024), label="rows and columns"),
    levels=(FP32, BF16, FP16),
    operands=square_matrices,
    multiplication=matrix_product,
    # Small ones come several at a time, so that what surrounds them takes no part of the time.
    several=lambda size: max(1, (1024 // size) ** 2),
    what="a matrix product",
)

EXPERIMENT = products_experiment(
    "How much faster is a small matrix product in 16 bits?",
    SMALL,
    claims=(
        Beyond(
            "C7.22",
            SMALL.time(),
            TWO_TO_FOUR_TIMES,
            why="matrices too small to fill a GPU, and on a CPU no tensor cores",
        ),
    ),
    shown=1024,
)
