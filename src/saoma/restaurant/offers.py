"""What offers are told about a table: who sits there, and what its payments cover already. Pure.

The host is who joined first with a wallet; dishes that staff ordered are nobody's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict

from saoma.restaurant.bill import ShareState
from saoma.restaurant.model import Guest, ShareRow


class Told(TypedDict):
    """What `marketing.applying.apply` is told."""

    people: dict[str, str]
    host: str
    at_least: int


def told(guests: Sequence[Guest], shares: Iterable[ShareRow]) -> Told:
    """The buyers behind the guests, the host, and what the bill must still come to because it is paid or being paid."""
    people = {guest.id: guest.buyer_id for guest in guests if guest.buyer_id}
    taken = sum(share.amount - share.surplus_refunded for share in shares if share.state != ShareState.RELEASED)
    return Told(people=people, host=next(iter(people.values()), ""), at_least=taken)
