"""Clocks: the machine's own, and one that a file sets ahead for drills."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from saoma.kit.clock import ShiftedClock, SystemClock, machine_clock

_CLOSE = timedelta(seconds=5)


def _ahead(file: Path) -> timedelta:
    return ShiftedClock(file).now() - datetime.now(UTC)


def test_a_file_sets_a_drills_clock_ahead(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_text("86400")
    assert timedelta(days=1) - _CLOSE < _ahead(file) < timedelta(days=1) + _CLOSE


def test_a_clock_file_that_is_missing_or_spoiled_moves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    assert abs(_ahead(file)) < _CLOSE
    for spoiled in ("", "soon", "nan", "1e999"):
        file.write_text(spoiled)
        assert abs(_ahead(file)) < _CLOSE, spoiled


def test_a_drills_clock_does_not_go_back(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_text("3600")
    clock = ShiftedClock(file)
    before = clock.now()
    file.write_text("60")
    clock._look_at = 0.0
    assert clock.now() >= before


def test_without_a_file_the_machine_tells_the_time(tmp_path: Path) -> None:
    assert isinstance(machine_clock(""), SystemClock)
    assert isinstance(machine_clock(str(tmp_path / "clock")), ShiftedClock)
