"""Which kiosk a browser is: a paired device of that kind, or one that a member of staff has opened to customers.

Opening ends the sign-in on the device: whoever stands at a kiosk is nobody's cashier. Its orders are its own; no other
kiosk finds them, and none of a store's staff screens open there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from litestar.handlers import BaseRouteHandler

from saoma.fastfood import counter
from saoma.fastfood.model import Channel, CounterOrder
from saoma.identity import model
from saoma.identity.counters import AnyRequest, Counter
from saoma.identity.guards import SignInNeeded, signed_in, terminal_of
from saoma.identity.model import Staff, Store
from saoma.identity.roles import May, Role
from saoma.identity.sessions import Connection, renew
from saoma.kit.db import Rows
from saoma.kit.errors import NOTHING_HERE, NotFound
from saoma.kit.ids import new_id

#: In the session: the store, a name for this browser, and who opened it.
_KEPT: Final = "kiosk"
_FOUND: Final = "saoma_kiosk"
_KIND: Final = "kiosk"


@dataclass(frozen=True, slots=True)
class Kiosk:
    """One kiosk at its store. `by` is whose its orders are."""

    store: Store
    by: str
    terminal_id: str = ""

    @property
    def at(self) -> Counter:
        """It stands at its store as somebody who takes payments there; no person is behind it."""
        takes = Staff(
            id=self.by,
            merchant_id=self.store.merchant_id,
            store_id=self.store.id,
            name="Kiosk",
            login="",
            roles=[Role.CASHIER],
        )
        return Counter(takes, self.store)


async def open_here(request: AnyRequest, at: Counter) -> None:
    """Make this browser a kiosk of the store: the person who did it is signed out here."""
    opened = {"store": at.store.id, "name": new_id("kio"), "staff": at.staff.id}
    await renew(request)
    request.session[_KEPT] = opened


async def kiosk_here(connection: Connection, rows: Rows) -> Kiosk | None:
    """The kiosk that asks, or None. It ends with the pairing of its device, or when who opened it has left.

    Practice comes before the pairing: its band promises that nothing real is touched, on every device."""
    session = connection.scope.get("session")
    session = session if isinstance(session, dict) else {}
    if session.get("practice"):
        # Who practises tries the kiosk where they are, and stays who they are.
        double = await model.staff_by_id(rows, str(session.get("staff_id", "")))
        return None if double is None else Kiosk(await model.store_for(rows, double), f"kiosk:{double.id}")
    terminal = await terminal_of(connection, rows)
    if terminal is not None and terminal.kind == _KIND:
        return Kiosk(await model.store(rows, terminal.store_id), f"kiosk:{terminal.id}", terminal.id)
    opened = session.get(_KEPT)
    if isinstance(opened, dict):
        staff = await model.staff_by_id(rows, str(opened.get("staff", "")))
        if staff is not None and staff.may(May.TAKE_ORDERS):
            store = await model.store_for(rows, staff, str(opened.get("store", "")))
            return Kiosk(store, f"kiosk:{opened.get('name', '')}")
    return None


async def at_kiosk(connection: Connection, handler: BaseRouteHandler) -> None:
    """A guard: the browser is a kiosk. Others are asked to sign in, and staff find nothing here."""
    db = await handler.resolve_dependencies()["db"]()
    async with db.reading() as rows:
        found = await kiosk_here(connection, rows)
    if found is None and await signed_in(connection, db) is not None:
        raise NotFound(NOTHING_HERE)
    if found is None:
        raise SignInNeeded("Sign in to go on.")
    connection.scope["state"][_FOUND] = found


def kiosk_of(connection: Connection) -> Kiosk:
    """The kiosk that a guarded handler serves. Raises `SignInNeeded` where no guard has found one."""
    found = connection.scope["state"].get(_FOUND)
    if not isinstance(found, Kiosk):
        raise SignInNeeded("Sign in to go on.")
    return found


async def order_of(rows: Rows, kiosk: Kiosk, order_id: str) -> CounterOrder:
    """An order that was begun at this kiosk. Raises `NotFound` for any other."""
    order = await counter.order_at(rows, kiosk.store.id, order_id)
    if order.channel is not Channel.KIOSK or order.opened_by != kiosk.by:
        raise NotFound(counter.NO_SUCH_ORDER)
    return order
