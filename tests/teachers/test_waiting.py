"""Retry-After in every form it comes in: seconds, milliseconds, a date, and nonsense."""

from __future__ import annotations

import pytest

from studio.teachers.waiting import seconds_asked_for


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7), ({"retry-after": "0.5"}, 0.5), ({"retry-after": "3600"}, 3600),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-1"}, None), ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None), ({"retry-after": "soon"}, None),
        ({"retry-after": "Sat, 21 Nov 2026 08:00:30 GMT",
          "date": "Sat, 21 Nov 2026 08:00:00 GMT"}, 30),
        ({"retry-after": "Sat, 21 Nov 2026 07:00:00 GMT",
          "date": "Sat, 21 Nov 2026 08:00:00 GMT"}, 0),
    ],
)  # fmt: skip
def test_each_form_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds_asked_for(headers) == seconds


def test_a_date_far_off_is_long_and_not_ignored() -> None:
    said = seconds_asked_for({"retry-after": "Wed, 01 Jan 2098 00:00:00 GMT"})
    assert said is not None
    assert said > 1e8
