"""Words for people: money, times and ages in their language and the shop's zone, and which language that is.

Money here is for eyes; the wire's digits come from `Money.text`. Times must be aware; they show in the zone given."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import get_currency_symbol

from saoma.kit.i18n import LANGUAGES, texts
from saoma.kit.money import Money

_LOCALES: Final = {"en": "en_GB", "zh": "zh_Hans_CN"}


def pick_language(asked: str | None, chosen: str | None, accepted: str | None) -> str:
    """The reader's language: what the address asks for, else what they chose before, else the browser's wish.

    `accepted` is the Accept-Language header; any Chinese in it counts as Chinese, anything unknown is passed over."""
    for wish in (asked, chosen):
        if wish in LANGUAGES:
            return str(wish)
    best, best_weight = LANGUAGES[0], 0.0
    for part in (accepted or "").split(","):
        tag, _, rest = part.partition(";")
        lang = tag.strip().lower().split("-")[0]
        if lang not in LANGUAGES:
            continue
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest.strip() else 1.0
        except ValueError:
            continue
        if weight > best_weight:
            best, best_weight = lang, weight
    return best


@functools.lru_cache(maxsize=4096)
def money(amount: Money, lang: str = "en") -> str:
    """`$36.50`, `US$36.50`, `SGD 36.50`: always with its currency, grouped, with the currency's own decimals."""
    sign = get_currency_symbol(amount.currency, _LOCALES[lang])
    if lang == "en" and sign == "US$":
        sign = "$"
    gap = "\N{NO-BREAK SPACE}" if sign.isalpha() else ""
    minus = "\N{MINUS SIGN}" if amount.minor < 0 else ""
    return f"{minus}{sign}{gap}{abs(amount.decimal):,f}"


def say(lang: str, msgid: str, /, **values: object) -> str:
    """A text with its values; amounts in it are said as everywhere on the page, never as `36.50 USD`."""
    said = {name: money(value, lang) if isinstance(value, Money) else value for name, value in values.items()}
    return texts(lang)(msgid, **said)


@functools.lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def clock_time(moment: datetime, zone: str, lang: str = "en") -> str:
    """`19:05` on the shop's wall."""
    return format_time(_there(moment, zone), "HH:mm", locale=_LOCALES[lang])


def day(moment: datetime, zone: str, lang: str = "en") -> str:
    """`20 Nov 2026`, `2026年11月20日`."""
    return format_date(_there(moment, zone), "long" if lang == "zh" else "d MMM y", locale=_LOCALES[lang])


def date_and_time(moment: datetime, zone: str, lang: str = "en") -> str:
    """`20 Nov 2026, 19:05`, `2026年11月20日 19:05`."""
    return f"{day(moment, zone, lang)}{' ' if lang == 'zh' else ', '}{clock_time(moment, zone, lang)}"


def age(moment: datetime, now: datetime, lang: str = "en") -> str:
    """How long ago, in one number: `now`, `4 min`, `2 h`, `3 days`. The page keeps it fresh by the same steps."""
    _ = texts(lang)
    seconds = max(0.0, (now - moment).total_seconds())
    if seconds < 60:
        return _("just now")
    if seconds < 3600:
        return _("{count} min", count=int(seconds // 60))
    if seconds < 48 * 3600:
        return _("{count} h", count=int(seconds // 3600))
    return _.plural("{count} day", "{count} days", int(seconds // 86400))


def _there(moment: datetime, zone: str) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("times are aware: this one has no zone")
    return moment.astimezone(_zone(zone))
