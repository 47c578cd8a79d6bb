"""The addresses of a site's pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.publishing import addresses


@pytest.mark.parametrize("claim", ["A-forget-1", "C1.12", "own_rate-0"])
def test_the_address_of_a_claim_is_its_id(claim: str) -> None:
    assert addresses.claim_page(claim) == f"claims/{claim}.html"
    assert addresses.claim_record(claim) == f"claims/{claim}.json"


def test_a_run_keeps_its_place_below_its_study() -> None:
    assert addresses.run_page("amp/2026-11-26_xeon") == "runs/amp/2026-11-26_xeon.html"


def test_no_claim_takes_the_address_of_the_table_of_all() -> None:
    assert addresses.claim_page("index") != addresses.CLAIMS


@given(st.text(min_size=1))
def test_no_id_leaves_its_folder_or_needs_quoting(claim: str) -> None:
    folder, _, name = addresses.claim_page(claim).partition("/")
    assert folder == "claims"
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert not name.startswith((".", "-"))


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_ids_have_two_addresses(one: str, other: str) -> None:
    same = addresses.claim_page(one) == addresses.claim_page(other)
    assert same == (one == other)
