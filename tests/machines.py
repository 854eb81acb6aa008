"""Playing a state machine against a real database, on one loop that outlives its examples."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from saoma.kit.db import Database


def play(machine: type[RuleBasedStateMachine], database_url: str, *, examples: int, steps: int, **given: Any) -> None:
    """Run `machine` with `runner`, `db` and what else is `given` as its attributes; fails as Hypothesis does."""
    with asyncio.Runner() as runner:
        db = runner.run(Database.open(database_url, max_size=8))
        here = type(f"{machine.__name__}Here", (machine,), {"runner": runner, "db": db, **given})
        try:
            run_state_machine_as_test(
                here,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=steps,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(db.close())
