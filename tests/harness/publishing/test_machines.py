"""Machines as their pages show them."""

from __future__ import annotations

from harness.publishing.machines import Fact, facts, packages

ONE = {
    "device": "cpu",
    "cpu": "Xeon",
    "cores": 2,
    "environment": {"OMP_NUM_THREADS": "2"},
    "packages": {"numpy": "2.4.6", "torch": "2.13.0"},
    "torch": {"version": "2.13.0", "cuda": None, "defaults": {"mkldnn": True, "threads": 2}},
}


def test_the_processor_comes_first_and_every_other_fact_has_its_place() -> None:
    assert facts([ONE]) == [
        Fact("processor", ("Xeon",)),
        Fact("cores", ("2",)),
        Fact("torch", ("2.13.0",)),
        Fact("environment OMP NUM THREADS", ("2",)),
        Fact("torch defaults mkldnn", ("yes",)),
        Fact("torch defaults threads", ("2",)),
    ]


def test_where_runs_of_a_machine_differ_all_values_stand() -> None:
    other = ONE | {"cores": 4, "packages": {"numpy": "2.5.0"}}
    told = {fact.name: fact.values for fact in facts([ONE, other, ONE])}
    assert told["cores"] == ("2", "4")
    assert told["processor"] == ("Xeon",)
    assert packages([ONE, other]) == [
        Fact("numpy", ("2.4.6", "2.5.0")),
        Fact("torch", ("2.13.0",)),
    ]
