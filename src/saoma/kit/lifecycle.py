"""Lifecycles as data: states x events -> next state, pure.

A pair outside the table is illegal; whether a repeat is harmless is said by a row of the table, never by leniency."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from saoma.kit.errors import IllegalTransition

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class Lifecycle(Generic[S, E]):
    """A named table of transitions with a first state."""

    def __init__(self, name: str, first: S, table: Mapping[tuple[S, E], S]) -> None:
        self.name = name
        self.first = first
        self.table = dict(table)

    def next(self, state: S, event: E) -> S:
        """The state after `event`. Raises `IllegalTransition` for a pair outside the table."""
        try:
            return self.table[state, event]
        except KeyError:
            raise IllegalTransition(f"{self.name}: {event.value!r} does not apply in {state.value!r}") from None

    def allows(self, state: S, event: E) -> bool:
        """Whether the table has a row for the pair."""
        return (state, event) in self.table

    def events_from(self, state: S) -> frozenset[E]:
        """What may happen in `state`."""
        return frozenset(event for (from_, event) in self.table if from_ == state)

    def reachable(self) -> frozenset[S]:
        """Every state some walk from the first can reach."""
        seen, todo = {self.first}, [self.first]
        while todo:
            state = todo.pop()
            for (from_, _), to in self.table.items():
                if from_ == state and to not in seen:
                    seen.add(to)
                    todo.append(to)
        return frozenset(seen)

    def drawing(self) -> str:
        """The moves as a mermaid state diagram; rows that stay where they are would only clutter it."""
        moves: dict[tuple[str, str], list[str]] = {}
        for (from_, event), to in self.table.items():
            if from_ != to:
                moves.setdefault((from_.value, to.value), []).append(event.value)
        lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {self.first.value}"]
        lines += [f"    {from_} --> {to}: {', '.join(events)}" for (from_, to), events in moves.items()]
        return "\n".join([*lines, "```", ""])

    def markdown(self) -> str:
        """The lifecycle as printed in `docs/lifecycles.md`: drawn, then every row of its table."""
        lines = [f"## {self.name}", "", self.drawing(), "| from | event | to |", "|---|---|---|"]
        lines += [f"| {from_.value} | {event.value} | {to.value} |" for (from_, event), to in self.table.items()]
        return "\n".join([*lines, ""])
