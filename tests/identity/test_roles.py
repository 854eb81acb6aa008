"""Who may do what: the small table, and who stands for whom."""

from __future__ import annotations

import pytest

from saoma.identity.roles import PERMISSIONS, ROLE_NAMES, STANDS_FOR, May, Role, discount_limit, fits, may
from saoma.kit.money import Money


def test_every_role_has_a_row_and_a_name() -> None:
    assert set(PERMISSIONS) == set(STANDS_FOR) == set(ROLE_NAMES) == set(Role)


def test_every_permission_is_given_to_somebody() -> None:
    assert set(May) == frozenset[May]().union(*PERMISSIONS.values())


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        (Role.CASHIER, May.TAKE_PAYMENTS, May.REFUND),
        (Role.WAITER, May.TAKE_ORDERS, May.TAKE_PAYMENTS),
        (Role.KITCHEN, May.SEE_KITCHEN, May.SEE_PAYMENTS),
        (Role.MANAGER, May.REFUND, May.EDIT_STAFF),
        (Role.OWNER, May.EDIT_STAFF, May.RULE_CASES),
        (Role.RUNNER, May.CARRY_DISHES, May.TAKE_ORDERS),
        (Role.COURIER, May.DELIVER, May.DISPATCH),
        (Role.OPERATOR, May.RULE_CASES, May.TAKE_PAYMENTS),
    ],
)
def test_a_role_allows_its_work_and_no_more(role: Role, allowed: May, refused: May) -> None:
    assert may([role], allowed)
    assert not may([role], refused)


def test_a_manager_stands_for_a_cashier_but_not_the_other_way_round() -> None:
    assert fits([Role.MANAGER], [Role.CASHIER])
    assert not fits([Role.CASHIER], [Role.MANAGER])


def test_an_operator_stands_for_nobody_in_a_merchant() -> None:
    assert not fits([Role.OPERATOR], [Role.OWNER, Role.MANAGER, Role.CASHIER, Role.WAITER, Role.KITCHEN])


def test_whoever_stands_for_a_role_may_do_what_it_may() -> None:
    for role, others in STANDS_FOR.items():
        for other in others:
            assert PERMISSIONS[other] <= PERMISSIONS[role], (role, other)


def test_two_small_roles_together_fit_where_either_does() -> None:
    assert fits([Role.WAITER, Role.KITCHEN], [May.SEE_KITCHEN])
    assert not fits([], [Role.WAITER])


def test_a_waiter_gives_no_discount_a_cashier_a_small_one_and_a_manager_any() -> None:
    assert discount_limit([Role.WAITER], "USD") == Money.zero("USD")
    assert discount_limit([Role.WAITER, Role.CASHIER], "USD") == Money.parse("20.00", "USD")
    assert discount_limit([Role.CASHIER], "JPY") == Money.parse("3000", "JPY")
    assert discount_limit([Role.CASHIER], "SEK") == Money.zero("SEK"), "nothing alone in a currency nobody weighed"
    assert discount_limit([Role.CASHIER, Role.MANAGER], "USD") is None
    assert not may([Role.WAITER], May.GIVE_DISCOUNTS)
