"""What is served when and where: named parts of the shop's day, and the ways to order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.food.card import NotOffered, Portions
from saoma.food.dayparts import CHANNELS, Daypart, at_clock, days_spoken, minute_of
from saoma.food.model import Item, Menu, Section
from tests.food.make import item

BERLIN = ZoneInfo("Europe/Berlin")
BREAKFAST = Daypart(id="breakfast", name="Breakfast", name_zh="早餐", starts=7 * 60, ends=11 * 60)
NIGHT = Daypart(id="night", name="Night", starts=22 * 60, ends=3 * 60, days=(4, 5))
WEEKDAYS = (0, 1, 2, 3, 4)


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    """A moment by the shop's clock, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def card(*items: Item, zone: str = "Europe/Berlin", **section: tuple[str, ...]) -> Menu:
    """A menu of one section."""
    made = Section(id="s", name="All", items=items, **section)  # type: ignore[arg-type]
    return Menu(store_id="x", currency="USD", version="v", sections=(made,), dayparts=(BREAKFAST, NIGHT), zone=zone)


def limited(name: str, *, channels: tuple[str, ...] = (), dayparts: tuple[str, ...] = ()) -> Item:
    """A dish with limits."""
    return msgspec.structs.replace(item(name), channels=channels, dayparts=dayparts)


def names(menu: Menu) -> list[str]:
    """What is on it."""
    return [each.name for section in menu.sections for each in section.items]


@pytest.mark.parametrize(
    ("moment", "served"),
    [
        ("2026-11-20T06:59", False),
        ("2026-11-20T07:00", True),
        ("2026-11-20T10:59", True),
        ("2026-11-20T11:00", False),
        # The morning the clocks went forward (29 March) and back (25 October): the wall decides.
        ("2026-03-29T07:00", True),
        ("2026-03-29T10:59", True),
        ("2026-10-25T06:59", False),
        ("2026-10-25T10:59", True),
    ],
)
def test_breakfast_ends_when_the_clock_on_the_wall_says_so(moment: str, *, served: bool) -> None:
    pancakes = limited("Pancakes", dayparts=("breakfast",))
    assert ("Pancakes" in names(card(pancakes, item("Tea")).offered_to("table", at(moment)))) is served


@pytest.mark.parametrize(
    ("moment", "served"),
    [
        ("2026-11-20T21:59", False),  # Friday
        ("2026-11-20T22:00", True),
        ("2026-11-21T02:59", True),
        ("2026-11-21T03:00", False),
        ("2026-11-22T02:59", True),  # what began on Saturday
        ("2026-11-22T22:00", False),  # Sunday
        ("2026-11-20T02:00", False),  # nothing began on Thursday
    ],
)
def test_a_night_belongs_to_the_day_it_began_on(moment: str, *, served: bool) -> None:
    assert NIGHT.open_at(datetime.fromisoformat(moment)) is served


def test_a_span_of_no_length_is_the_whole_day() -> None:
    always = Daypart(id="a", name="Always", starts=0, ends=0)
    assert all(always.open_at(datetime(2026, 11, 20, tzinfo=BERLIN) + timedelta(hours=hour)) for hour in range(48))


@pytest.mark.parametrize(
    ("channels", "channel", "sold"),
    [
        ((), "delivery", True),
        (("table",), "table", True),
        (("table",), "waiter", True),
        (("table",), "tablet", True),
        (("table",), "delivery", False),
        (("waiter",), "table", False),
        (("delivery", "takeaway"), "takeaway", True),
        (("delivery",), "counter", False),
    ],
)
def test_a_dish_is_sold_only_where_it_is_meant_to_be(channels: tuple[str, ...], channel: str, *, sold: bool) -> None:
    menu, noon = card(limited("Hotpot", channels=channels)), at("2026-11-20T12:00")
    assert bool(names(menu.offered_to(channel, noon))) is sold
    assert isinstance(menu.offer("item_Hotpot", channel, noon), Item) is sold


def test_a_section_s_limits_hold_for_its_dishes_too() -> None:
    menu = card(limited("Eggs", channels=("table",)), dayparts=("breakfast",))
    assert names(menu.offered_to("table", at("2026-11-20T08:00"))) == ["Eggs"]
    assert names(menu.offered_to("table", at("2026-11-20T12:00"))) == []
    assert names(menu.offered_to("delivery", at("2026-11-20T08:00"))) == []
    why = menu.offer("item_Eggs", "table", at("2026-11-20T12:00"))
    assert isinstance(why, NotOffered)
    assert why.dayparts == (BREAKFAST,)


def test_hidden_dishes_are_offered_to_nobody() -> None:
    hidden = msgspec.structs.replace(item("Secret"), hidden=True)
    menu, noon = card(hidden, item("Tea")), at("2026-11-20T12:00")
    assert names(menu.offered_to("table", noon)) == ["Tea"]
    assert menu.offer("item_Secret", "table", noon) is None
    assert menu.offer("item_gone", "table", noon) is None


def test_two_contents_never_share_a_version_and_an_unlimited_menu_keeps_its_own() -> None:
    menu = card(limited("Pancakes", dayparts=("breakfast",)), limited("Pot", channels=("table",)), item("Tea"))
    seen = {
        menu.offered_to(channel, moment).version: names(menu.offered_to(channel, moment))
        for channel in CHANNELS
        for moment in (at("2026-11-20T08:00"), at("2026-11-20T12:00"), at("2026-11-20T23:00"))
    }
    assert len({tuple(each) for each in seen.values()}) == 4
    for channel in CHANNELS:
        for moment in (at("2026-11-20T08:00"), at("2026-11-20T12:00")):
            assert seen[menu.offered_to(channel, moment).version] == names(menu.offered_to(channel, moment))
    assert card(item("Tea")).offered_to("table", at("2026-11-20T08:00")).version == "v"


def test_what_is_left_is_known_of_its_day_and_full_again_on_the_next() -> None:
    counted = msgspec.structs.replace(item("Duck"), per_day=9, portions=(Portions(date(2026, 11, 20), 0),))
    menu = card(counted, zone="Asia/Shanghai")
    tonight = datetime(2026, 11, 20, 15, 59, tzinfo=UTC)
    duck = menu.offered_to("table", tonight).item("item_Duck")
    assert duck is not None
    assert (duck.left, duck.sold_out) == (0, True)
    tomorrow = menu.offer("item_Duck", "table", tonight + timedelta(minutes=1))
    assert isinstance(tomorrow, Item)
    assert (tomorrow.left, tomorrow.sold_out) == (9, False)


def test_times_and_days_are_said_as_people_say_them() -> None:
    part = msgspec.structs.replace(BREAKFAST, days=(*WEEKDAYS, 6))
    assert part.spoken("en") == "Breakfast, Mon–Fri, Sun 07:00–11:00"
    assert part.spoken("zh") == "早餐，周一至周五、周日 07:00–11:00"
    assert BREAKFAST.spoken("en") == "Breakfast, 07:00–11:00"
    assert days_spoken((5, 6), "en") == "Sat, Sun"


@given(st.integers(0, 24 * 60 - 1))
def test_a_time_of_day_reads_back_as_it_was_written(minute: int) -> None:
    assert minute_of(at_clock(minute)) == minute


@pytest.mark.parametrize("text", ["", "7", "7:5", "25:00", "24:01", "07:60", "noon", "7:00 pm", "-1:00", "１:00"])
def test_what_is_no_time_is_not_read_as_one(text: str) -> None:
    assert minute_of(text) is None


@given(st.datetimes(timezones=st.just(BERLIN)), st.integers(0, 1439), st.integers(0, 1439))
def test_a_day_is_covered_by_a_span_and_the_rest_of_it(moment: datetime, starts: int, ends: int) -> None:
    one = Daypart(id="1", name="One", starts=starts, ends=ends)
    rest = Daypart(id="2", name="Rest", starts=ends, ends=starts)
    assert one.open_at(moment) + rest.open_at(moment) == (2 if starts == ends else 1)
