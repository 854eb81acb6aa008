"""Typed ids: a short prefix that says what it names, then a time-ordered random part.

They sort by birth, can't be guessed (74 random bits) and read aloud well: no look-alike letters."""

from __future__ import annotations

import secrets
import time

from saoma.kit.errors import NOTHING_HERE, NotFound

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = frozenset(_ALPHABET)
_LENGTH = 25
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]


def _base32(number: int) -> str:
    return _ALPHABET[number >> 120] + "".join([_PAIRS[number >> place & 1023] for place in range(110, -1, -10)])


def new_id(prefix: str) -> str:
    """A fresh id such as `pay_00f3q...`: 48 bits of milliseconds, 74 random bits, 25 letters."""
    number = (time.time_ns() // 1_000_000 << 74) | secrets.randbits(74)
    return f"{prefix}_{_base32(number)}"


def check_id(prefix: str, text: str) -> str:
    """`text` if it has the shape of an id named `prefix`; raises `NotFound` otherwise, before any look-up."""
    head, _, tail = text.partition("_")
    if head != prefix or len(tail) != _LENGTH or not _VALUES.issuperset(tail):
        raise NotFound(NOTHING_HERE)
    return text
