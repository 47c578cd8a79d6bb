"""How much faster is a matrix product in 16 bits?

Square matrices are multiplied in float32, in float32 with TF32 allowed, in bfloat16 and in float16.
Document C speaks of tensor cores, and so does its verdict, which takes a GPU; a CPU's own units for
16 bits give the counterpart. These sizes suit a CPU: see ``matmul_large`` for those that fill a
GPU. Few CPUs have a unit for float16, and none in reach has one for TF32.
"""

from __future__ import annotations

from studies.amp.products import products_experiment

EXPERIMENT = products_experiment(
    "How much faster is a matrix product in 16 bits?", sizes=(256, 512, 1024)
)
