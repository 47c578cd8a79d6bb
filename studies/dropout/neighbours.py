"""Do the neighbours of a dropped activation give it away?

Convolutional networks without dropout are trained; then their feature maps on unseen images are
read behind the first and the second ReLU. From every place the mean over images is taken off, and
border pixels are left out, so that blank borders and the average image make no correlation; maps
that do not vary in both halves of the images are left out.

Images are digits, and digits on crops of photographs in full resolution, where neighbours in the
image are neighbours in the photograph. *Highly correlated* is a correlation of at least 0.5 between
an activation and the next one in its row or column. *Plain dropout leaks* is how well a dropped
activation can be told, by least squares, from those of its eight neighbours in the map that a mask
of one half has left: at least 0.3 of its variance on images that the regression has not seen. The
passage gives the first as the cause of the second: images and layer count for the claim where both
are so.

Shown beside is whether whole maps mend it: what is left around a dropped activation, in all maps,
with whole maps dropped and with pixels. From its own map nothing is left then, so that other maps
have to tell, of which the passage does not speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
)
from harness.figures import BLACK, BLUE, ORANGE, SKY, draw_blocks, told
from harness.libraries import nn, torch
from harness.workloads.fitting import Recipe, fit
from studies.dropout.images import CROPS, MANY, SETS, convolutional, draw_images

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

PIXELS, MAPS = "pixels", "maps"
KIND = Factor(
    "kind",
    (PIXELS, MAPS),
    control=PIXELS,
    words={PIXELS: "pixels dropped", MAPS: "whole maps dropped"},
)
#: The layers of the network up to and with each ReLU.
UP_TO = {1: 3, 2: 5}
LAYER = Factor(
    "layer", tuple(UP_TO), words={1: "behind the first convolution", 2: "behind the second"}
)
IMAGES = Factor("images", (MANY, CROPS))
RATE, ROWS = 0.5, 80
CORRELATED, TOLD = 0.5, 0.3
LR, BATCH = 3e-3, 32
LEAKS = "correlated, and leaks"
VARIES = 0.01  # of the largest standard deviation of a map

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-drop-10",
        Value("correlation").at(kind=PIXELS),
        at_least(CORRELATED),
        reading="Highly correlated: neighbouring activations of a map have a correlation of at "
        "least 0.5 over images.",
        headline={"images": CROPS, "layer": 1},
        jointly=LEAKS,
    ),
    Claim(
        "D-drop-10",
        Value("from_own_map").at(kind=PIXELS),
        at_least(TOLD),
        reading="Plain dropout leaks: what it leaves of the eight neighbours tells at least 0.3 of "
        "a dropped activation's variance.",
        jointly=LEAKS,
    ),
    Beyond(
        "D-drop-10",
        Ratio("from_all", KIND),
        at_most(0.5),
        why="what other maps tell, of which the passage does not speak",
        reading="Whole maps mend it: what is left around a dropped activation in all maps tells at "
        "most half as much of it as when pixels are dropped.",
    ),
)


class Seen(NamedTuple):
    """A block's seed, and the feature maps of its network on unseen images, by layer."""

    seed: int
    maps: dict[int, NDArray[np.float64]]


def prepare(blocks: tuple[Block, ...]) -> dict[str, list[Seen]]:
    """Train on each set; what each block's network makes of unseen images."""
    found: dict[str, list[Seen]] = {}
    for name in IMAGES.levels:
        seeds = [block.seed for block in blocks]
        sample = draw_images(name, seeds, blocks[0].device)
        recipe = Recipe(blocks[0].effort, batch=BATCH, lr=LR, watch_every=blocks[0].effort)
        nets = fit(partial(convolutional, SETS[name]), sample, recipe).nets
        each = nets.unstack()  # noqa: PD010 - no table
        found[name] = [
            Seen(seed, feature_maps(net, x[:ROWS]))
            for seed, net, x in zip(seeds, each, sample.test.x, strict=True)
        ]
    return found


def feature_maps(net: nn.Module, x: Tensor) -> dict[int, NDArray[np.float64]]:
    """What stands behind each ReLU; shapes (images, maps, height, width)."""
    layers, found = list(net.children()), {}
    with torch.no_grad():
        for layer, end in UP_TO.items():
            found[layer] = nn.Sequential(*layers[:end])(x).double().cpu().numpy()
    return found


def measure(seen: dict[str, list[Seen]], arm: Arm) -> Sequence[Responses]:
    """Mask the activations, and tell each dropped one from what is left."""
    return [told_by_rest(each.maps[arm[LAYER]], arm[KIND], each.seed) for each in seen[arm[IMAGES]]]


def told_by_rest(maps: NDArray[np.float64], kind: str, seed: int) -> dict[str, float]:
    """How well activations can be told from what dropout leaves around them.

    Args:
        maps: shape (images, maps, height, width).
        kind: what is dropped, at a rate of one half.
        seed: of the mask.
    """
    maps = maps - maps.mean(axis=0)
    half = len(maps) // 2
    spread = np.minimum(*(part.std(axis=(0, 2, 3)) for part in (maps[:half], maps[half:])))
    maps = maps[:, spread > VARIES * spread.max()]
    draw = np.random.default_rng(seed)
    shape = maps.shape if kind == PIXELS else (*maps.shape[:2], 1, 1)
    left = maps * (draw.random(shape) >= RATE) / (1 - RATE)
    windows = windows_of(left)  # (images, maps, places, 9)
    centres = maps[:, :, 1:-1, 1:-1].reshape(*maps.shape[:2], -1)
    own, everything = [], []
    for which in range(maps.shape[1]):
        target = centres[:, which]
        neighbours = np.delete(windows[:, which], 4, axis=-1)
        own.append(explained(neighbours, target))
        others = np.delete(windows, which, axis=1)
        around = [others.transpose(0, 2, 1, 3).reshape(*target.shape, -1)]
        if kind == PIXELS:
            around.append(neighbours)
        everything.append(explained(np.concatenate(around, axis=-1), target))
    return {
        "correlation": next_to(maps),
        "from_own_map": float(np.mean(own)) if kind == PIXELS else float("nan"),
        "from_all": float(np.mean(everything)),
    }


def windows_of(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 3 x 3 window around every place but the borders; shape (images, maps, places, 9)."""
    views = np.lib.stride_tricks.sliding_window_view(maps, (3, 3), axis=(2, 3))
    return views.reshape(*maps.shape[:2], -1, 9)


def next_to(maps: NDArray[np.float64]) -> float:
    """The mean over maps of the correlation of neighbours in rows and columns, without borders.

    Args:
        maps: less their mean over images, shape (images, maps, height, width).
    """
    inner = maps[:, :, 1:-1, 1:-1]
    found = []
    for one, other in (
        (inner[..., :-1], inner[..., 1:]),
        (inner[..., :-1, :], inner[..., 1:, :]),
    ):
        both, first, second = (
            (a * b).sum(axis=(0, 2, 3)) for a, b in ((one, other), (one, one), (other, other))
        )
        found.append(both / np.sqrt(first * second + 1e-30))
    return float(np.mean(found))


def explained(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """The share of the variance that least squares explain on the second half of the images.

    Args:
        x: shape (images, places, predictors).
        y: shape (images, places).
    """
    half = len(x) // 2
    first, second = (part.reshape(-1, x.shape[-1]) for part in (x[:half], x[half:]))
    known, wanted = y[:half].ravel(), y[half:].ravel()
    gram = first.T @ first
    gram.flat[:: len(gram) + 1] += 1e-6 * np.trace(gram) / len(gram) + 1e-12
    weights = np.linalg.solve(gram, first.T @ known)
    return float(1 - ((wanted - second @ weights) ** 2).sum() / (wanted**2).sum())


def what_is_left(table: pd.DataFrame) -> Figure:
    """The correlation of neighbours, and how much of a dropped activation they tell."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    for axes, images in zip(panels, IMAGES.levels, strict=True):
        rows = table[table["images"] == images]
        shown = (
            ("correlation", PIXELS, BLACK, "correlation of neighbours (dashed: 0.5)"),
            ("from_own_map", PIXELS, SKY, "told by its own map, pixels dropped (dotted: 0.3)"),
            ("from_all", PIXELS, ORANGE, "told by all maps, pixels dropped"),
            ("from_all", MAPS, BLUE, "told by all maps, maps dropped"),
        )
        places = (-0.3, -0.1, 0.1, 0.3)
        for shift, (response, kind, colour, label) in zip(places, shown, strict=True):
            for layer in LAYER.levels:
                at = (rows["response"] == response) & (rows["kind"] == kind)
                values = rows[at & (rows["layer"] == layer)]["value"].to_numpy(np.float64)
                draw_blocks(
                    axes,
                    layer + shift,
                    values,
                    colour=colour,
                    width=0.06,
                    label=label if layer == 1 else None,
                )
        axes.axhline(CORRELATED, color=BLACK, linestyle="--", linewidth=1.2)
        axes.axhline(TOLD, color=SKY, linestyle=":", linewidth=1.5)
        axes.set_xticks(LAYER.levels, ["first\nconvolution", "second\nconvolution"])
        axes.set_title(images, fontsize=18)
    panels[0].set_ylim(0, 1)
    panels[0].set_ylabel("correlation; share of variance")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=15
    )
    first = table[(table["images"] == CROPS) & (table["layer"] == 1) & (table["kind"] == PIXELS)]
    correlation, own = (
        first[first["response"] == response]["value"]
        for response in ("correlation", "from_own_map")
    )
    figure.suptitle(
        f"Neighbours correlate by {told(correlation, '.2f')}, and what dropout leaves\nof them "
        f"tells {told(own, '.2f')} of a dropped activation's variance\n(crops of photographs, "
        f"first convolution; CPU; dots: {table['block'].nunique()} seeds)",
        fontsize=17,
    )
    return figure


EXPERIMENT: Experiment[Block] = Experiment(
    question="Do the neighbours of a dropped activation give it away?",
    factors=(KIND, IMAGES, LAYER),
    responses=(
        Response("correlation", "1", "correlation of neighbouring activations of a map"),
        Response(
            "from_own_map",
            "1",
            "share of a dropped activation's variance that its neighbours in the map tell",
        ),
        Response(
            "from_all",
            "1",
            "share of a dropped activation's variance that all that is left around it tells",
        ),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(1, 10, 10),  # epochs
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(what_is_left,),
)
