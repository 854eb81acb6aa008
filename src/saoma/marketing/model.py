"""The shapes of offers, and what an offer is asked about.

Amounts are whole minor units of the store's currency; times of day are by the clock on the store's wall."""

from __future__ import annotations

from datetime import datetime, time
from enum import StrEnum

import msgspec


class Mechanism(StrEnum):
    """How an offer makes things cheaper."""

    #: So many percent off.
    PERCENT = "percent"
    #: An amount off, once per bill.
    AMOUNT = "amount"
    #: An amount off, once the dishes it is for come to another amount.
    SPEND_SAVE = "spend_save"
    #: Of every so many and one more, the cheapest is free.
    BUY_GET = "buy_get"


class Audience(StrEnum):
    """Whom an offer is for."""

    EVERYONE = "everyone"
    #: Buyers who never paid at this store before.
    FIRST_ORDER = "first_order"
    #: Buyers of a segment.
    SEGMENT = "segment"


class OfferStatus(StrEnum):
    """Whether an offer is given."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One offer. Empty `days`, `channels`, `sections`, `items` mean: all of them; 0 in a limit means: no limit.

    `days` counts from Monday (0). A window `from_time`..`until_time` may go over midnight and then belongs to the day
    it began on. At most one offer of a `stack_group` is on a bill; an `exclusive` one is never on it with another.
    `priority` says which is reckoned first. `holdout` percent of the buyers never get it: the measure."""

    id: str
    store_id: str
    name: str
    name_zh: str = ""
    status: OfferStatus = OfferStatus.RUNNING
    mechanism: Mechanism
    percent: int = 0
    amount: int = 0
    threshold: int = 0
    buy: int = 0
    sections: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    days: tuple[int, ...] = ()
    from_time: time | None = None
    until_time: time | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    channels: tuple[str, ...] = ()
    audience: Audience = Audience.EVERYONE
    segment_id: str | None = None
    needs_coupon: bool = False
    exclusive: bool = False
    stack_group: str = ""
    priority: int = 0
    most_per_bill: int = 0
    most_uses_each: int = 0
    budget: int = 0
    budget_daily: int = 0
    holdout: int = 0

    @property
    def limited(self) -> bool:
        """Whether two bills at once could give more of it than there is."""
        return bool(self.budget or self.budget_daily or self.most_uses_each)

    def called(self, lang: str) -> str:
        """The name in `lang`."""
        return self.name_zh if lang == "zh" and self.name_zh else self.name
