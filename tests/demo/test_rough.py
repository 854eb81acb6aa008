"""A small rough day with real processes: killed, cut, misled and out of room, and not a cent is lost or doubled.

Each process dies once here; `make chaos PAYMENTS=10000 KILLS=50` plays a long one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from saoma.demo.rough import Rough
from saoma.demo.rough_plan import VICTIMS
from tests.journeys.conftest import free_port

pytestmark = pytest.mark.timeout(400)


def _three_free_ports() -> int:
    """The first of three in a row that nobody listens on: the app's, the local Alipay's and its SFTP's."""
    from saoma.demo.processes import port_is_taken

    while True:
        port = free_port()
        if port < 65_000 and not any(port_is_taken(port + more) for more in (1, 2)):
            return port


def test_a_rough_day_with_every_plug_pulled_ends_with_both_books_alike(tmp_path: Path) -> None:
    day = Rough(tmp_path / "house", port=_three_free_ports(), payments=100, kills=4, seed=1)
    outcome = asyncio.run(day.run())
    assert outcome.holds, outcome.breaches
    assert outcome.told.begun == 100
    assert set(outcome.kills) == set(VICTIMS) and outcome.kills.total() == 4
    assert outcome.faults.total() > 10, "the local Alipay misbehaved"
    assert all(outcome.cuts[road] for road in ("front", "gateway", "database"))
    assert outcome.books.trades > 60
    assert outcome.books.sold["ours"] == outcome.books.sold["theirs"] > 0
    assert outcome.audit == "every rule holds"
    # What differs and stays so is a case, or the run would not hold; most lines must agree for all that.
    differ = sum(int(day.name.rpartition(" agree, ")[2].partition(" ")[0]) for day in outcome.days)
    assert len(outcome.days) >= 2 and differ < 5, outcome.days
    assert sum(day.count for day in outcome.days) > 60, "the daily files were full"
    assert any("no room" in said for said in outcome.disk), outcome.disk
