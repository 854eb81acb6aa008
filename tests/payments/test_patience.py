"""Patience: published gaps, a deadline that is met, and Beijing's midnight."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.kit.errors import Invalid
from saoma.payments.patience import (
    CANCEL_ATTEMPTS,
    POLICIES,
    REFUND_GIVES_UP_AFTER,
    GiveUp,
    cancel_window_ends,
    next_cancel,
    next_look,
    next_refund,
    patience,
)

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
jitters = st.floats(0, 1)
policies = st.sampled_from(sorted(POLICIES))


def looks(policy: str, jitter: float) -> list[float]:
    """The seconds at which a patient till asks when every answer is immediate and unclear."""
    now, tries, moments = NOON, 0, []
    while not isinstance(look := next_look(patience(policy), NOON, now, tries, jitter), GiveUp):
        now, tries = look, tries + 1
        moments.append((now - NOON).total_seconds())
    return moments


@pytest.mark.parametrize(
    ("policy", "first", "gap", "deadline"),
    [
        ("fast_food", (4.5, 5), (4.5, 5), 60),
        ("ticket", (3, 4), (3, 4), 60),
        ("barcode", (3, 5), (3, 5), 60),
        ("wallet_page", (4.5, 5), (4.5, 5), 300),
    ],
)
@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_the_published_numbers_are_kept(
    policy: str, first: tuple[float, float], gap: tuple[float, float], deadline: float, jitter: float
) -> None:
    moments = looks(policy, jitter)
    assert first[0] <= moments[0] <= first[1]
    within_a_minute = [moment for moment in moments if moment <= 60]
    for earlier, later in itertools.pairwise(within_a_minute):
        assert gap[0] - 0.001 <= later - earlier <= gap[1] + 0.001 or later in (60, deadline)
    assert moments[-1] == deadline


def test_a_page_is_asked_less_often_after_a_minute() -> None:
    moments = [moment for moment in looks("wallet_page", 0.0) if moment > 65]
    assert moments[1] - moments[0] == 15


@given(policies, st.integers(0, 10_000), st.integers(0, 50), jitters)
def test_a_look_is_never_in_the_past_and_never_after_the_deadline(
    name: str, milliseconds: int, tries: int, jitter: float
) -> None:
    policy = patience(name)
    now = NOON + timedelta(milliseconds=milliseconds * 40)
    look = next_look(policy, NOON, now, tries, jitter)
    if isinstance(look, GiveUp):
        assert now >= NOON + policy.give_up_after
    else:
        assert now < look <= NOON + policy.give_up_after


@given(st.integers(0, CANCEL_ATTEMPTS + 5), jitters)
def test_cancels_grow_apart_up_to_a_limit_and_end(tries: int, jitter: float) -> None:
    look = next_cancel(NOON, tries, jitter)
    if tries >= CANCEL_ATTEMPTS - 1:
        assert isinstance(look, GiveUp)
    else:
        assert not isinstance(look, GiveUp)
        assert timedelta(seconds=1.8) <= look - NOON <= timedelta(seconds=120)
        if 0 < tries < 6:
            before = next_cancel(NOON, tries - 1, jitter)
            assert not isinstance(before, GiveUp) and look - NOON >= (before - NOON) * 1.9


@given(st.integers(0, 40 * 60), st.integers(0, 300), jitters)
def test_refunds_are_repeated_for_a_day_and_a_half(minutes: int, tries: int, jitter: float) -> None:
    now = NOON + timedelta(minutes=minutes)
    look = next_refund(NOON, now, tries, jitter)
    assert isinstance(look, GiveUp) is (now >= NOON + REFUND_GIVES_UP_AFTER)
    if not isinstance(look, GiveUp):
        assert now < look <= now + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("created", "ends"),
    [
        (datetime(2026, 3, 2, 4, 0, tzinfo=UTC), datetime(2026, 3, 2, 16, 15, tzinfo=UTC)),
        (datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC), datetime(2026, 3, 2, 16, 15, tzinfo=UTC)),
        (datetime(2026, 3, 2, 16, 0, tzinfo=UTC), datetime(2026, 3, 3, 16, 15, tzinfo=UTC)),
        (datetime(2026, 12, 31, 20, 0, tzinfo=UTC), datetime(2027, 1, 1, 16, 15, tzinfo=UTC)),
    ],
)
def test_the_cancel_window_follows_beijing_s_day(created: datetime, ends: datetime) -> None:
    assert cancel_window_ends(created) == ends


def test_a_policy_nobody_wrote_down_is_refused() -> None:
    with pytest.raises(Invalid):
        patience("endless")
