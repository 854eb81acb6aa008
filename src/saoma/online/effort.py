"""What an order asks of the kitchen: how long it takes, and how much of a slot it fills. Pure.

Both come from what dishes took before (`food.prep_times`); a dish nobody has cooked yet counts eight minutes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from saoma.food.kitchen.prep_times import UNKNOWN_SECONDS, Habit

_UNKNOWN: Final = Habit(UNKNOWN_SECONDS, 0.0, 0, 0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many of a dish, made at a station ("" where the menu names none)."""

    item_id: str
    station_id: str
    quantity: int


def prep_time(
    dishes: Sequence[Wanted], habits: Mapping[str, Habit], busy: Mapping[str, int] | None = None
) -> timedelta:
    """How long the slowest station takes; `busy` is how many other pieces each has to make now."""
    load = dict(busy or {})
    for dish in dishes:
        load[dish.station_id] = load.get(dish.station_id, 0) + dish.quantity
    taken = [habits.get(dish.item_id, _UNKNOWN).seconds(load[dish.station_id] - 1) for dish in dishes]
    return timedelta(seconds=max(taken, default=0))


def load_of(
    dishes: Iterable[Wanted], habits: Mapping[str, Habit], counts: str, stations: Iterable[str]
) -> dict[str, int]:
    """What the order takes of a slot: of the whole kitchen ("") and of each of `stations` that has a limit."""
    limited = set(stations)
    load = {"": 0}
    for dish in dishes:
        size = dish.quantity if counts == "dishes" else _minutes(habits.get(dish.item_id, _UNKNOWN), dish.quantity)
        load[""] += size
        if dish.station_id in limited:
            load[dish.station_id] = load.get(dish.station_id, 0) + size
    return load


def _minutes(habit: Habit, quantity: int) -> int:
    """Minutes of work, rounded up, so that many small dishes are not made in no time."""
    return -(-habit.seconds(quantity - 1) // 60)
