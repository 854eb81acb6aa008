"""The plan of retries: gaps that grow, three days in all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from saoma.notifications.retrying import TRIED_FOR, next_attempt

BEGAN = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@given(st.floats(0, 1))
def test_attempts_grow_apart_and_end_within_three_days(jitter: float) -> None:
    moments, now, tries = [BEGAN], BEGAN, 1
    while (due := next_attempt(BEGAN, now, tries, jitter)) is not None:
        moments.append(due)
        now, tries = due, tries + 1
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert gaps == sorted(gaps) and gaps[0] >= timedelta(seconds=10)
    assert timedelta(days=2) < moments[-1] - BEGAN <= TRIED_FOR
    assert 10 <= len(moments) <= 16
