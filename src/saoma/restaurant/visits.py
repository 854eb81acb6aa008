"""Who is holding this phone: the table its code names, the guest its session remembers, the buyer Alipay named.

Knowing a table's code lets you sit down at it and nothing more; all else asks for the guest, never for the code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request

from saoma.alipay.wallet import Wallet, which_wallet
from saoma.identity.wallet_sign_in import buyer_in
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Conflict, NotAllowed, Refused
from saoma.restaurant import sittings
from saoma.restaurant.admission import may_order, veiled
from saoma.restaurant.model import Guest, Place, Sitting
from saoma.restaurant.moving import Elsewhere, went_to
from saoma.restaurant.sittings import NOT_AT_THIS_TABLE, SITTING_OVER, Meal
from saoma.restaurant.tables import place

_SEATS: Final = "seats"
_PROOFS: Final = "turns"
#: How many tables one phone remembers; the oldest is forgotten first.
_SEATS_KEPT: Final = 8

AnyRequest = Request[Any, Any, Any]


class Moved(Refused):
    """The party this phone belongs to sits at another table now: it goes there, and is the same guest there."""

    status = 303

    def __init__(self, there: Elsewhere, guest_id: str) -> None:
        super().__init__("Your table was moved.")
        self.there = there
        self.guest_id = guest_id


@dataclass(frozen=True, slots=True)
class Visit:
    """One phone at one table. `me` and `meal` are None until it has sat down in the open sitting."""

    place: Place
    wallet: Wallet
    buyer_id: str
    me: Guest | None = None
    meal: Meal | None = None

    @property
    def in_wallet(self) -> bool:
        """Whether the page runs inside the Alipay app, where it can be paid."""
        return self.wallet is Wallet.ALIPAY

    @property
    def can_pay_here(self) -> bool:
        """Whether this phone can pay in the wallet: Alipay has told us whose it is."""
        return self.in_wallet and self.me is not None and bool(self.me.buyer_id)

    @property
    def must_be_let_in(self) -> bool:
        """Whether this phone sits at the table and may not send dishes to the kitchen yet."""
        return self.me is not None and not may_order(self.place.strength, self.me)

    @property
    def must_sit_down(self) -> bool:
        """Whether the buyer is known and not yet at the table under that name."""
        return bool(self.buyer_id) and (self.me is None or self.me.buyer_id is None)


def seat_of(session: Any, table_id: str) -> str | None:
    """The guest this session was when it last sat at the table."""
    found = dict(dict(session or {}).get(_SEATS) or {}).get(table_id)
    return str(found) if found else None


def proof_of(session: Any, table_id: str) -> int | None:
    """The turn of a table that this phone has proved to be at."""
    found = dict(dict(session or {}).get(_PROOFS) or {}).get(table_id)
    return found if isinstance(found, int) else None


def remember_proof(request: AnyRequest, table_id: str, turn: int) -> None:
    """Keep in the session that this phone showed the code or word of a table's party."""
    proofs = {key: value for key, value in dict(request.session.get(_PROOFS) or {}).items() if key != table_id}
    request.session[_PROOFS] = {**dict(list(proofs.items())[-(_SEATS_KEPT - 1) :]), table_id: turn}


def forget_seat(request: AnyRequest, table_id: str) -> None:
    """A phone that opens the table's page anew is no longer who it was in a sitting that is over."""
    seats = dict(request.session.get(_SEATS) or {})
    if seats.pop(table_id, None):
        request.session[_SEATS] = seats


def remember_seat(request: AnyRequest, table_id: str, guest_id: str) -> None:
    """Keep in the session who this phone is at the table."""
    seats = {key: value for key, value in dict(request.session.get(_SEATS) or {}).items() if key != table_id}
    kept = dict(list(seats.items())[-(_SEATS_KEPT - 1) :])
    request.session[_SEATS] = {**kept, table_id: guest_id}


async def visit(request: AnyRequest, rows: Rows, code: str, *, dishes: bool = True) -> Visit:
    """Look who this is, changing nothing. Raises `NotFound` for a code that is not in use, and `Moved` for a phone
    whose party sits elsewhere now.

    Without `dishes` the meal has its people alone: two questions, for a press that must only know whose it is."""
    here = await place(rows, code)
    wallet = which_wallet(request.headers.get("user-agent", ""))
    buyer_id = buyer_in(request.session, here.account_id)
    guest_id = seat_of(request.session, here.table_id)
    if here.sitting is None or not (buyer_id or guest_id):
        await _follow(rows, guest_id, here.table_id)
        return Visit(here, wallet, buyer_id)
    meal = await (sittings.meal if dishes else sittings.people)(rows, here.sitting)
    me = _me(meal, buyer_id, guest_id)
    if me is None:
        await _follow(rows, guest_id, here.table_id)
    if me is None:
        return Visit(here, wallet, buyer_id)
    return Visit(here, wallet, buyer_id, me, veiled(meal, me, here.strength))


async def _follow(rows: Rows, guest_id: str | None, table_id: str) -> None:
    """Send the phone of somebody whose party was moved to where it is now: raises `Moved`."""
    there = await went_to(rows, guest_id, table_id) if guest_id else None
    if there is not None and guest_id is not None:
        raise Moved(there, guest_id)


def _me(meal: Meal, buyer_id: str, guest_id: str | None) -> Guest | None:
    by_buyer = next((guest for guest in meal.guests if buyer_id and guest.buyer_id == buyer_id), None)
    if by_buyer is not None:
        return by_buyer
    remembered = meal.guest(guest_id)
    if remembered is not None and buyer_id and remembered.buyer_id:
        return None  # the phone has another owner now than when it sat down
    return remembered


async def arrive(request: AnyRequest, db: Database, clock: Clock, code: str) -> Visit:
    """What a scan does: a buyer sits down at once; a phone outside the wallet only looks until it orders.

    With the proof of the table's party in its session, whoever sits there is let in."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    table_id = seen.place.table_id
    if seen.me is None:
        forget_seat(request, table_id)
    proved = seen.must_be_let_in and proof_of(request.session, table_id) == seen.place.turn
    if not (seen.must_sit_down or proved):
        return seen
    await sit_down(request, db, clock, seen, "")
    async with db.reading() as rows:
        return await visit(request, rows, code)


async def sit_down(
    request: AnyRequest, db: Database, clock: Clock, seen: Visit, nickname: str
) -> tuple[Sitting, Guest]:
    """Join the table's sitting and remember it. Raises `Invalid` for a nickname that is too long, and `Conflict` for a
    phone that was there with an earlier party and has not opened the table's page since."""
    if seen.me is None and seat_of(request.session, seen.place.table_id):
        raise Conflict(SITTING_OVER)
    async with db.transaction() as tx:
        sitting, guest = await sittings.join(
            tx,
            seen.place.code,
            seen.buyer_id or None,
            nickname,
            clock.now(),
            seat_of(request.session, seen.place.table_id),
            proof_of(request.session, seen.place.table_id),
        )
    remember_seat(request, seen.place.table_id, guest.id)
    return sitting, guest


def at_table(seen: Visit) -> tuple[Meal, Guest]:
    """The meal and the guest. Raises `NotAllowed` for a phone that has not sat down in this sitting."""
    if seen.meal is None or seen.me is None:
        raise NotAllowed(NOT_AT_THIS_TABLE)
    return seen.meal, seen.me
