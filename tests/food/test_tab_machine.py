"""Several guests, waiters and payments at one table, in any order and with every request repeated at will.

What must hold after each step: the bill is the sum of what was sent and not struck, nothing is sent twice, what was
paid never changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from saoma.food.kitchen import tickets as kitchen
from saoma.food.menus.menu import menu, menu_changed, set_sold_out
from saoma.food.model import Line, LineStatus, Menu, Tab
from saoma.food.orders import ordering
from saoma.food.orders.pricing import tab_total
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Conflict, Invalid, NotAllowed, Refused
from saoma.kit.money import Money
from tests.food.make import STORE, Payer, choices, dish, noodle_house_menu, open_tab, wake
from tests.machines import play

GUESTS = st.sampled_from(["guest_a", "guest_b", "guest_c"])
CODES = st.sampled_from(["beef", "plain", "tea"])
PAYMENTS = st.sampled_from([f"pay_{number}" for number in range(4)])


class Table(RuleBasedStateMachine):
    """One table of the noodle house against a model kept in plain dicts.

    `runner` and `db` are set from outside and shared by all examples."""

    runner: asyncio.Runner
    db: Database

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[str, str] = {}
        #: line id -> what the model knows of it
        self.basket: dict[str, tuple[str, int, int]] = {}
        self.sent: dict[str, tuple[int, int]] = {}
        self.struck: set[str] = set()
        self.holder: dict[str, str] = {}
        self.paid: dict[str, Line] = {}
        self.sold_out: set[str] = set()
        self.rounds = 0

    def do(self, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        """Work in one transaction."""

        async def in_transaction() -> Any:
            async with self.db.transaction() as tx:
                return await work(tx)

        return self.runner.run(in_transaction())

    def lines(self) -> dict[str, Line]:
        """The tab's lines."""
        return {line.id: line for line in self.do(lambda tx: ordering.lines(tx, self.tab.id))}

    @initialize()
    def sit_down(self) -> None:
        """A fresh table; every dish is there."""

        async def fresh() -> tuple[Menu, Tab]:
            await wake(self.db, 2)
            shown = await noodle_house_menu(self.db)
            return shown, await open_tab(self.db)

        self.menu, self.tab = self.runner.run(fresh())

    @rule(code=CODES, guest=GUESTS, quantity=st.integers(1, 3), large=st.booleans(), key=st.integers(0, 12))
    def add(self, code: str, guest: str, quantity: int, large: bool, key: int) -> None:  # noqa: FBT001
        """A guest adds a dish; few keys, so that requests come again and with other content."""
        name = f"key_{key}"
        content = repr((code, guest, quantity, large if code == "beef" else None))
        item = dish(self.menu, code)
        options = choices(item, "Large" if large else "Regular")

        def work(tx: Transaction) -> Awaitable[Line]:
            return ordering.add_line(tx, self.tab.id, item.id, options, quantity, guest, "", name)

        if name in self.keys:
            if self.keys[name] == content:
                before = self.lines()
                again = self.do(work)
                assert before.get(again.id, again) == again
            else:
                with pytest.raises(Conflict):
                    self.do(work)
            return
        if code in self.sold_out:
            with pytest.raises(ordering.SoldOut):
                self.do(work)
            return
        line = self.do(work)
        unit = self.price(code) + (150 if large and code == "beef" else 0)
        assert line.money == Money(unit * quantity, "USD")
        self.keys[name] = content
        self.basket[line.id] = (guest, unit, quantity)

    def price(self, code: str) -> int:
        """What the menu asks for the dish now."""
        return dish(self.do(lambda tx: menu(tx, STORE)), code).price

    @precondition(lambda self: self.basket)
    @rule(data=st.data(), quantity=st.integers(0, 4), guest=GUESTS)
    def change_quantity(self, data: st.DataObject, quantity: int, guest: str) -> None:
        """Somebody changes how many; only the own dishes obey."""
        line_id = data.draw(st.sampled_from(sorted(self.basket)))
        owner, unit, _ = self.basket[line_id]
        if owner != guest:
            with pytest.raises(NotAllowed):
                self.do(lambda tx: ordering.set_quantity(tx, line_id, quantity, guest))
            return
        line = self.do(lambda tx: ordering.set_quantity(tx, line_id, quantity, guest))
        if quantity == 0:
            assert line is None
            del self.basket[line_id]
        else:
            assert line.money == Money(unit * quantity, "USD")
            self.basket[line_id] = (owner, unit, quantity)

    @rule(guest=st.one_of(st.none(), GUESTS))
    def press_send(self, guest: str | None) -> None:
        """Somebody sends, two phones at once."""
        mine = {line_id for line_id, (owner, _, _) in self.basket.items() if guest in (None, owner)}

        async def both() -> list[list[Line] | BaseException]:
            press = [ordering.order(self.db, self.tab.id, "somebody", guest) for _ in range(2)]
            return await asyncio.gather(*press, return_exceptions=True)

        answers = self.runner.run(both())
        refusals = [answer for answer in answers if isinstance(answer, BaseException)]
        for refusal in refusals:
            if not isinstance(refusal, Refused):
                raise refusal
        sent = [line for answer in answers if not isinstance(answer, BaseException) for line in answer]
        assert len({line.id for line in sent}) == len(sent)
        if refusals:
            if all(isinstance(refusal, ordering.PriceChanged) for refusal in refusals):
                self.see_new_prices()
                if len(refusals) == 2:
                    assert not sent
                    return
            else:
                assert not sent
                return
        assert {line.id for line in sent} == mine
        if mine:
            self.rounds += 1
        for line in sent:
            _, unit, quantity = self.basket.pop(line.id)
            assert (line.round, line.unit_amount, line.quantity) == (self.rounds, unit, quantity)
            self.sent[line.id] = (unit, quantity)

    def see_new_prices(self) -> None:
        """The basket was requoted: the model believes the lines, whose price must be today's."""
        for line_id, line in self.lines().items():
            if line_id in self.basket:
                owner, _, quantity = self.basket[line_id]
                self.basket[line_id] = (owner, line.unit_amount, quantity)

    @rule(code=CODES, sold_out=st.booleans())
    def mark_sold_out(self, code: str, sold_out: bool) -> None:  # noqa: FBT001
        """The kitchen runs out, or has some again."""
        self.do(lambda tx: set_sold_out(tx, dish(self.menu, code).id, sold_out=sold_out))
        (self.sold_out.add if sold_out else self.sold_out.discard)(code)

    @rule(code=CODES, price=st.integers(100, 110))
    def change_price(self, code: str, price: int) -> None:
        """The owner changes a price during service."""

        async def work(tx: Transaction) -> None:
            values = {"id": dish(self.menu, code).id, "price": price}
            await tx.run("UPDATE menu_items SET price = %(price)s WHERE id = %(id)s", values)
            await menu_changed(tx, STORE, "edited")

        self.do(work)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), payment=PAYMENTS)
    def hold(self, data: st.DataObject, payment: str) -> None:
        """A payment opens on some dishes."""
        wanted = data.draw(st.lists(st.sampled_from(sorted(self.sent)), min_size=1, unique=True))
        free = all(line not in self.struck and self.holder.get(line, payment) == payment for line in wanted)
        if free:
            self.do(lambda tx: ordering.hold_lines(tx, Payer(payment), wanted))
            self.holder |= dict.fromkeys(wanted, payment)
        else:
            with pytest.raises(Conflict):
                self.do(lambda tx: ordering.hold_lines(tx, Payer(payment), wanted))

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), payment=PAYMENTS)
    def pay(self, data: st.DataObject, payment: str) -> None:
        """A payment succeeds, perhaps late, perhaps twice."""
        wanted = data.draw(st.lists(st.sampled_from(sorted(self.sent)), min_size=1, unique=True))
        covered = self.do(lambda tx: ordering.pay_lines(tx, Payer(payment), wanted))
        can = {line for line in wanted if line not in self.struck and self.holder.get(line, payment) == payment}
        assert set(covered) == can
        now = self.lines()
        for line_id in can:
            self.holder[line_id] = payment
            self.paid.setdefault(line_id, now[line_id])

    @rule(payment=PAYMENTS)
    def release(self, payment: str) -> None:
        """A payment fails or is cancelled."""
        self.do(lambda tx: ordering.release_lines(tx, Payer(payment)))
        for line_id, holder in list(self.holder.items()):
            if holder == payment and line_id not in self.paid:
                del self.holder[line_id]

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def strike(self, data: st.DataObject) -> None:
        """A waiter voids a dish; not one that somebody pays for."""
        line_id = data.draw(st.sampled_from(sorted(self.sent)))
        if line_id in self.holder:
            with pytest.raises(Conflict):
                self.do(lambda tx: ordering.void_line(tx, line_id, "waiter", "spilled"))
        else:
            self.do(lambda tx: ordering.void_line(tx, line_id, "waiter", "spilled"))
            self.struck.add(line_id)

    @precondition(lambda self: self.rounds)
    @rule(data=st.data(), seen=st.sampled_from(list(LineStatus)), back=st.booleans())
    def cook(self, data: st.DataObject, seen: LineStatus, back: bool) -> None:  # noqa: FBT001
        """The kitchen bumps or recalls a ticket in whatever state it believes it to be."""
        number = data.draw(st.integers(1, self.rounds))
        move = kitchen.recall if back else kitchen.bump
        try:
            self.do(lambda tx: move(tx, STORE, self.tab.id, number, seen))
        except Conflict:
            assert seen in (LineStatus.BASKET, LineStatus.VOID, LineStatus.SENT if back else LineStatus.SERVED)

    @precondition(lambda self: self.sent)
    @rule(reason=st.sampled_from(["", "  "]))
    def strike_without_a_reason(self, reason: str) -> None:
        """A void without a reason is refused."""
        line_id = min(self.sent)
        with pytest.raises(Invalid):
            self.do(lambda tx: ordering.void_line(tx, line_id, "waiter", reason))

    @invariant()
    def the_bill_is_the_sum_of_what_was_sent_and_not_struck(self) -> None:
        """Also: every line is where the model has it, and in one round only."""
        lines = self.lines()
        assert set(lines) == set(self.basket) | set(self.sent)
        due = sum(unit * quantity for line, (unit, quantity) in self.sent.items() if line not in self.struck)
        assert tab_total(lines.values(), "USD") == Money(due, "USD")
        for line_id in self.basket:
            assert lines[line_id].status is LineStatus.BASKET
        for line_id in self.sent:
            assert lines[line_id].ordered is (line_id not in self.struck)
            assert lines[line_id].paid_by == self.holder.get(line_id)

    @invariant()
    def what_was_paid_never_changes(self) -> None:
        """Only the kitchen may still move it."""
        lines = self.lines()
        for line_id, then in self.paid.items():
            now = lines[line_id]
            assert now.paid and now.ordered
            for name in ("amount", "quantity", "options", "name", "paid_by", "guest_id", "round"):
                assert getattr(now, name) == getattr(then, name)


def test_any_evening_at_a_table_adds_up(database_url: str) -> None:
    play(Table, database_url, examples=20, steps=30)
