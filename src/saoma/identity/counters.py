"""At which store somebody who is signed in works, and what they may do with money there.

The store that `?store=` named last is kept in the session, for every screen of that person alike: till, counter,
kitchen, office and drawer are always those of one store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request

from saoma.identity import model
from saoma.identity.guards import May, staff_of
from saoma.identity.model import Staff, Store
from saoma.kit.db import Rows

AnyRequest = Request[Any, Any, Any]
_KEPT: Final = "till_store"


@dataclass(frozen=True, slots=True)
class Counter:
    """Who stands at which store's till or counter."""

    staff: Staff
    store: Store

    @property
    def takes_payments(self) -> bool:
        """Whether this person may take money."""
        return self.staff.may(May.TAKE_PAYMENTS)

    @property
    def gives_back(self) -> bool:
        """Whether this person may refund by themselves."""
        return self.staff.may(May.REFUND)

    @property
    def asks_refunds(self) -> bool:
        """Whether this person may refund, or ask for a refund that somebody else agrees to."""
        return self.gives_back or self.staff.may(May.ASK_REFUNDS)


async def standing_at(request: AnyRequest, rows: Rows) -> Counter:
    """The till or counter of whoever is signed in. Raises `NotFound` for a store that is not this person's."""
    store, _ = await store_here(request, rows)
    return Counter(staff_of(request), store)


async def store_here(request: AnyRequest, rows: Rows, *, keep: bool = True) -> tuple[Store, list[Store]]:
    """The store of this request, and all stores of this person; what `?store=` names is kept unless `keep` is False.

    Raises `NotFound` for a store that is not this person's."""
    staff = staff_of(request)
    mine = await model.stores_of(rows, staff)
    asked = request.query_params.get("store", "")
    kept = request.session.get(_KEPT)
    known = kept if isinstance(kept, str) and kept in {store.id for store in mine} else ""
    store = await model.store_for(rows, staff, asked or known)
    if asked and keep:
        request.session[_KEPT] = store.id
    return store, mine
