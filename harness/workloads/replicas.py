"""Networks of one architecture and different weights, which train at once.

Twenty small networks one after another spend most of their time between operations. Stacked, each
operation is one for all of them (``torch.func.stack_module_state`` and ``torch.vmap``). Their
weights are leaves with a first dimension for the replica, so that an optimiser of ``torch.optim``
that works element by element (SGD, Adam, AdamW and the like) trains each replica as if it were
alone; what looks at all parameters at once, such as clipping, has to be done replica by replica.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.libraries import nn, torch
from harness.workloads.direct import DirectPass, direct_layers

if TYPE_CHECKING:
    from torch import Tensor


class Replicas:
    """Some networks as one; its parameters have the replica as their first dimension."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        """Stack networks, whose weights are copied.

        Args:
            networks: of one architecture, one or more, in one mode and on one device.

        Raises:
            HarnessError: no network, or networks that differ in shape.
        """
        if not networks:
            raise HarnessError("Replicas need a network.")
        shapes = [{name: x.shape for name, x in net.state_dict().items()} for net in networks]
        if any(shape != shapes[0] for shape in shapes):
            raise HarnessError("Replicas must have parameters and buffers of the same shapes.")
        self._networks = list(networks)
        self._layers = direct_layers(self._networks[0])
        stacked, self._buffers = torch.func.stack_module_state(self._networks)
        self._parameters = {
            name: nn.Parameter(p.detach(), requires_grad=p.requires_grad)
            for name, p in stacked.items()
        }

    @property
    def count(self) -> int:
        """How many replicas there are."""
        return len(self._networks)

    @property
    def training(self) -> bool:
        """Whether the networks are in train mode."""
        return self._networks[0].training

    def train(self, mode: bool = True) -> Replicas:
        """Set the mode of all replicas."""
        self._networks[0].train(mode)
        return self

    def eval(self) -> Replicas:
        """Set all replicas to eval mode."""
        return self.train(mode=False)

    def train_only(self, *kinds: type[nn.Module]) -> Replicas:
        """Set all replicas to eval mode but for layers of some kinds, which are in train mode."""
        for layer in self._networks[0].eval().modules():
            layer.training = isinstance(layer, kinds)
        return self

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The stacked parameters, named as in the network; shapes (replicas, ...)."""
        yield from self._parameters.items()

    def parameters(self) -> Iterator[nn.Parameter]:
        """The stacked parameters, for an optimiser."""
        yield from self._parameters.values()

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """The stacked buffers, named as in the network; shapes (replicas, ...)."""
        yield from self._buffers.items()

    def __call__(self, x: Tensor) -> Tensor:
        """A forward pass of every replica on its own input.

        Dropout draws for each replica by itself. Batch norm's running statistics are updated in
        train mode, as in the network.

        Args:
            x: shape (replicas, batch, features...).

        Returns:
            Shape (replicas, batch, ...).
        """
        if self.count == 1:
            # By itself a network gives the very bits that it gives unstacked.
            return self._alone(x[0])[None]
        if self._layers:
            return DirectPass(self._layers, self._parameters, self._buffers)(x)

        def forward(
            parameters: dict[str, Tensor], buffers: dict[str, Tensor], rows: Tensor
        ) -> Tensor:
            out: Tensor = torch.func.functional_call(self._networks[0], (parameters, buffers), rows)
            return out

        passes = torch.vmap(forward, randomness="different")
        out: Tensor = passes(dict(self._parameters), self._buffers, x)
        return out

    def _alone(self, rows: Tensor) -> Tensor:
        state = {name: p[0] for name, p in (*self._parameters.items(), *self._buffers.items())}
        out: Tensor = torch.func.functional_call(self._networks[0], state, rows)
        return out

    def each(self, loss: Callable[..., Tensor], outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of each replica.

        Args:
            loss: one of ``torch.nn.functional``, of outputs (batch, ...) and targets, that takes
                the mean over all it is given or, with ``reduction="none"``, leaves that to others.
            outputs: shape (replicas, batch, ...).
            targets: shape (replicas, batch, ...).

        Returns:
            Shape (replicas,). The backward pass of its sum gives each replica its own gradients.
        """
        if self.count == 1:
            return loss(outputs[0], targets[0])[None]
        # What ``vmap`` would do, without its search for how, which takes as long as the loss.
        terms = loss(outputs.flatten(0, 1), targets.flatten(0, 1), reduction="none")
        return terms.view(self.count, -1).mean(dim=1)

    def gradient_norms(self) -> Tensor:
        """The Euclidean norm of each replica's gradients, all parameters together.

        Returns:
            Shape (replicas,); parameters without gradient count as zero.
        """
        return _norms([p.grad for p in self.parameters() if p.grad is not None], like=self._any())

    def parameter_norms(self) -> Tensor:
        """The Euclidean norm of each replica's parameters; shape (replicas,)."""
        return _norms([p.detach() for p in self.parameters()], like=self._any())

    def unstack(self) -> list[nn.Module]:
        """The networks by themselves, with the weights and buffers of now, all in one mode."""
        state = {**self._parameters, **self._buffers}
        for place, net in enumerate(self._networks):
            net.load_state_dict({name: x.detach()[place] for name, x in state.items()})
            net.train(self.training)
        return self._networks

    def _any(self) -> Tensor:
        return next(self.parameters())


def _norms(tensors: Sequence[Tensor], like: Tensor) -> Tensor:
    """For each replica the norm of all its numbers in some tensors of shape (replicas, ...)."""
    if not tensors:
        return like.new_zeros(len(like))
    norms: Tensor = torch.cat([tensor.flatten(1) for tensor in tensors], dim=1).norm(dim=1)
    return norms
