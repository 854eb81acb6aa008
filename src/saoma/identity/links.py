"""Signed links: each serves one purpose, names one subject and ends by itself; some may be used only once.

A link is as good as a password while it lives: keep lifetimes short, and let a GET never use one up (previews fetch
links)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from saoma.kit.clock import Clock
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.seal import Seal


class LinkPurpose(StrEnum):
    """What a link lets its holder do. A link for one purpose is worth nothing for another."""

    SIGN_IN = "sign_in"
    PAIR = "pair"


class _Content(msgspec.Struct, array_like=True):
    subject: str
    nonce: str
    ends: int
    once: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A link that was found genuine and alive. `subject` is a staff or terminal id."""

    purpose: LinkPurpose
    subject: str
    nonce: str
    ends_at: datetime
    once: bool


class Links:
    """Makes and reads signed links for this deployment."""

    def __init__(self, seal: Seal, clock: Clock) -> None:
        self._seal = seal
        self._clock = clock

    def make(self, purpose: LinkPurpose, subject: str, lifetime: timedelta, *, once: bool = False) -> str:
        """The text of a link, safe in a URL's path."""
        ends = int((self._clock.now() + lifetime).timestamp())
        content = _Content(subject, secrets.token_urlsafe(12), ends, once)
        return self._seal.sign(f"link:{purpose}", msgspec.json.encode(content).decode())

    def read(self, purpose: LinkPurpose, text: str) -> Link:
        """What a link says. Raises `Invalid` for one that is forged, of another purpose, or has ended."""
        content = self._seal.unsign(f"link:{purpose}", text)
        if content is not None:
            said = msgspec.json.decode(content, type=_Content)
            ends_at = datetime.fromtimestamp(said.ends, UTC)
            if self._clock.now() < ends_at:
                return Link(purpose, said.subject, said.nonce, ends_at, said.once)
        raise Invalid("This link has ended or is not complete. Ask for a new one.")

    async def use(self, tx: Transaction, link: Link) -> None:
        """Use a link, in the transaction of what it allows. Raises `Conflict` when it was for once and was used."""
        if not link.once:
            return
        if not await first_use(tx, link.nonce, str(link.purpose), link.ends_at, self._clock.now()):
            raise Conflict("This link was used before. Ask for a new one.")


async def first_use(rows: Rows, nonce: str, purpose: str, ends_at: datetime, now: datetime) -> bool:
    """Whether `nonce` is used for the first time; the database decides between two at once. Ended ones are let go."""
    used = await rows.run(
        """INSERT INTO used_links (nonce, purpose, ends_at) VALUES (%(nonce)s, %(purpose)s, %(ends_at)s)
           ON CONFLICT DO NOTHING""",
        {"nonce": nonce, "purpose": purpose, "ends_at": ends_at},
    )
    await rows.run(
        """DELETE FROM used_links WHERE nonce IN
           (SELECT nonce FROM used_links WHERE ends_at < %(now)s LIMIT 10 FOR UPDATE SKIP LOCKED)""",
        {"now": now},
    )
    return used == 1


def sign_in_path(links: Links, staff_id: str, lifetime: timedelta, *, once: bool = False) -> str:
    """The path that lets someone in as `staff_id` until `lifetime` has passed."""
    return "/sign-in/link/" + links.make(LinkPurpose.SIGN_IN, staff_id, lifetime, once=once)


def pairing_path(links: Links, terminal_id: str) -> str:
    """The path that makes the device which opens it `terminal_id`; for a quarter of an hour, once."""
    return "/pair/" + links.make(LinkPurpose.PAIR, terminal_id, timedelta(minutes=15), once=True)
