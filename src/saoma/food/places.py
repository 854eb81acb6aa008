"""Where a signed-in person works: the store whose kitchen, menu or deliveries their screens show.

Somebody of several stores names one with `?store=`; the session keeps it, for the till as well."""

from __future__ import annotations

from dataclasses import dataclass

from saoma.identity import model
from saoma.identity.counters import AnyRequest, chosen_of, store_here
from saoma.identity.guards import staff_of
from saoma.identity.model import Staff, Store
from saoma.kit.db import Database, Rows


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


async def store_of_screen(request: AnyRequest, db: Database) -> Store:
    """The same store, asked once for all of a person's screens that ask at the same moment.

    Raises `NotFound` for one that is not this person's."""
    staff = staff_of(request)

    async def read() -> list[Store]:
        async with db.reading() as rows:
            return await model.stores_of(rows, staff)

    # All that their stores depend on: who has just been moved elsewhere does not share with who they were.
    mine = await db.together.ask(("stores", staff.id, staff.merchant_id, staff.store_id, tuple(staff.roles)), read)
    return chosen_of(request, mine)
