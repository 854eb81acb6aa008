"""What the gateways note of a call that they did not take, as sentences for people of either language. Pure.

A note is one line without a full stop, written where the check is; what stands here is the same line with one, so a
note that nobody translated is shown as it was written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from saoma.alipay.puzzle_words import N_
from saoma.sandbox.calls.hint import Hint

_LIKE_THEMSELVES: Final = (
    N_("{name} is missing."),
    N_("{name} is not a parameter of this service."),
    # JSON of either gateway
    N_("The body is not UTF-8, or escapes half a character."),
    N_("The body is nested too deeply."),
    N_("The body is not JSON."),
    N_("The body is not a JSON object."),
    N_("A name stands twice in one object."),
    N_("biz_content is no JSON object."),
    N_("biz_content names something twice."),
    N_("{name} is not JSON."),
    N_("{name} is given twice, with two values."),
    N_("biz_content is not base64 of AES-CBC with this application's key and a vector of zeros."),
    # fields of Alipay+
    N_("{name} is {given}: every scalar is written as a text, in quotes."),
    N_("{name} is an object."),
    N_("{name} is a text."),
    N_("{name} has more than {most} characters."),
    N_("{name} is a currency and a value, digits in the smallest unit."),
    N_("{name} is a time such as 2024-01-01T12:00:00+08:00."),
    N_("{name} is no web address."),
    N_("{name} is true or false, as a text."),
    N_("One of {name} and {other} is needed."),
    N_("{name} is IN_STORE_PAYMENT for payments in a store."),
    N_("{name} is CONNECT_WALLET."),
    N_("{name} is one of {given}."),
    N_("{name} and {other} differ."),
    N_("Request-Time is an ISO 8601 time with offset, or milliseconds since 1970."),
    N_("Request-Time is too far from the time here: it is {given}."),
    N_("Request-Time is no time."),
    N_("Only clients whose id begins with SANDBOX_ have /sandbox in the path."),
    # fields of the Open API
    N_("{name} is not a text."),
    N_("{name} holds control characters or half a character."),
    N_("{name} is not 1 to 64 letters, digits, _ or -."),
    N_("{name} is not an amount with at most two decimals."),
    N_("{name} and {other} are both missing."),
    N_("{name} is none of 1m to 15d in whole units, or 1c."),
    N_("{name} is not yyyy-MM-dd HH:mm:ss."),
    N_("{name} is not a list of texts."),
    N_("{name} is not more than 0 and at most {given}."),
    N_("{name} is none of {given}."),
    N_("{name} is neither yyyy-MM-dd nor yyyy-MM."),
    N_("The newest bill is yesterday's, or last month's."),
    N_("Only JSON is spoken here."),
    N_("No aes_key is configured for this application."),
    # payment codes
    N_("A payment code has 16 to 24 digits and nothing between them, and begins with 25 to 30."),
    N_("This code was used for {given}; a wallet's code is good for one payment."),
    N_("The wallet showed this code too long ago; its codes are good for a minute and a half."),
)
_TOO_LONG: Final = N_("{name} is longer than {most} letters.")
_MALFORMED: Final = N_("{name} does not have the form it should: {given}")
_WHOLE: Final = N_("{name} has no decimals: write whole numbers.")
_NO_TIME: Final = N_("The timestamp is no time such as 2024-01-05 12:15:00.")


def _pattern(words: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", words.removesuffix("."))
    kinds = {"name": r"\S+", "other": r"\S+", "most": r"\d+"}
    made = [re.escape(part) if at % 2 == 0 else f"(?P<{part}>{kinds.get(part, '.+')})" for at, part in enumerate(parts)]
    return re.compile("".join(made), re.IGNORECASE | re.DOTALL)


_TABLE: Final = (
    (re.compile(r"(?P<name>\S+) is longer than (?P<most>\d+)"), _TOO_LONG),
    (re.compile(r"timestamp does not have the form it should"), _NO_TIME),
    (re.compile(r"(?P<name>\S+) does not have the form it should"), _MALFORMED),
    (re.compile(r"(?P<name>\S+) has no decimals"), _WHOLE),
    *((_pattern(words), words) for words in _LIKE_THEMSELVES),
)


def in_words(why: str, fields: Mapping[str, str]) -> Hint:
    """A note as a sentence; `fields` are the parameters of the call, to say what was given."""
    for pattern, words in _TABLE:
        if found := pattern.fullmatch(why):
            named = found.groupdict()
            return Hint(words, {"given": fields.get(named.get("name", ""), "")[:60] or "–"} | named)
    return Hint(N_("{why}"), {"why": why})
