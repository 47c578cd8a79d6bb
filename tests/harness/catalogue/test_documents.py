"""The documents that the package of studies describes."""

from __future__ import annotations

from harness.catalogue.claims import read_catalogue
from harness.catalogue.documents import documents
from tests.harness.runs import House


def test_every_document_of_the_catalogue_has_a_title() -> None:
    found = documents()
    for key in {entry.document for entry in read_catalogue().values()}:
        assert found[key].title
        assert found[key].format


def test_a_package_that_lists_no_documents_has_none(house: House) -> None:
    assert documents() == {}
    (house.top / "studies" / "documents.py").write_text("pass\n")
    assert documents() == {}
