"""Slots: never oversold, never before the lead time, only while the shop is open."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.food.kitchen.prep_times import Habit
from saoma.kit.errors import Invalid
from saoma.online.effort import Wanted, load_of, prep_time
from saoma.online.hours import read_hours, write_hours
from saoma.online.model import Hours
from saoma.online.slots import (
    Load,
    Plan,
    Taken,
    by_day,
    earliest,
    ever_fits,
    fits,
    is_free,
    opening_times,
    slots,
    soonest,
)

NOW = datetime(2026, 3, 2, 3, 7, tzinfo=UTC)  # a Monday, 11:07 in Singapore
EVERY_DAY = tuple(Hours(day, 11 * 60, 14 * 60) for day in range(7))

minutes = st.integers(0, 1440)
spans = st.builds(lambda day, a, b: Hours(day, min(a, b), max(a, b) + 1), st.integers(0, 6), minutes, minutes).filter(
    lambda span: span.closes <= 1440
)
loads = st.dictionaries(st.sampled_from(["", "wok", "bar"]), st.integers(0, 8))
plans = st.builds(
    Plan,
    zone=st.sampled_from(["Asia/Singapore", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    every=st.sampled_from([5, 10, 15, 20, 30, 60]).map(lambda each: timedelta(minutes=each)),
    hours=st.lists(spans, max_size=5).map(tuple),
    limits=loads.map(lambda load: {"": 6, **load}),
    lead=st.integers(0, 600).map(lambda each: timedelta(minutes=each)),
    days_ahead=st.integers(0, 4),
    closed_on=st.none() | st.dates(date(2026, 3, 1), date(2026, 4, 2)),
)
moments = st.integers(0, 31 * 24 * 3600).map(lambda each: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=each))
preps = st.integers(0, 7200).map(lambda each: timedelta(seconds=each))


def plan(**changes: object) -> Plan:
    """Open for lunch every day, six dishes a quarter of an hour."""
    usual: dict[str, object] = {
        "zone": "Asia/Singapore",
        "every": timedelta(minutes=15),
        "hours": EVERY_DAY,
        "limits": {"": 6},
        "lead": timedelta(minutes=20),
        "days_ahead": 1,
    }
    return Plan(**{**usual, **changes})  # type: ignore[arg-type]


@given(plans, moments, preps, loads)
def test_no_time_is_promised_before_the_lead_or_while_the_shop_is_closed(
    of: Plan, now: datetime, prep: timedelta, wanted: dict[str, int]
) -> None:
    for slot in slots(of, now, prep, wanted, []):
        assert slot.at >= earliest(of, now, prep) >= now + max(of.lead, prep)
        local = slot.at.astimezone(ZoneInfo(of.zone))
        minute = local.hour * 60 + local.minute
        assert local.date() != of.closed_on
        assert any(span.weekday == local.weekday() and span.opens <= minute < span.closes for span in of.hours)


def promised(of: Plan, at: datetime, load: Load) -> Taken:
    """What is noted when a slot is given away."""
    return Taken(at, at + of.every, load)


def most_at_once(taken: list[Taken], place: str) -> int:
    """The most that is promised of one place at any minute, counted minute by minute."""
    begins = {each.at for each in taken}
    return max((sum(one.load.get(place, 0) for one in taken if one.at <= at < one.until) for at in begins), default=0)


@given(plans, moments, st.lists(st.tuples(loads, st.integers(0, 30)), max_size=40))
def test_a_slot_is_never_oversold(of: Plan, now: datetime, asked: list[tuple[dict[str, int], int]]) -> None:
    """Whoever asks takes the first free slot, or one of their own choice; no limit is ever passed."""
    taken: list[Taken] = []
    for wanted, choice in asked:
        found = slots(of, now, timedelta(), wanted, taken)
        first = soonest(found)
        wish = found[choice] if choice < len(found) else first
        if wish is None or not is_free(of, now, timedelta(), wanted, taken, wish.at):
            continue
        taken.append(promised(of, wish.at, wanted))
    assert all(most_at_once(taken, place) <= limit for place, limit in of.limits.items())


lunches = st.tuples(st.sampled_from([5, 10, 15, 20, 30, 60]), st.integers(0, 59), st.integers(1, 6), st.integers(0, 40))


@given(st.lists(lunches, max_size=30))
def test_no_minute_is_oversold_though_the_length_of_slots_and_the_hours_change(
    asked: list[tuple[int, int, int, int]],
) -> None:
    """Between any two orders the owner may choose other slots and open at an odd minute: promises are kept beside."""
    taken: list[Taken] = []
    for every, odd, dishes, choice in asked:
        hours = tuple(Hours(day, 11 * 60 + odd, 14 * 60) for day in range(7))
        of = plan(every=timedelta(minutes=every), hours=hours)
        free = [slot for slot in slots(of, NOW, timedelta(), {"": dishes}, taken) if slot.room]
        if free:
            taken.append(promised(of, free[choice % len(free)].at, {"": dishes}))
    assert most_at_once(taken, "") <= 6


def test_a_time_that_was_promised_for_half_an_hour_fills_both_quarters_of_it() -> None:
    at = NOW.replace(hour=4, minute=0)
    taken = [promised(plan(every=timedelta(minutes=30)), at, {"": 6})]
    free = [slot.at for slot in slots(plan(), NOW, timedelta(), {"": 1}, taken) if slot.room]
    assert not {at, at + timedelta(minutes=15)} & set(free)
    assert {at - timedelta(minutes=15), at + timedelta(minutes=30)} < set(free)


@given(loads, loads, loads)
def test_what_fits_beside_much_fits_beside_less(
    limits: dict[str, int], taken: dict[str, int], more: dict[str, int]
) -> None:
    both = {place: taken.get(place, 0) + more.get(place, 0) for place in {*taken, *more}}
    if fits(limits, both, {"": 1}):
        assert fits(limits, taken, {"": 1})
    assert ever_fits(limits, taken) == fits(limits, {}, taken)


def test_the_next_day_begins_when_today_is_full() -> None:
    today = opening_times(plan(), date(2026, 3, 2))
    full = [promised(plan(), at, {"": 6}) for at in today]
    first = soonest(slots(plan(), NOW, timedelta(), {"": 1}, full))
    assert first is not None
    assert first.at == datetime(2026, 3, 3, 3, 0, tzinfo=UTC)


def test_a_full_station_fills_the_slot_though_the_kitchen_has_room() -> None:
    of = plan(limits={"": 6, "wok": 1})
    at = slots(of, NOW, timedelta(), {"": 1, "wok": 1}, [])[0].at
    taken = [promised(of, at, {"": 1, "wok": 1})]
    assert not is_free(of, NOW, timedelta(), {"": 1, "wok": 1}, taken, at)
    assert is_free(of, NOW, timedelta(), {"": 1}, taken, at)


def test_dishes_that_take_long_are_promised_later() -> None:
    quick = soonest(slots(plan(), NOW, timedelta(minutes=5), {}, []))
    slow = soonest(slots(plan(), NOW, timedelta(minutes=50), {}, []))
    assert quick is not None and slow is not None
    assert quick.at == NOW.replace(minute=30) and slow.at == NOW.replace(hour=4, minute=0)


def test_the_hour_that_summer_time_skips_is_not_promised() -> None:
    night = (Hours(6, 60, 240),)
    of = plan(zone="Europe/Berlin", hours=night, every=timedelta(minutes=30))
    spring = [at.astimezone(ZoneInfo("Europe/Berlin")).strftime("%H:%M") for at in opening_times(of, date(2026, 3, 29))]
    assert spring == ["01:00", "01:30", "03:00", "03:30"]


def test_slots_are_shown_by_the_shops_own_day() -> None:
    days = by_day(slots(plan(), NOW, timedelta(), {}, []), "Asia/Singapore")
    assert [day for day, _ in days] == [date(2026, 3, 2), date(2026, 3, 3)]
    assert len(days[1][1]) == 12


def test_an_order_takes_as_long_as_its_slowest_station() -> None:
    known = {"noodles": Habit(300, 60.0, 5, 9), "tea": Habit(30, 0.0, 5, 9)}
    dishes = [Wanted("noodles", "wok", 3), Wanted("tea", "bar", 2)]
    assert prep_time(dishes, known) == timedelta(seconds=420)
    assert prep_time(dishes, known, {"wok": 2}) == timedelta(seconds=540)
    assert prep_time([Wanted("never cooked", "", 1)], {}) == timedelta(minutes=8)


def test_a_slot_is_counted_in_dishes_or_in_minutes_of_work() -> None:
    known = {"noodles": Habit(300, 60.0, 5, 9), "tea": Habit(30, 0.0, 5, 9)}
    dishes = [Wanted("noodles", "wok", 3), Wanted("tea", "bar", 2)]
    assert load_of(dishes, known, "dishes", ["wok"]) == {"": 5, "wok": 3}
    assert load_of(dishes, known, "minutes", ["wok"]) == {"": 8, "wok": 7}


def test_hours_are_read_as_people_write_them() -> None:
    assert read_hours(2, "17:00 – 22:00，11:00-14:30") == [Hours(2, 660, 870), Hours(2, 1020, 1320)]
    assert write_hours(2, read_hours(2, "17:00-24:00; 9:00-11:00")) == "09:00-11:00, 17:00-24:00"
    assert read_hours(0, " ") == []


@pytest.mark.parametrize(
    "text", ["open", "11-14", "14:00-11:00", "11:00-25:00", "11:00-14:00, 13:00-15:00", "11:70-12:00"]
)
def test_hours_that_make_no_sense_are_refused_with_a_reason(text: str) -> None:
    with pytest.raises(Invalid):
        read_hours(0, text)
