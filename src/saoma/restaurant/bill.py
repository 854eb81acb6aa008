"""What a table owes: the arithmetic of one bill and its shares. Pure: no database, no clock, no network.

Held shares count as taken until their payment ends; amounts decide what is left, dishes only say who pays which. A tip
travels with a share and is never part of the bill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, assert_never

from saoma.kit.errors import Conflict, Invalid
from saoma.kit.money import Money, total

NOTHING_LEFT = "Nothing is left to pay on this bill."
TOO_MUCH = "Part of this bill was just taken by someone else. Look at the bill again and pay what is left."
DISH_TAKEN = "One of these dishes is already paid or being paid. Look at the bill again."
PART_CHANGED = "The bill changed while you were looking. Check the amount and press again."

#: An even split is for two people or more; above this it is a mistake.
MOST_WAYS: Final = 50


class ShareState(StrEnum):
    """What has become of one payment's share of a bill."""

    HELD = "held"
    PAID = "paid"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Dish:
    """One line that was ordered and must be paid: `amount` is what it costs after discounts.

    `guest_id` is who ordered it, None for staff; `discounted` says that its price was higher."""

    line_id: str
    guest_id: str | None
    amount: Money
    discounted: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a bill that one payment covers. `lines` may be empty: an amount without dishes.

    `refunded` was given back later; it doesn't reopen the bill, because a refund forgives, it doesn't lend. What of it
    nobody had owed (`surplus_refunded`) pays for nothing any more, though; `dishes_refunded` of it went back for dishes
    that this payment had paid by name. `tip` came on top of `amount`; `even` says that it was somebody's part of an
    even split."""

    payment_id: str
    amount: Money
    state: ShareState
    lines: frozenset[str] = frozenset()
    guest_id: str | None = None
    refunded: int = 0
    tip: int = 0
    tip_refunded: int = 0
    even: bool = False
    surplus_refunded: int = 0
    dishes_refunded: int = 0

    @property
    def kept(self) -> Money:
        """What of it stands for a part of the bill: money that is here, and what was forgiven of the bill."""
        return self.amount - Money(self.surplus_refunded, self.amount.currency)

    @property
    def forgiven(self) -> int:
        """What was given back of what the bill came to, without saying for which dish; in minor units."""
        return self.refunded - self.surplus_refunded - self.dishes_refunded


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything that is left."""


@dataclass(frozen=True, slots=True)
class OwnDishes:
    """The dishes this guest ordered, as far as they are free."""

    guest_id: str


@dataclass(frozen=True, slots=True)
class TheseDishes:
    """Dishes picked one by one (the till)."""

    lines: frozenset[str]


@dataclass(frozen=True, slots=True)
class AnyAmount:
    """An amount without dishes, up to what is left (the till's number pad, or typed on a phone)."""

    amount: Money


@dataclass(frozen=True, slots=True)
class Even:
    """What is left of one person's part when `ways` people share the bill evenly; `guest_id` is None at the till."""

    ways: int
    guest_id: str | None = None


Choice = Whole | OwnDishes | TheseDishes | AnyAmount | Even


@dataclass(frozen=True, slots=True)
class Portion:
    """What one payment would cover: an amount of the bill, the dishes it names, and the tip on top, in minor units."""

    amount: Money
    lines: frozenset[str] = frozenset()
    tip: int = 0

    @property
    def tip_money(self) -> Money:
        """The tip with its currency."""
        return Money(self.tip, self.amount.currency)

    @property
    def charged(self) -> Money:
        """What the payment asks for: the part of the bill and the tip."""
        return self.amount + self.tip_money


@dataclass(frozen=True)
class Bill:
    """One sitting's bill: dishes that were sent, and the shares payments took of it."""

    currency: str
    dishes: tuple[Dish, ...] = ()
    shares: tuple[Share, ...] = ()

    @cached_property
    def ordered(self) -> Money:
        """The sum of every dish."""
        return total((dish.amount for dish in self.dishes), self.currency)

    def _in(self, state: ShareState) -> Money:
        return total((share.kept for share in self.shares if share.state is state), self.currency)

    @cached_property
    def paid(self) -> Money:
        """Money that arrived, before refunds of what was owed."""
        return self._in(ShareState.PAID)

    @cached_property
    def held(self) -> Money:
        """Money that open payments may still bring."""
        return self._in(ShareState.HELD)

    @cached_property
    def refunded(self) -> Money:
        """Money given back out of the shares."""
        return Money(sum(share.refunded for share in self.shares), self.currency)

    @cached_property
    def left(self) -> Money:
        """What nobody has paid or is paying: never below zero."""
        return max(self.ordered - self.paid - self.held, Money.zero(self.currency))

    @cached_property
    def owed(self) -> Money:
        """What has not arrived yet, whether or not someone is paying it now."""
        return max(self.ordered - self.paid, Money.zero(self.currency))

    @cached_property
    def beyond(self) -> Money:
        """What is paid or on its way beyond the bill."""
        return max(self.paid + self.held - self.ordered, Money.zero(self.currency))

    @cached_property
    def surplus(self) -> Money:
        """What arrived beyond the bill (late money, or a dish taken off after it was paid)."""
        return max(self.paid - self.ordered, Money.zero(self.currency))

    @cached_property
    def tips(self) -> Money:
        """What arrived on top of the bill for those who served, less what was given back of it."""
        paid = (share for share in self.shares if share.state is ShareState.PAID)
        return Money(sum(share.tip - share.tip_refunded for share in paid), self.currency)

    @property
    def covered(self) -> bool:
        """Something was ordered and all of it is paid, or discounts left nothing to pay."""
        return self.paid >= self.ordered and (bool(self.ordered) or any(dish.discounted for dish in self.dishes))

    @cached_property
    def claims(self) -> Mapping[str, Share]:
        """Which share names which dish, as far as the share is held or paid."""
        return {line: share for share in self.shares if share.state is not ShareState.RELEASED for line in share.lines}

    def _free(self, wanted: Iterable[Dish]) -> tuple[Money, frozenset[str]]:
        free = [dish for dish in wanted if dish.line_id not in self.claims]
        amount = total((dish.amount for dish in free), self.currency)
        return min(amount, self.left), frozenset(dish.line_id for dish in free)

    def portion(self, choice: Choice) -> Portion:
        """What `choice` comes to now; the amount is zero when nothing of it is left."""
        match choice:
            case Whole():
                return Portion(self.left, self._free(self.dishes)[1])
            case OwnDishes(guest_id):
                return Portion(*self._free(dish for dish in self.dishes if dish.guest_id == guest_id))
            case TheseDishes(lines):
                return Portion(*self._free(dish for dish in self.dishes if dish.line_id in lines))
            case AnyAmount(amount):
                return Portion(min(amount, self.left))
            case Even(ways, guest_id):
                return Portion(self.even_part(ways, guest_id))
            case _:
                assert_never(choice)

    def even_part(self, ways: int, guest_id: str | None = None) -> Money:
        """What is left of this person's part of an even split. Raises `Invalid` for a number of people nobody means.

        Parts differ by at most one minor unit, the larger ones go to whoever pays first. What a person has paid in
        another way counts towards their part; who has paid more than a part leaves less for the others. Money that
        nobody at the table is named for, as cash at the till, lowers every part alike."""
        if not 2 <= ways <= MOST_WAYS:
            raise Invalid("Say by how many people you split: 2 to 50.")
        gave: dict[str, int] = {}
        pool = self.ordered.minor
        for share in self.shares:
            if share.state is ShareState.RELEASED:
                continue
            if share.guest_id is None and not share.even:
                pool -= share.kept.minor
            else:
                who = share.guest_id or share.payment_id
                gave[who] = gave.get(who, 0) + share.kept.minor
        mine = gave.pop(guest_id, 0) if guest_id is not None else 0
        people = sorted(gave.values())
        while people and ways > 1 and people[-1] > -(-max(0, pool) // ways):
            pool, ways = pool - people.pop(), ways - 1
        part, larger = divmod(max(0, pool), ways)
        if larger > sum(paid == part + 1 for paid in people):
            part += 1
        return min(Money(max(0, part - mine), self.currency), self.left)

    def surplus_of(self, payment_id: str) -> Money:
        """How much of one paid payment is beyond the bill, as the money that arrived last; its tip only with all of it.

        What was given back of it already is no surplus any more."""
        share = next((share for share in self.shares if share.payment_id == payment_id), None)
        if share is None or share.state is not ShareState.PAID or not self.surplus:
            return Money.zero(self.currency)
        beyond = min(self.surplus, share.kept)
        whole = share.tip if beyond == share.kept else 0
        back = share.refunded - share.surplus_refunded + (share.tip_refunded if whole else 0)
        return max(beyond + Money(whole - back, self.currency), Money.zero(self.currency))

    def admit(self, portion: Portion, choice: Choice | None = None) -> None:
        """Say whether a payment may take `portion` now. Raises `Conflict` when it would pay anything twice.

        Given the `choice`, an even part must still be what it was: two phones that press at once pay one part each."""
        if not self.left:
            raise Conflict(NOTHING_LEFT)
        if portion.amount.minor <= 0 or portion.amount > self.left:
            raise Conflict(TOO_MUCH)
        if isinstance(choice, Even) and portion.amount != self.portion(choice).amount:
            raise Conflict(PART_CHANGED)
        if not portion.lines:
            return
        known = {dish.line_id: dish.amount for dish in self.dishes}
        if any(line in self.claims or line not in known for line in portion.lines):
            raise Conflict(DISH_TAKEN)


def split_refund(bill: Bill, payment_id: str, amount: int, named: int) -> tuple[int, int]:
    """What of `amount` that goes back out of a payment's share is for its dishes, and what nobody had owed.

    `named` is what those dishes cost which the refund names and this payment has paid; in minor units, as the answer.
    They are forgiven, whatever else is on the bill; of the rest, surplus goes back first."""
    share = next(share for share in bill.shares if share.payment_id == payment_id)
    dishes = max(0, min(amount, named))
    kept = share.kept.minor if share.state is ShareState.PAID else 0
    return dishes, min(amount - dishes, bill.surplus.minor, kept)


def forgiven_no_more(bill: Bill, fell: Money) -> dict[str, int]:
    """What ends to be forgiven of which payment when struck dishes lower the bill by `fell`; in minor units.

    Money that went back without naming a dish is taken to be for what is struck: were it still counted as paid, it
    would pay for a dish that is ordered later. The last payment comes first."""
    rest, ends = fell.minor, {}
    for share in reversed(bill.shares):
        part = min(rest, share.forgiven) if share.state is ShareState.PAID else 0
        if part > 0:
            ends[share.payment_id] = part
            rest -= part
    return ends


def bill_after(bill: Bill, share: Share) -> Bill:
    """The bill with `share` put in, in place of an earlier word about the same payment."""
    others = tuple(known for known in bill.shares if known.payment_id != share.payment_id)
    return Bill(bill.currency, bill.dishes, (*others, share))
