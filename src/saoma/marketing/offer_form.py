"""The form of an offer, read into an `Offer`: every refusal names the field and says what to write. Pure.

A recipe is a starting point a shop owner knows by name; it sets the mechanism and what is usual with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import msgspec

from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.marketing.model import Audience, Mechanism, Offer, OfferStatus
from saoma.marketing.words import CHANNELS


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """One way to begin: its name and what it is good for, as keys of the texts."""

    name: str
    what: str
    icon: str
    mechanism: Mechanism
    start: dict[str, str] = {}


RECIPES: Final[Mapping[str, Recipe]] = {
    "happy-hour": Recipe(
        name="Happy hour",
        what="So many percent off in the quiet hours",
        icon="clock",
        mechanism=Mechanism.PERCENT,
        start={"percent": "20", "from_time": "15:00", "until_time": "18:00", "holdout": "10"},
    ),
    "percent": Recipe(
        name="Percent off",
        what="On everything, a section, or some dishes",
        icon="badge-percent",
        mechanism=Mechanism.PERCENT,
        start={"percent": "10", "holdout": "10"},
    ),
    "amount": Recipe(
        name="Money off",
        what="The same amount off each bill",
        icon="banknote",
        mechanism=Mechanism.AMOUNT,
        start={"holdout": "10"},
    ),
    "spend": Recipe(
        name="Spend and save",
        what="Money off from a certain amount on",
        icon="receipt",
        mechanism=Mechanism.SPEND_SAVE,
        start={"holdout": "10"},
    ),
    "buy-get": Recipe(
        name="Buy some, get one free",
        what="Of so many and one more the cheapest is free",
        icon="plus",
        mechanism=Mechanism.BUY_GET,
        start={"buy": "2", "holdout": "10"},
    ),
    "first": Recipe(
        name="Welcome offer",
        what="For people who have never paid here before",
        icon="users",
        mechanism=Mechanism.PERCENT,
        start={"percent": "15", "audience": "first_order", "most_uses_each": "1", "holdout": "10"},
    ),
    "coupon": Recipe(
        name="Coupon codes",
        what="Codes to hand out, each good for one bill",
        icon="qr-code",
        mechanism=Mechanism.AMOUNT,
        start={"needs_coupon": "on"},
    ),
}


class Form(Protocol):
    """What a posted form can be asked."""

    def get(self, name: str, default: str = "") -> object:
        """The first value of a field."""

    def getall(self, name: str, default: Sequence[str]) -> Sequence[object]:
        """All values of a field."""


def _text(form: Form, name: str, most: int = 80) -> str:
    return " ".join(str(form.get(name, "")).split())[:most]


def _number(form: Form, name: str, least: int, most: int, refusal: str) -> int:
    text = str(form.get(name, "")).strip()
    if not text:
        return 0
    if not text.isdecimal() or not least <= int(text) <= most:
        raise Invalid(refusal)
    return int(text)


def _money(form: Form, name: str, currency: str) -> int:
    text = str(form.get(name, "")).strip()
    if not text:
        return 0
    try:
        minor = Money.parse(text, currency).minor
    except Invalid:
        minor = -1
    if minor < 0:
        raise Invalid("“{typed}” is not an amount. Write it like 5.00.", typed=text[:20])
    return minor


def _time(form: Form, name: str) -> time | None:
    text = str(form.get(name, "")).strip()
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid("Write times like 15:00.") from None


def _day(form: Form, name: str, zone: str, *, after: bool = False) -> datetime | None:
    text = str(form.get(name, "")).strip()
    try:
        if not text:
            return None
        day = date.fromisoformat(text) + timedelta(days=1 if after else 0)
        return datetime.combine(day, time(), ZoneInfo(zone))
    except (ValueError, OverflowError):
        raise Invalid("That is not a day. Write it like 2026-03-02.") from None


def _chosen(form: Form, name: str, known: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted({str(one) for one in form.getall(name, [])} & set(known)))


def read(
    form: Form,
    *,
    store_id: str,
    currency: str,
    zone: str,
    sections: Collection[str],
    items: Collection[str],
    groups: Collection[str],
) -> Offer:
    """The offer a form describes, as a draft. Raises `Invalid` with a sentence that says what to write."""
    recipe = RECIPES.get(str(form.get("kind", "")))
    if recipe is None:
        raise Invalid("Choose what kind of offer it is.")
    name = _text(form, "name")
    if not name:
        raise Invalid("Give the offer a name: diners read it on the bill.")
    audience = str(form.get("audience", "everyone"))
    segment_id = str(form.get("segment", "")) or None
    if audience == Audience.SEGMENT and segment_id not in groups:
        raise Invalid("Choose the segment the offer is for.")
    offer = Offer(
        id="",
        store_id=store_id,
        name=name,
        name_zh=_text(form, "name_zh"),
        status=OfferStatus.DRAFT,
        mechanism=recipe.mechanism,
        percent=_number(form, "percent", 1, 100, "Write a percentage from 1 to 100."),
        amount=_money(form, "amount", currency),
        threshold=_money(form, "threshold", currency),
        buy=_number(form, "buy", 1, 20, "Write how many must be bought, from 1 to 20."),
        sections=_chosen(form, "section", sections),
        items=_chosen(form, "item", items),
        days=tuple(int(day) for day in _chosen(form, "day", [str(day) for day in range(7)])),
        from_time=_time(form, "from_time"),
        until_time=_time(form, "until_time"),
        starts_at=_day(form, "starts", zone),
        ends_at=_day(form, "ends", zone, after=True),
        channels=_chosen(form, "channel", CHANNELS),
        audience=Audience(audience) if audience in set(Audience) else Audience.EVERYONE,
        segment_id=segment_id if audience == Audience.SEGMENT else None,
        needs_coupon=bool(form.get("needs_coupon", "")),
        exclusive=bool(form.get("exclusive", "")),
        stack_group=_text(form, "stack_group", 40),
        priority=_number(form, "priority", 0, 100, "Write a whole number from 0 to 100."),
        most_per_bill=_money(form, "most_per_bill", currency),
        most_uses_each=_number(
            form, "most_uses_each", 1, 1000, "Write how often a person may have it, from 1 to 1000."
        ),
        budget=_money(form, "budget", currency),
        budget_daily=_money(form, "budget_daily", currency),
        holdout=_number(form, "holdout", 0, 50, "Write a share from 0 to 50 percent."),
    )
    return _whole(offer)


def _whole(offer: Offer) -> Offer:
    match offer.mechanism:
        case Mechanism.PERCENT if not offer.percent:
            raise Invalid("Write a percentage from 1 to 100.")
        case Mechanism.AMOUNT | Mechanism.SPEND_SAVE if not offer.amount:
            raise Invalid("Write how much is taken off.")
        case Mechanism.SPEND_SAVE if offer.threshold < offer.amount:
            raise Invalid("Write from which amount on it holds; more than what is taken off.")
        case Mechanism.BUY_GET if not offer.buy:
            raise Invalid("Write how many must be bought, from 1 to 20.")
        case _:
            pass
    if offer.starts_at is not None and offer.ends_at is not None and offer.ends_at <= offer.starts_at:
        raise Invalid("The last day is before the first one.")
    if offer.from_time is not None and offer.from_time == offer.until_time:
        raise Invalid("The hours begin and end at the same time. Leave both empty for all day.")
    return offer
