"""Where a signed-in person works: the store whose kitchen, menu or deliveries their screens show.

Somebody of several stores names one with `?store=`; the session keeps it, for the till as well."""

from __future__ import annotations

from dataclasses import dataclass

from saoma.identity.counters import AnyRequest, store_here
from saoma.identity.guards import staff_of
from saoma.identity.model import Staff, Store
from saoma.kit.db import Rows


@dataclass(frozen=True, slots=True)
class Place:
    """Who works, where, and where else they could."""

    staff: Staff
    store: Store
    stores: tuple[Store, ...]


async def place(request: AnyRequest, rows: Rows) -> Place:
    """The store of this request. Raises `NotFound` for one that is not this person's."""
    store, mine = await store_here(request, rows)
    return Place(staff_of(request), store, tuple(mine))
