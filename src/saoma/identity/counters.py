"""At which store somebody who is signed in works, and what they may do with money there.

The store that `?store=` named last is kept in the session, for every screen of that person alike: till, counter,
kitchen, office and drawer are always those of one store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request

from saoma.identity import model
from saoma.identity.guards import May, staff_of
from saoma.identity.model import Staff, Store
from saoma.kit.db import Rows
from saoma.kit.errors import NOTHING_HERE, NotFound

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
    mine = await model.stores_of(rows, staff_of(request))
    return chosen_of(request, mine, keep=keep), mine


def chosen_of(request: AnyRequest, mine: Sequence[Store], *, keep: bool = True) -> Store:
    """Of the stores that are this person's, the one that this request or their session names; else the first.

    Raises `NotFound` for any other, and for somebody without a store."""
    by_id = {store.id: store for store in mine}
    asked, kept = request.query_params.get("store", ""), request.session.get(_KEPT)
    known = kept if isinstance(kept, str) and kept in by_id else ""
    store = by_id.get(asked or known) if asked or known else next(iter(mine), None)
    if store is None:
        raise NotFound(NOTHING_HERE)
    if asked and keep:
        request.session[_KEPT] = store.id
    return store
