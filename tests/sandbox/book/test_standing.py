"""The clock that stands: only pushes move it, and running on it has lost nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from saoma.sandbox.book.standing import StandingClock
from tests.sandbox import make


def test_a_standing_clock_is_moved_by_pushes_only() -> None:
    clock = StandingClock()
    clock.stand(still=True)
    before = clock.now()
    assert clock.now() == before
    assert clock.advance(timedelta(seconds=5)) == before + timedelta(seconds=5) == clock.now()
    clock.stand(still=False)
    assert clock.now() >= before + timedelta(seconds=5)
    assert clock.now() - datetime.now(UTC) < timedelta(seconds=6)


async def test_the_clock_stands_by_the_control_api() -> None:
    async with make.running(at=None) as wire:
        assert await wire.control("POST", "clock/stand", {"still": True}) == {"still": True}
        first, second = [(await wire.control("GET", "clock"))["now"] for _ in range(2)]
        assert first == second
        await wire.control("POST", "clock/stand", {"still": False})
        assert (await wire.control("GET", "clock"))["now"] > first
