"""Passwords and PINs: hashed by argon2 in two threads of their own; checking nobody's takes as long as somebody's.

A hash takes about 160 ms and 64 MiB: never compute one on the event loop, never more than two at once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from saoma.kit.errors import Invalid

_HASHER: Final = PasswordHasher()
_THREADS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
_LONGEST: Final = 512


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash that no password is checked against in earnest: it only takes the time that a real one takes."""
    return _HASHER.hash("nobody signs in with this")


def _hash(secret: str) -> str:
    return _HASHER.hash(secret)


def _check(known: str, secret: str) -> bool:
    try:
        return _HASHER.verify(known or _nobody(), secret) and bool(known)
    except (VerificationError, InvalidHashError):
        return False


async def hash_password(password: str) -> str:
    """The argon2id hash of a password. Raises `Invalid` for one under 8 or over 512 characters."""
    if not 8 <= len(password) <= _LONGEST:
        raise Invalid("A password has at least 8 characters.")
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _hash, password)


async def hash_pin(pin: str) -> str:
    """The argon2id hash of a till PIN. Raises `Invalid` unless it is 4 to 8 digits."""
    if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 8):
        raise Invalid("A PIN has 4 to 8 digits.")
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _hash, pin)


async def is_right(known: str, secret: str) -> bool:
    """Whether `secret` belongs to the hash `known`; an empty `known` is always wrong and takes as long."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _check, known, secret[:_LONGEST])


def is_outdated(known: str) -> bool:
    """Whether a hash was made with weaker parameters than today's and should be made again."""
    return _HASHER.check_needs_rehash(known)
