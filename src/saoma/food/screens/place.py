"""Where a signed-in person works: the store whose kitchen or menu these screens show.

Somebody of several stores names one with `?store=`; the session keeps it, for the till as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from litestar import Request

from saoma.identity import model
from saoma.identity.guards import staff_of
from saoma.identity.model import Staff, Store
from saoma.kit.db import Rows

AnyRequest: TypeAlias = Request[Any, Any, Any]
_KEPT = "till_store"


@dataclass(frozen=True, slots=True)
class Place:
    """Who works, where, and where else they could."""

    staff: Staff
    store: Store
    stores: tuple[Store, ...]


async def place(request: AnyRequest, rows: Rows) -> Place:
    """The store of this request. Raises `NotFound` for one that is not this person's."""
    staff = staff_of(request)
    mine = await model.stores_of(rows, staff)
    asked = request.query_params.get("store", "")
    kept = request.session.get(_KEPT)
    wanted = asked or (kept if isinstance(kept, str) and kept in {store.id for store in mine} else "")
    store = await model.store_for(rows, staff, wanted)
    if asked:
        request.session[_KEPT] = store.id
    return Place(staff, store, tuple(mine))
