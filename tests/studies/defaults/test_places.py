"""Places: dropout that was planted at one place is found there, and nowhere else."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from studies.defaults.families import GPT2, INNER, LAYERS, LENGTH, ROWS, VIT, WIDTH, batch, build
from studies.defaults.places import Seen, encoder, is_matrix, length_of, watched


class Layer(nn.Module):
    """Attention and a feed-forward part by hand, each with a rate of its own for its dropout."""

    def __init__(self, attention: float, output: float, *, fused: bool) -> None:
        super().__init__()
        self.rate, self.fused = attention, fused
        self.up, self.down = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.drop = nn.Dropout(output)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.fused:
            y = functional.scaled_dot_product_attention(x, x, x, dropout_p=self.rate)
        else:
            weights = functional.dropout((x @ x.mT).softmax(-1), self.rate, self.training)
            y = weights @ x
        found: torch.Tensor = y + self.drop(self.down(functional.relu(self.up(y))))
        return found


def found_in(model: nn.Module) -> tuple[float, float]:
    x = torch.randn(ROWS, LENGTH, WIDTH)
    with watched(model, LENGTH) as seen:
        model(x)
    return seen.least("attention"), seen.least("feed_forward")


@pytest.mark.parametrize("fused", [False, True])
def test_each_rate_is_found_at_its_own_place(fused: bool) -> None:
    layers = [Layer(0.25, 0.5, fused=fused) for _ in range(LAYERS)]
    assert found_in(nn.Sequential(*layers)) == (0.25, 0.5)


def test_the_least_rate_stands_for_the_layers() -> None:
    layers = [Layer(0.25, 0.5, fused=True), Layer(0.0, 0.3, fused=True)]
    assert found_in(nn.Sequential(*layers)) == (0.0, 0.3)


def test_dropout_that_is_off_or_inside_the_feed_forward_part_does_not_count() -> None:
    class Inside(Layer):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = x + self.down(self.drop(functional.relu(self.up(x))))
            return found

    assert found_in(nn.Sequential(*(Inside(0.5, 0.5, fused=True) for _ in range(LAYERS)))) == (0, 0)
    off = nn.Sequential(*(Layer(0.5, 0.5, fused=False) for _ in range(LAYERS))).eval()
    assert found_in(off) == (0, 0)


def test_a_layer_without_is_not_hidden_by_the_other() -> None:
    assert Seen(attention=[0.1]).least("attention") == 0
    assert Seen(feed_forward=[0.1] * LAYERS).least("feed_forward") == 0.1


def test_what_is_watched_is_left_as_it_was() -> None:
    doors = functional.dropout, functional.scaled_dot_product_attention
    model = encoder(dropout=0.1)
    torch.manual_seed(0)
    with watched(model, LENGTH):
        watched_answer = model(torch.ones(ROWS, LENGTH, WIDTH))
    assert (functional.dropout, functional.scaled_dot_product_attention) == doors
    torch.manual_seed(0)
    assert torch.equal(model(torch.ones(ROWS, LENGTH, WIDTH)), watched_answer)
    assert not any(module._forward_hooks for module in model.modules())


def test_lengths_are_those_of_the_attention_weights() -> None:
    assert length_of(batch(GPT2)) == LENGTH
    image_model, images = build(VIT, {"attn_implementation": "eager"}), batch(VIT, rows=2)
    weights = image_model.eval()(images, output_attentions=True).attentions[0]
    assert weights.shape[-2:] == (length_of(images),) * 2


def test_matrices_are_those_between_the_two_widths() -> None:
    matrices = [m for m in build(GPT2).modules() if is_matrix(m)]
    assert len(matrices) == 2 * LAYERS
    assert not is_matrix(nn.Linear(WIDTH, WIDTH))
