"""Roles and what each of them may do: one small table, pure.

Roles contain others (a manager is also a cashier); an operator works for the partner and is in no merchant's roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from saoma.kit.money import Money


class Role(StrEnum):
    """What a member of staff is to a merchant; `operator` belongs to the partner who runs this deployment."""

    OWNER = "owner"
    MANAGER = "manager"
    CASHIER = "cashier"
    WAITER = "waiter"
    KITCHEN = "kitchen"
    #: Carries dishes from the pass to the tables.
    RUNNER = "runner"
    #: Brings orders to people's addresses.
    COURIER = "courier"
    OPERATOR = "operator"


class May(StrEnum):
    """One thing a screen lets people do."""

    TAKE_ORDERS = "take_orders"
    SEE_BILLS = "see_bills"
    TAKE_PAYMENTS = "take_payments"
    SEE_PAYMENTS = "see_payments"
    #: Asking for a refund that somebody else must agree to.
    ASK_REFUNDS = "ask_refunds"
    #: Giving money back, up to the role's own limit without anybody else.
    REFUND = "refund"
    #: Being the second person of somebody else's refund.
    APPROVE_REFUNDS = "approve_refunds"
    VOID_LINES = "void_lines"
    #: Taking something off a bill, up to the role's own limit.
    GIVE_DISCOUNTS = "give_discounts"
    SEE_KITCHEN = "see_kitchen"
    EDIT_MENU = "edit_menu"
    MARK_SOLD_OUT = "mark_sold_out"
    CARRY_DISHES = "carry_dishes"
    DELIVER = "deliver"
    #: Say which courier brings what.
    DISPATCH = "dispatch"
    EDIT_DELIVERY = "edit_delivery"
    EDIT_TABLES = "edit_tables"
    #: Offers, coupons, points and segments.
    EDIT_OFFERS = "edit_offers"
    EDIT_STAFF = "edit_staff"
    PAIR_TERMINALS = "pair_terminals"
    #: Everybody's shifts with what must be in their drawers, also before they are counted.
    SEE_SHIFTS = "see_shifts"
    SEE_EVERY_MERCHANT = "see_every_merchant"
    RULE_CASES = "rule_cases"


_RUNNER: Final = frozenset({May.CARRY_DISHES})
_COURIER: Final = frozenset({May.DELIVER})
_WAITER: Final = _RUNNER | {May.TAKE_ORDERS, May.SEE_BILLS}
_KITCHEN: Final = frozenset({May.SEE_KITCHEN, May.MARK_SOLD_OUT})
_CASHIER: Final = _WAITER | {
    May.TAKE_PAYMENTS,
    May.SEE_PAYMENTS,
    May.ASK_REFUNDS,
    May.MARK_SOLD_OUT,
    May.DISPATCH,
    May.GIVE_DISCOUNTS,
}
_MANAGER: Final = (
    _CASHIER
    | _KITCHEN
    | _COURIER
    | {
        May.EDIT_DELIVERY,
        May.REFUND,
        May.APPROVE_REFUNDS,
        May.VOID_LINES,
        May.EDIT_MENU,
        May.EDIT_TABLES,
        May.EDIT_OFFERS,
        May.PAIR_TERMINALS,
        May.SEE_SHIFTS,
    }
)

#: Role by role, everything it may do.
PERMISSIONS: Final[Mapping[Role, frozenset[May]]] = {
    Role.OWNER: _MANAGER | {May.EDIT_STAFF},
    Role.MANAGER: _MANAGER,
    Role.CASHIER: _CASHIER,
    Role.WAITER: _WAITER,
    Role.KITCHEN: _KITCHEN,
    Role.RUNNER: _RUNNER,
    Role.COURIER: _COURIER,
    Role.OPERATOR: frozenset({May.SEE_EVERY_MERCHANT, May.SEE_PAYMENTS, May.RULE_CASES}),
}

#: Who counts as whom when a screen asks for a role.
STANDS_FOR: Final[Mapping[Role, frozenset[Role]]] = {
    Role.OWNER: frozenset(Role) - {Role.OPERATOR},
    Role.MANAGER: frozenset(Role) - {Role.OPERATOR, Role.OWNER},
    Role.CASHIER: frozenset({Role.CASHIER, Role.WAITER, Role.RUNNER}),
    Role.WAITER: frozenset({Role.WAITER, Role.RUNNER}),
    Role.KITCHEN: frozenset({Role.KITCHEN}),
    Role.RUNNER: frozenset({Role.RUNNER}),
    Role.COURIER: frozenset({Role.COURIER}),
    Role.OPERATOR: frozenset({Role.OPERATOR}),
}


#: What people call the roles; keys of the texts.
ROLE_NAMES: Final[Mapping[Role, str]] = {
    Role.OWNER: "Owner",
    Role.MANAGER: "Manager",
    Role.CASHIER: "Cashier",
    Role.WAITER: "Waiter",
    Role.KITCHEN: "Kitchen",
    Role.RUNNER: "Runner",
    Role.COURIER: "Courier",
    Role.OPERATOR: "Operator",
}


def may(roles: Iterable[Role], what: May) -> bool:
    """Whether any of `roles` allows `what`."""
    return any(what in PERMISSIONS[role] for role in roles)


def fits(roles: Iterable[Role], wanted: Iterable[Role | May]) -> bool:
    """Whether `roles` include, or stand for, one of the wanted roles, or allow one of the wanted things."""
    held = list(roles)
    stands_for = frozenset[Role]().union(*(STANDS_FOR[role] for role in held))
    return any(may(held, want) if isinstance(want, May) else want in stands_for for want in wanted)


#: How much of one payment a role gives back alone, in US dollars. Above it another person must agree: a manager or an
#: owner, whatever the amount. Who is not listed may ask for a refund where `May.ASK_REFUNDS` says so, never alone.
REFUNDS_ALONE: Final[Mapping[Role, int]] = {Role.OWNER: 1000, Role.MANAGER: 200}

#: What a dollar's worth is about, so that one table serves every currency. Of any other currency nothing goes alone.
_WORTH: Final[Mapping[str, int]] = {
    **dict.fromkeys(("USD", "EUR", "GBP", "CHF", "SGD", "AUD", "CAD", "NZD"), 1),
    "CNY": 7,
    "HKD": 8,
    "MYR": 4,
    "THB": 35,
    "TWD": 30,
    "PHP": 55,
    "JPY": 150,
    "KRW": 1300,
    "IDR": 15000,
}


def refund_limit(roles: Iterable[Role], currency: str) -> Money:
    """How much of one payment somebody with `roles` may give back without a second person, in one or more refunds."""
    most = max((REFUNDS_ALONE.get(role, 0) for role in roles), default=0)
    return Money.parse(str(most * _WORTH.get(currency, 0)), currency)


#: How much of one bill a role takes off by hand, in US dollars, all of it counted together; None: whatever is owed.
#: Who is not listed gives no discounts.
DISCOUNTS_ALONE: Final[Mapping[Role, int | None]] = {Role.OWNER: None, Role.MANAGER: None, Role.CASHIER: 20}


def discount_limit(roles: Iterable[Role], currency: str) -> Money | None:
    """How much somebody with `roles` may take off one bill by hand, in one or more discounts; None: any amount."""
    limits = [DISCOUNTS_ALONE.get(role, 0) for role in roles]
    if None in limits:
        return None
    return Money.parse(str(max((limit or 0 for limit in limits), default=0) * _WORTH.get(currency, 0)), currency)
