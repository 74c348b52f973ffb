"""What is said of settings that are none."""

from __future__ import annotations

import re

import pytest

from studio.domain.errors import SpecError
from studio.domain.specs import dataset_spec, train_spec, with_settings


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("epoch", "there is no epoch: did you mean epochs? Known are epochs, max_steps"),
        ("lora.rank", "there is no lora.rank: Known are r, alpha, dropout, target_modules"),
        ("lora.alhpa", "there is no lora.alhpa: did you mean lora.alpha?"),
    ],
)
def test_an_unknown_setting_is_answered_with_the_known_ones(setting: str, said: str) -> None:
    with pytest.raises(SpecError, match=re.escape(said)):
        train_spec(with_settings({"student": {"location": "x"}}, {setting: "2"}))


def test_an_unknown_setting_of_the_data_too() -> None:
    with pytest.raises(SpecError, match=r"no reply: did you mean replay\? Known are questions"):
        dataset_spec({"reply": 1})
