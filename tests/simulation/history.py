"""Random histories by seed: which rules are played, in which order, with which numbers.

A history that breaks a rule is found with its seed and its story; the same seed plays it again, word for word."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog
from psycopg import Connection
from psycopg.rows import DictRow

from saoma.gateway import Method
from tests.simulation import tabs
from tests.simulation.database import connect
from tests.simulation.planted import NOTHING, Planted
from tests.simulation.shop import FORGERIES, METHODS, MOODS, POLICIES, Shop
from tests.simulation.time import WorldLoop
from tests.simulation.verdict import Breach, audited

Play = Callable[[Shop, random.Random], Awaitable[None]]

#: Tables that a simulation fills; emptied now and then, for a full table makes every question slower.
_FILLED: Final = (
    *("payments", "refunds", "payment_events", "postings", "notices_seen", "notices_refused", "live_events"),
    *("cases", "case_events", "alarms", "merchant_codes", "arrivals", "sim_tabs", "sim_shares"),
)
#: The audit reads all tables whole, so it is asked after so many histories.
_AUDIT_EVERY: Final = 40
_LONG_AFTERWARDS: Final = datetime(2030, 1, 1, tzinfo=UTC)


def _pays(shop: Shop, dice: random.Random) -> Awaitable[None]:
    method = dice.choice((Method.BARCODE, *METHODS))
    cents = dice.choice((1, 1250, 3650, dice.randint(2, 5000)))
    return shop.someone_pays(
        method, dice.choice(("pays", *MOODS)), dice.choice(POLICIES), cents, dice.choice((0, 0, 1, 2))
    )


_SOON: Final = (0.2, 1.0, 3.0, 5.0, 8.0, 20.0)
_LATER: Final = (45.0, 70.0, 200.0, 330.0, 4000.0)
_JUMPS: Final = (10.0, 61.0, 400.0, 7200.0, 40 * 3600.0)

#: How often a rule is chosen, and how it is played.
RULES: Final[tuple[tuple[int, Play], ...]] = (
    (10, _pays),
    (12, lambda shop, dice: shop.time_passes(dice.choice(_SOON))),
    (4, lambda shop, dice: shop.time_passes(dice.choice(_LATER))),
    (9, lambda shop, dice: shop.a_buyer_acts(dice.randrange(9), dice.choice(("pays", "pays", "refuses", "scans")))),
    (8, lambda shop, dice: shop.a_cashier_gives_up(dice.randrange(9))),
    (4, lambda shop, dice: shop.a_phone_reports(dice.randrange(9))),
    (
        9,
        lambda shop, dice: shop.a_refund_is_asked_for(
            dice.randrange(9),
            dice.choice((0, 0, dice.randint(1, 3000))),
            dice.choice((1, 1, 2)),
            dice.choice((0, 0, 1000)),
        ),
    ),
    (2, lambda shop, dice: shop.a_second_person_looks(dice.randrange(9), dice.choice((0, 1, 1)))),
    (2, lambda shop, dice: shop.a_till_asks_again()),
    (2, lambda shop, dice: shop.someone_pays_at_the_counter(dice.randint(1, 5000), dice.randrange(4))),
    (1, lambda shop, dice: shop.a_cashier_sorts_the_inbox(dice.randrange(9), dice.randrange(2))),
    (3, lambda shop, dice: shop.an_operator_rules(dice.randrange(9))),
    (4, lambda shop, dice: shop.workers_meet(dice.randrange(9))),
    (3, lambda shop, dice: shop.workers_meet_at_a_refund(dice.randrange(9))),
    (2, lambda shop, dice: shop.another_worker_works()),
    (3, lambda shop, dice: shop.a_process_will_die(dice.randrange(3), dice.randrange(6))),
    (3, lambda shop, dice: shop.a_process_dies(dice.randrange(3))),
    (2, lambda shop, dice: shop.workers_sleep(dice.randrange(2))),
    (1, lambda shop, dice: shop.our_door_is_shut(dice.randrange(2))),
    (3, lambda shop, dice: shop.the_weather_changes(dice.choice((0.0, 0.2, 0.6, 1.0)), dice.choice((0.0, 0.2, 0.6)))),
    (2, lambda shop, dice: shop.the_clock_jumps(dice.choice(_JUMPS))),
    (1, lambda shop, dice: shop.nothing_works(*dice.choice(((4000.0, 1), (40 * 3600.0, 0))))),
    (1, lambda shop, dice: shop.alipay_undoes(dice.randrange(9))),
    (1, lambda shop, dice: shop.midnight_comes(dice.uniform(-30, 30))),
    (4, lambda shop, dice: shop.a_forgery_arrives(dice.randrange(9), dice.choice(FORGERIES))),
    (2, lambda shop, dice: shop.a_notification_is_replayed(dice.randrange(99))),
)
_WEIGHTS: Final = [weight for weight, _ in RULES]
_PLAYS: Final = [play for _, play in RULES]


async def play(shop: Shop, seed: int) -> None:
    """Play the history of that seed to its end. Raises `Breach`."""
    dice = random.Random(f"{seed}:history")
    shop.network.storm = dice.choice((0.0, 0.15, 0.4, 0.7))
    shop.network.slow = dice.choice((0.0, 0.1, 0.3, 0.6))
    shop.network.forgetful = dice.random() < 0.5
    await shop.open_the_shop()
    await _pays(shop, dice)
    await shop.look()
    for _ in range(dice.randint(2, 16)):
        await dice.choices(_PLAYS, _WEIGHTS)[0](shop, dice)
        await shop.look()
    await shop.the_end(operators=0 if dice.random() < 0.1 else 1)


@dataclass(frozen=True)
class Found:
    """A history that broke a rule."""

    seed: int
    what: str
    story: str


class Runner:
    """Plays histories one after the other on one connection to a migrated database of its own."""

    def __init__(self, url: str, planted: Planted = NOTHING) -> None:
        few_words()
        self.planted = planted
        self.loop = WorldLoop()
        self.connection: Connection[DictRow] = connect(url)
        self.connection.execute(tabs.TABLES)
        if planted.schema:
            self.connection.execute(planted.schema)
        self._unaudited: list[int] = []
        self._last: Shop | None = None
        self.forget()

    def close(self) -> None:
        """Let go of the database."""
        self.connection.close()
        self.loop.close()

    def forget(self) -> None:
        """Empty the tables."""
        self.connection.execute(f"TRUNCATE {', '.join(_FILLED)} CASCADE")
        self._unaudited = []

    def world(self, seed: int, run: int = 0) -> Shop:
        """A fresh world of that seed."""
        return Shop(self.loop, self.connection, seed, self.planted, run)

    def one(self, seed: int, *, audit: bool = False) -> Found | None:
        """Play one history; what it broke, if anything."""
        shop = self.world(seed)
        try:
            shop.live(play(shop, seed))
        except Breach as breach:
            self.end_tasks()
            self.forget()
            return Found(seed, str(breach), shop.told())
        finally:
            self.end_tasks()
            self._last = shop
        self._unaudited.append(seed)
        return self.audit_rest() if audit or len(self._unaudited) >= _AUDIT_EVERY else None

    @property
    def story(self) -> str:
        """The story of the last history."""
        return self._last.told() if self._last else ""

    def audit_rest(self) -> Found | None:
        """Let the product audit the books of all histories since the last audit, and empty them."""
        suspects, last = self._unaudited, self._last
        if last is None or not suspects:
            return None
        try:
            last.live(audited(last.eye, _LONG_AFTERWARDS))
        except Breach as breach:
            self.forget()
            if len(suspects) == 1:
                return Found(suspects[0], str(breach), last.told())
            # one of these broke it: alone, it says which
            alone = next((found for seed in suspects if (found := self.one(seed, audit=True))), None)
            return alone or Found(suspects[0], str(breach), "Only together with those that follow.")
        self.forget()
        return None

    def end_tasks(self) -> None:
        """Let whatever a history left hanging end with it."""
        left = {task for task in asyncio.all_tasks(self.loop) if not task.done()}
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(self.loop.settle())

    def search(self, seed: int, histories: int) -> Found | None:
        """Play so many histories, from `seed` on; the first that breaks a rule."""
        for number in range(seed, seed + histories):
            if found := self.one(number):
                return found
        return self.audit_rest()


def few_words() -> None:
    """The product's log is not needed: what went wrong is in the books, and the world has its story."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50), cache_logger_on_first_use=False)
