"""How much faster is a large matrix product in 16 bits, on a GPU?

The products of ``matmul`` at sizes that fill a GPU, and would take a CPU minutes.
"""

from __future__ import annotations

from studies.amp.products import products_experiment

EXPERIMENT = products_experiment(
    "How much faster is a large matrix product in 16 bits, on a GPU?",
    sizes=(2048, 4096, 8192),
    needs="cuda",
)
