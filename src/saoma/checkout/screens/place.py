"""Which drawer somebody stands at: this device's, or the one that a store's unpaired devices share.

The store is the one chosen on the till, so that a person with several stores never opens the shift of another."""

from __future__ import annotations

from dataclasses import dataclass

from saoma.identity import model
from saoma.identity.counters import AnyRequest, store_here
from saoma.identity.guards import May, staff_of, terminal_of
from saoma.identity.model import Staff, Store
from saoma.kit.db import Rows


@dataclass(frozen=True, slots=True)
class Place:
    """Who stands at which drawer: a device of a store, or the one that its unpaired devices share."""

    staff: Staff
    store: Store
    currency: str
    terminal_id: str
    till: str

    @property
    def sees_all(self) -> bool:
        """Whether this person looks after everybody's shifts."""
        return self.staff.may(May.SEE_SHIFTS)


async def place_of(request: AnyRequest, rows: Rows) -> Place:
    """Where whoever asks stands. `?store=` names one of several stores, as on the till; else the till's own counts."""
    staff = staff_of(request)
    store, _ = await store_here(request, rows, keep=False)
    merchant = await model.merchant(rows, store.merchant_id)
    terminal = await terminal_of(request, rows)
    if terminal is None or terminal.store_id != store.id:
        return Place(staff, store, merchant.currency, "", "")
    return Place(staff, store, merchant.currency, terminal.id, terminal.name)
