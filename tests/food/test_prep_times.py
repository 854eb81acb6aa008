"""Preparation times: never below nothing, never shorter when there is more to do, and learned from what happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from saoma.food.kitchen import tickets as kitchen
from saoma.food.kitchen.prep_facts import forecasts, ready_about
from saoma.food.kitchen.prep_times import ENOUGH, Fact, Habit, forecast, learn
from saoma.food.model import LineStatus
from saoma.kit.db import Database
from tests.food.make import STORE, added, dish, noodle_house_menu, open_tab, sent

FACTS = st.lists(st.builds(Fact, load=st.integers(-3, 80), seconds=st.integers(-100, 200_000)), max_size=60)
LOADS = st.integers(-5, 500)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@settings(max_examples=40)
@given(FACTS, LOADS, LOADS)
def test_an_estimate_is_above_zero_and_never_falls_as_the_load_grows(facts: list[Fact], one: int, other: int) -> None:
    habit = learn(facts)
    assert 1 <= habit.seconds(min(one, other)) <= habit.seconds(max(one, other))


@settings(max_examples=40)
@given(st.integers(5, 3600), st.integers(1, 40), st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_a_dish_that_always_takes_as_long_is_expected_to(seconds: int, load: int, loads: list[int]) -> None:
    habit = learn([Fact(at, seconds) for at in loads])
    assert habit.seconds(load) == seconds


@settings(max_examples=40)
@given(st.integers(60, 900), st.integers(5, 60), st.integers(0, 20))
def test_what_more_work_costs_is_learned(alone: int, each: int, load: int) -> None:
    facts = [Fact(at % 21, alone + each * (at % 21)) for at in range(40)]
    assert abs(learn(facts).seconds(load) - (alone + each * load)) <= max(10, 0.1 * (alone + each * load))


@settings(max_examples=40)
@given(st.integers(100, 600), st.integers(2, 3))
def test_newer_facts_count_for_more(seconds: int, times: int) -> None:
    before = [Fact(0, seconds)] * 30
    slower = [Fact(0, seconds * times)] * 30
    older, newer = learn([*before, *slower]).seconds(0), learn([*slower, *before]).seconds(0)
    assert seconds < older < newer < seconds * times


def test_a_forgotten_ticket_teaches_little_and_two_presses_at_once_nothing() -> None:
    usual = [Fact(0, 300)] * 19
    assert learn([*usual, Fact(0, 4 * 3600)]).seconds(0) < 400
    assert learn([*usual, *[Fact(0, 1)] * 10]) == learn(usual)
    assert not learn([Fact(0, 0)] * 30).known


@settings(max_examples=40)
@given(FACTS, FACTS, LOADS, st.integers(-4000, 4000), st.one_of(st.none(), st.integers(-4000, 0)))
def test_nobody_is_told_a_time_that_has_passed(
    cooking: list[Fact], waiting: list[Fact], load: int, fired: int, started: int | None
) -> None:
    began = None if started is None else NOON + timedelta(seconds=started)
    told = forecast(learn(cooking), learn(waiting), load, NOON + timedelta(seconds=fired), began, NOON)
    assert told.ready_at >= NOON
    assert told.over_seconds >= 0
    if began is None:
        assert told.over_seconds == 0, "what nobody has begun is not late against its own time"


def test_a_dish_is_late_against_its_own_time_after_a_grace() -> None:
    habit = Habit(alone=240, per_piece=0, busiest=3, facts=ENOUGH)
    begun = NOON - timedelta(seconds=300)
    assert forecast(habit, habit, 0, begun, begun, NOON).over_seconds == 0
    late = forecast(habit, habit, 0, begun, begun - timedelta(seconds=60), NOON)
    assert (late.over_seconds, late.ready_at) == (120, NOON)
    unknown = Habit(alone=240, per_piece=0, busiest=3, facts=ENOUGH - 1)
    assert forecast(unknown, habit, 0, begun, begun - timedelta(hours=1), NOON).over_seconds == 0


async def test_the_kitchen_learns_from_what_it_did_and_the_table_is_told(database: Database) -> None:
    menu = await noodle_house_menu(database)
    for number in range(ENOUGH):
        tab = await open_tab(database, label=str(number))
        await added(database, tab, dish(menu, "tea"))
        (line,) = await sent(database, tab)
        async with database.transaction() as tx:
            assert await ready_about(tx, STORE, tab.id) is None, "nobody knows yet"
            await kitchen.bump(tx, STORE, tab.id, 1, LineStatus.SENT)
            await tx.run(
                "UPDATE tab_lines SET started_at = started_at - interval '6 minutes' WHERE id = %(id)s", {"id": line.id}
            )
            await kitchen.bump(tx, STORE, tab.id, 1, LineStatus.COOKING)
            # Brought back and done again: the same dish teaches once.
            await kitchen.recall(tx, STORE, tab.id, 1, LineStatus.READY)
            await kitchen.bump(tx, STORE, tab.id, 1, LineStatus.COOKING)
    tab = await open_tab(database, label="8")
    await added(database, tab, dish(menu, "tea"), quantity=2)
    (line,) = await sent(database, tab)
    async with database.transaction() as tx:
        told = (await forecasts(tx, STORE))[line.id]
        assert told.known
        assert 355 <= told.usual_seconds <= 365
        now = await tx.value("SELECT clock_timestamp()")
        about = await ready_about(tx, STORE, tab.id)
        assert about is not None
        assert timedelta(seconds=350) < about - now < timedelta(seconds=370)
        await kitchen.bump(tx, STORE, tab.id, 1, LineStatus.SENT)
        await tx.run(
            "UPDATE tab_lines SET started_at = started_at - interval '20 minutes' WHERE id = %(id)s", {"id": line.id}
        )
        assert 800 < (await forecasts(tx, STORE))[line.id].over_seconds < 880
        await kitchen.bump(tx, STORE, tab.id, 1, LineStatus.COOKING)
        assert await ready_about(tx, STORE, tab.id) is None, "nothing is being made any more"
