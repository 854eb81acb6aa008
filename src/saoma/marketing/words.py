"""What an offer says of itself: on a bill ("20% off noodles until 18:00") and before, as a whole sentence. Pure.

Chinese says what is paid of ten (八折: eight tenths), not what is taken off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Final, assert_never

from saoma.kit.i18n import texts
from saoma.kit.money import Money
from saoma.marketing.model import Audience, Mechanism, Offer
from saoma.web.texts import day as day_name
from saoma.web.texts import money

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CHANNELS: Final[Mapping[str, str]] = {
    "table": "At the table",
    "counter": "At the counter",
    "takeaway": "To take away",
    "kiosk": "At the kiosk",
    "preorder": "Ordered ahead to eat here",
    "delivery": "Brought to your door",
}
#: What it is for, by section or item id, in both languages.
Names = Mapping[str, tuple[str, str]]


def tenths(percent: int) -> str:
    """What is paid of ten when so many percent are taken off: 20 → 8, 15 → 8.5."""
    whole, part = divmod(100 - percent, 10)
    return f"{whole}.{part}" if part else str(whole)


def _what(offer: Offer, names: Names, lang: str) -> str:
    every = [names[one] for one in (*offer.sections, *offer.items) if one in names]
    if not every:
        return texts(lang)("all dishes")
    if lang == "zh":
        return "、".join(chinese or english for english, chinese in every)
    return ", ".join(english for english, _ in every)


def _clock(at: time) -> str:
    return at.strftime("%H:%M")


def gist(offer: Offer, currency: str, names: Names, lang: str) -> str:
    """What it gives, in a few words."""
    said = texts(lang)
    what = _what(offer, names, lang)
    amount = money(Money(offer.amount, currency), lang)
    match offer.mechanism:
        case Mechanism.PERCENT if offer.percent == 100:
            return said("{what} for nothing", what=what)
        case Mechanism.PERCENT:
            if lang == "zh":
                return f"{what} {tenths(offer.percent)} 折"
            return said("{percent}% off {what}", percent=offer.percent, what=what)
        case Mechanism.AMOUNT:
            return said("{amount} off {what}", amount=amount, what=what)
        case Mechanism.SPEND_SAVE:
            from_ = money(Money(offer.threshold, currency), lang)
            return said("{amount} off from {threshold} on {what}", amount=amount, threshold=from_, what=what)
        case Mechanism.BUY_GET:
            return said("Buy {count} of {what}, the next is free (the cheapest)", count=offer.buy, what=what)
        case _:
            assert_never(offer.mechanism)


def why(offer: Offer, currency: str, names: Names, lang: str, *, cut: bool = False) -> str:
    """What a bill says beside the offer's name."""
    said = texts(lang)
    text = gist(offer, currency, names, lang)
    if offer.until_time is not None:
        text = said("{what} until {time}", what=text, time=_clock(offer.until_time))
    if cut:
        text = said("{what} (what was left of this offer)", what=text)
    return text


def _days(days: Sequence[int], lang: str) -> str:
    said = texts(lang)
    every = sorted(set(days))
    runs = "、" if lang == "zh" else ", "
    if len(every) > 2 and every == list(range(every[0], every[-1] + 1)):
        return said("{first} to {last}", first=said(DAYS[every[0]]), last=said(DAYS[every[-1]]))
    return runs.join(said(DAYS[each]) for each in every)


def sentence(offer: Offer, currency: str, names: Names, lang: str, zone: str = "UTC", segment: str = "") -> str:
    """The whole offer as a diner reads it before ordering."""
    said = texts(lang)
    parts = [gist(offer, currency, names, lang)]
    if offer.days:
        parts.append(_days(offer.days, lang))
    if offer.from_time is not None and offer.until_time is not None:
        parts.append(said("{begins} to {ends}", begins=_clock(offer.from_time), ends=_clock(offer.until_time)))
    elif offer.from_time is not None:
        parts.append(said("from {time}", time=_clock(offer.from_time)))
    elif offer.until_time is not None:
        parts.append(said("until {time}", time=_clock(offer.until_time)))
    if offer.starts_at is not None:
        parts.append(said("from {day} on", day=day_name(offer.starts_at, zone, lang)))
    if offer.ends_at is not None:
        parts.append(said("to {day}", day=day_name(offer.ends_at, zone, lang)))
    if offer.channels:
        parts.append(("、" if lang == "zh" else ", ").join(said(CHANNELS[one]).lower() for one in offer.channels))
    if offer.audience is Audience.FIRST_ORDER:
        parts.append(said("on your first order"))
    if offer.audience is Audience.SEGMENT:
        parts.append(said("for {segment}", segment=segment))
    if offer.needs_coupon:
        parts.append(said("with a coupon code"))
    if offer.most_per_bill:
        parts.append(said("at most {amount} a bill", amount=money(Money(offer.most_per_bill, currency), lang)))
    if offer.most_uses_each:
        parts.append(said("{count} times a person", count=offer.most_uses_each))
    if offer.exclusive:
        parts.append(said("not together with other offers"))
    return ("，" if lang == "zh" else ", ").join(parts) + ("。" if lang == "zh" else ".")
