"""The wall of numbers, whichever room took the order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from saoma.food.orders.calling import Called, wall

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def called(label: str, minutes: int, *, ready: bool = False) -> Called:
    """A number that is made, or ready, since so many minutes after noon."""
    return Called(id=label, label=label, ready=ready, since=NOON + timedelta(minutes=minutes))


def test_what_is_made_stands_oldest_first_and_what_is_ready_latest_first_over_all_rooms() -> None:
    shown = wall(
        [called("12", 5), called("9", 1, ready=True), called("P3", 2), called("P1", 7, ready=True), called("11", 3)]
    )
    assert [one.label for one in shown.making] == ["P3", "11", "12"]
    assert [one.label for one in shown.ready] == ["P1", "9"]
