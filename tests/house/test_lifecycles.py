"""Every lifecycle of the house: every state is reached, every event used, every pair outside the table refused."""

from __future__ import annotations

from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from saoma.kit.errors import IllegalTransition
from saoma.kit.lifecycle import Lifecycle
from tests.house.tables import lifecycles

ALL = [pytest.param(one, id=one.name) for _, one in lifecycles()]


def states_of(lifecycle: Lifecycle[Any, Any]) -> type[StrEnum]:
    """Every state its type knows, whether or not the table does."""
    return type(lifecycle.first)


def events_of(lifecycle: Lifecycle[Any, Any]) -> type[StrEnum]:
    """Every event its type knows."""
    return type(next(iter(lifecycle.table))[1])


def test_the_lifecycles_of_payments_and_of_ordering_are_found() -> None:
    assert {one.name for _, one in lifecycles()} >= {"Payment", "Refund", "Tab", "Line of a tab"}


@pytest.mark.parametrize("lifecycle", ALL)
def test_every_state_can_be_reached(lifecycle: Lifecycle[Any, Any]) -> None:
    assert lifecycle.reachable() == set(states_of(lifecycle))


@pytest.mark.parametrize("lifecycle", ALL)
def test_every_event_happens_somewhere(lifecycle: Lifecycle[Any, Any]) -> None:
    assert {event for _, event in lifecycle.table} == set(events_of(lifecycle))


@pytest.mark.parametrize("lifecycle", ALL)
def test_every_pair_outside_the_table_is_refused(lifecycle: Lifecycle[Any, Any]) -> None:
    outside = [pair for pair in product(states_of(lifecycle), events_of(lifecycle)) if pair not in lifecycle.table]
    assert outside, "a table that takes everything decides nothing"
    for state, event in outside:
        assert not lifecycle.allows(state, event)
        with pytest.raises(IllegalTransition, match=f"'{event.value}' does not apply in '{state.value}'"):
            lifecycle.next(state, event)


@pytest.mark.parametrize("lifecycle", ALL)
def test_a_row_leads_to_a_state_of_the_same_life(lifecycle: Lifecycle[Any, Any]) -> None:
    assert set(lifecycle.table.values()) <= set(states_of(lifecycle))
