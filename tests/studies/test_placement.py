"""No experiment mixes the CPU with the device of its block, as far as that shows without a GPU.

Studies are tried in processes of their own on a device that only pretends to exist: see
``placement.py``. What cannot be tried so (CUDA's own calls, other processes, what takes long) is
left to the tests that need a GPU.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.catalogue.cards import study_names

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
#: The share of a study's experiments that must get past ``prepare``, so that the check cannot
#: become empty unnoticed. It is about 0.9, and least where other processes do the work.
PAST_PREPARE = 0.5
#: Of CPU time, for each experiment of a study.
SECONDS = 0.8
#: So many processes try all studies between them: each takes seconds to start.
PROCESSES = 6

PLANTED = """
import torch

from harness.design.contrasts import Value
from harness.design.factors import Factor, PerProfile
from harness.design.claims import Claim
from harness.design.experiment import Experiment
from harness.design.responses import Response
from harness.design.regions import at_least


def experiment(measure, prepare=None):
    return Experiment(
        question="Are all tensors in one place?",
        measure=measure,
        prepare=prepare,
        responses=(Response("level", "1", "level"), ),
        blocks=PerProfile(1, 1, 1),
        claims=(Claim("P-place-1", Value("level"), at_least(0)),),
    )


def right(block, arm):
    net = torch.nn.LSTM(4, 3).to(block.device)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, fused=True)
    x = torch.randn(5, 2, 4, generator=torch.Generator()).to(block.device)
    mask = torch.rand(5, device=block.device) < 0.5
    net(x)[0][mask].square().sum().backward()
    optimiser.step()
    return {"level": float(net(x)[0].max().item()) + len(x.cpu().numpy())}


def forgotten(block, arm):
    return {"level": (torch.randn(3, device=block.device) + torch.randn(3)).sum().item()}


def forgotten_model(block):
    return torch.nn.Linear(4, 3)(torch.randn(2, 4, device=block.device))


def caught(block, arm):
    try:
        return forgotten(block, arm)
    except RuntimeError:
        return {"level": 0.0}


def read(block, arm):
    return {"level": torch.ones(3, device=block.device).numpy().sum()}


def drawn(block, arm):
    torch.randn(3, generator=torch.Generator(), device=block.device)
    return {"level": 0.0}


def indexed(block, arm):
    return {"level": torch.ones(3)[torch.arange(2, device=block.device)].sum().item()}


def compared(block, arm):
    return {"level": torch.equal(torch.ones(3), torch.ones(3, device=block.device))}


EXPERIMENTS = {f.__name__: experiment(f) for f in (right, forgotten, caught, read, drawn)}
EXPERIMENTS |= {f.__name__: experiment(f) for f in (indexed, compared)}
EXPERIMENTS["forgotten_model"] = experiment(right, forgotten_model)
"""


def outcomes(seconds: float, *targets: str) -> dict[str, dict[str, str]]:
    """How far each experiment gets, by study or file and its own name."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.studies.placement", str(seconds), *targets],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str]] = {target: {} for target in targets}
    for line in done.stdout.splitlines():
        target, name, outcome = line.split("\t")
        found[target][name] = outcome
    return found


def test_what_is_planted_in_the_wrong_place_is_found_and_what_is_right_goes_through(
    tmp_path: Path,
) -> None:
    path = tmp_path / "planted.py"
    path.write_text(PLANTED)
    found = outcomes(60, str(path))[str(path)]
    assert found.pop("right") == "through"
    for name, outcome in found.items():
        assert outcome.startswith("mixed"), (name, outcome)
    line = 1 + PLANTED[: PLANTED.index("torch.randn(3, device=block.device) +")].count("\n")
    assert f"/planted.py:{line}: " in found["forgotten"]
    assert found["caught"] == found["forgotten"]
    assert len(found) == 7


@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(PROCESSES))
def test_no_experiment_mixes_devices_and_most_get_past_their_preparation(first: int) -> None:
    studies = study_names()[first::PROCESSES]
    for study, found in outcomes(SECONDS, *studies).items():
        told = {name: f"{study}/{name}: {outcome}" for name, outcome in found.items()}
        mixed = [told[name] for name in found if found[name].startswith("mixed")]
        assert not mixed, "\n".join(mixed)
        unprepared = ("as far as prepare", "beyond in prepare")
        stopped = [told[name] for name in found if found[name].startswith(unprepared)]
        assert len(stopped) <= (1 - PAST_PREPARE) * len(found), "\n".join(stopped)
        assert found, study
