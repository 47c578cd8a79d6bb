"""The largest eigenvalue of a loss's Hessian, of many networks at once.

By Lanczos' method: some products of the Hessian with vectors, each of which is one more backward
pass, give a small tridiagonal matrix whose largest eigenvalue is very nearly that of the Hessian.
Unlike plain power iteration it finds the largest one and not that of largest size, and takes a
fraction of the products. In double precision; each new vector is made orthogonal to all before.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from harness.libraries import torch
from harness.workloads import Replicas
from studies.optimisers.descent import Numbers, as_numbers

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.tasks import TrainingTask

Weights = Mapping[str, "Tensor"]
PRODUCTS = 15
#: A product that is nothing but rounding ends a replica's search: it has seen the whole Hessian.
NOTHING = 1e-12


def weights_of(nets: Replicas) -> Weights:
    """A copy of the weights of all replicas."""
    return {name: p.detach().clone() for name, p in nets.named_parameters()}


def top_eigenvalues(task: TrainingTask, weights: Weights, products: int = PRODUCTS) -> Numbers:
    """The largest eigenvalue of the Hessian of the loss on all training rows, for each replica.

    Args:
        task: whose networks and rows it is about.
        weights: where; shapes (replicas, ...).
        products: of the Hessian with a vector, at most.

    Returns:
        Shape (replicas,).
    """
    nets = Replicas([copy.deepcopy(network).double() for network in task.networks])
    parameters = dict(nets.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])
    losses = nets.each(task.loss, nets(task.train.x.double()), task.train.y)
    slopes = torch.autograd.grad(losses.sum(), list(parameters.values()), create_graph=True)
    slope = torch.cat([each.flatten(1) for each in slopes], dim=1)

    def product(vector: Tensor) -> Tensor:
        # The replicas have nothing in common: one backward pass gives each its own product.
        parts = torch.autograd.grad(
            (slope * vector).sum(), list(parameters.values()), retain_graph=True
        )
        return torch.cat([each.flatten(1) for each in parts], dim=1)

    return _lanczos(product, slope, products)


def _lanczos(product: Callable[[Tensor], Tensor], like: Tensor, products: int) -> Numbers:
    """Largest eigenvalues from products with vectors of the shape (replicas, numbers)."""
    shape = like.shape
    generator = torch.Generator().manual_seed(0)
    vector = torch.randn(shape[1], generator=generator, dtype=torch.float64).to(like.device)
    vector = (vector / vector.norm()).expand(shape)
    basis, diagonal, beside = [vector], [], []
    for _ in range(min(products, shape[1])):
        image = product(basis[-1])
        diagonal.append((image * basis[-1]).sum(dim=1))
        known = torch.stack(basis, dim=1)  # (replicas, vectors, numbers)
        for _ in range(2):  # twice is enough, for what the first time leaves is rounding
            image = image - ((known @ image[:, :, None]).mT @ known)[:, 0]
        size = image.norm(dim=1)
        alive = size > NOTHING
        beside.append(torch.where(alive, size, 0.0))
        basis.append(torch.where(alive, 1 / size.clamp(min=NOTHING), 0.0)[:, None] * image)
    matrix = torch.diag_embed(torch.stack(diagonal, dim=1))
    if len(diagonal) > 1:
        sides = torch.stack(beside[:-1], dim=1)
        matrix = matrix + torch.diag_embed(sides, 1) + torch.diag_embed(sides, -1)
    return as_numbers(torch.linalg.eigvalsh(matrix)[:, -1])
