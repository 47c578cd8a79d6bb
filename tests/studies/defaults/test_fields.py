"""Fields: what a name says is dropped, and which numbers a configuration holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.defaults.fields import in_head, kind_of, of_the_body, rates, rates_by_kind


@dataclass
class Config:
    """Anything with ``to_dict``."""

    values: dict[Any, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[Any, Any]:
        return self.values


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("hidden_dropout_prob", "dropout"),
        ("resid_pdrop", "dropout"),
        ("attention_drop_rate", "dropout"),
        ("drop_path_rate", "drop path"),
        ("fusion_droppath", "drop path"),
        ("path_dropout", "drop path"),
        ("drop_connect_rate", "drop path"),
        ("encoder_layerdrop", "layer drop"),
        ("quantizer_dropout", None),
        ("feat_quantizer_dropout", "dropout"),
        ("hidden_size", None),
    ],
)
def test_a_field_is_of_the_kind_that_its_name_says(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_rates_are_numbers_of_this_configuration_and_of_those_inside_it() -> None:
    config = Config(
        {
            "dropout": 0.1,
            "classifier_dropout": None,
            "token_dropout": True,
            "drop_rate": [0.0, 0.2],
            "drop_path_rate": 0.3,
            "id2label": {0: "dropout"},
            "text_config": {"attention_dropout": 0, "layerdrop": 0.4, "name": "drop"},
        }
    )
    assert rates(config) == {"dropout": 0.1, "drop_rate": 0.2, "text_config.attention_dropout": 0.0}
    assert rates_by_kind(config) == {
        "dropout": rates(config),
        "drop path": {"drop_path_rate": 0.3},
        "layer drop": {"text_config.layerdrop": 0.4},
    }


def test_a_heads_fields_are_no_part_of_the_body_wherever_they_stand() -> None:
    found = {"dropout": 0.1, "classifier_dropout": 0.2, "inner.summary_first_dropout": 0.3}
    assert of_the_body(found) == {"dropout": 0.1}
    assert in_head("pooler_dropout")
    assert not in_head("hidden_dropout")


@given(st.dictionaries(st.sampled_from(["dropout", "size", "pdrop", "drop_path"]), st.floats(0, 1)))
def test_every_number_is_found_once_or_has_no_kind(values: dict[str, float]) -> None:
    found = rates_by_kind(Config(values))
    assert sum(len(each) for each in found.values()) == sum("drop" in name for name in values)
