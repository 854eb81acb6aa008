"""Who comes to the two tables of an evening, what they order, what is taken off, and where they move.

The middle of a state machine; `test_evening_machine` adds money, the kitchen, and what must hold."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from saoma.food.kitchen import tickets as kitchen
from saoma.food.menus.drafts import MenuDraft
from saoma.food.model import Line
from saoma.food.orders import courses, discounts, ordering
from saoma.food.orders.discounts import Kind
from saoma.identity.roles import Role, discount_limit
from saoma.kit.db import Transaction
from saoma.kit.errors import Refused
from saoma.kit.ids import new_id
from saoma.marketing import coupons, points
from saoma.marketing.model import Mechanism, Offer
from saoma.restaurant import moving, sittings, striking
from saoma.restaurant.by_hand import Off, shares_of
from saoma.restaurant.coupons import enter_coupon, keep_points, use_points
from saoma.restaurant.model import Guest, Sitting
from saoma.restaurant.screens.till import free_lines
from tests.food import make as food
from tests.identity import make as identity
from tests.marketing.make import running_offer
from tests.restaurant.evening_requests import Requests
from tests.restaurant.make import ANNA, BEN, restaurant

TABLE = st.integers(0, 1)
#: Two people with a wallet, one whose phone Alipay does not know, and staff.
WHO = st.sampled_from([ANNA, BEN, "somebody", "staff"])
PAYS = st.sampled_from([ANNA, BEN])
DISHES = st.sampled_from(["beef", "plain", "tea"])
PICK = st.integers(0, 5)
KEY = st.integers(0, 3)


def card() -> MenuDraft:
    """The noodle house, where tea comes before noodles."""
    noodles, drinks = food.noodle_house().sections
    return MenuDraft(
        sections=(msgspec.structs.replace(noodles, course="main"), msgspec.structs.replace(drinks, course="starter"))
    )


class Evenings(Requests):
    """What guests and staff do at the tables."""

    @initialize(firing=st.sampled_from(["automatic", "person"]))
    def opens(self, firing: str) -> None:
        """A restaurant of its own with three offers and points; its Alipay is empty."""

        async def fresh() -> None:
            if not type(self).awake:
                await food.wake(self.db, 2)
                type(self).awake = True
            of = self.house = await restaurant(
                self.db, self.clock, tables=2, draft=card(), listeners=(points.Collected(self.clock),)
            )
            self.boss = await identity.staff(self.db, of.shop, Role.OWNER)
            self.cashier = await identity.staff(self.db, of.shop, Role.CASHIER)
            self.offers: list[Offer] = [
                await running_offer(of, Mechanism.PERCENT, percent=15, budget=400, name="Noodle day"),
                await running_offer(of, Mechanism.BUY_GET, buy=2, name="Third one free", most_per_bill=500),
                await running_offer(
                    of,
                    Mechanism.SPEND_SAVE,
                    threshold=1500,
                    amount=300,
                    budget=300,
                    needs_coupon=True,
                    name="Voucher",
                ),
            ]
            async with self.db.transaction() as tx:
                await points.set_rule(tx, of.store_id, points.Rule(basis_points=1000, days=30, running=True))
                batch = await coupons.make_batch(tx, of.store_id, self.offers[2].id, 1, self.clock.now())
                self.code = (await coupons.codes(tx, self.offers[2].id, batch))[0].code
                await tx.run(
                    "UPDATE menus SET firing = %(firing)s WHERE store_id = %(store)s",
                    {"firing": firing, "store": of.store_id},
                )
                await tx.run(
                    "WITH lot AS (INSERT INTO points_earned (id, store_id, buyer_id, payment_id, points, remaining, at,"
                    " expires_at) VALUES (%(id)s, %(store)s, %(buyer)s, %(id)s, 200, 200, %(now)s, %(now)s"
                    " + interval '30 days') RETURNING id) INSERT INTO points_moves (id, earned_id, kind, points, at)"
                    " SELECT %(id)s, id, 'earned', 200, %(now)s FROM lot",
                    {"id": new_id("pts"), "store": of.store_id, "buyer": ANNA, "now": self.clock.now()},
                )

        self.runner.run(fresh())
        for table, who, code in ((0, ANNA, "beef"), (0, BEN, "tea"), (0, BEN, "plain"), (1, "somebody", "plain")):
            self.orders_at(table, who, code, 1 + table, "first", sends=True)

    # -- ordering ------------------------------------------------------------------------------------------------

    @rule(
        table=TABLE, who=WHO, code=DISHES, quantity=st.integers(1, 3), large=st.booleans(), key=KEY, sends=st.booleans()
    )
    def orders(
        self,
        table: int,
        who: str,
        code: str,
        quantity: int,
        large: bool,  # noqa: FBT001
        key: int,
        sends: bool,  # noqa: FBT001
    ) -> None:
        """Somebody scans and chooses a dish, twice at once; perhaps they send it at once."""
        self.orders_at(table, who, code, quantity, str(key), large=large, sends=sends)

    def orders_at(
        self, table: int, who: str, code: str, quantity: int, key: str, *, large: bool = False, sends: bool = False
    ) -> None:
        """The requests of an order."""
        of = self.house
        found = self.run(self.sits(table, who))
        if isinstance(found, Refused):
            return
        sitting, guest = found
        item = of.dish(code)
        options = food.choices(item, "Large" if large else "Regular")
        name = f"{who} {code} {quantity} {large} {key}"

        async def chosen() -> None:
            async with self.db.transaction() as tx:
                await sittings.take_more(tx, sitting.id, self.clock.now())
                whose = guest.id if guest else ""
                await ordering.add_line(tx, sitting.tab_id, item.id, options, quantity, whose, "", name)

        self.at_once(chosen)
        if sends:
            self.send(sitting, guest)

    def send(self, sitting: Sitting, guest: Guest | None) -> None:
        """A press of send on two phones at once, as the phone and the waiter's pad do it."""

        async def pressed() -> list[Any]:
            async with self.db.transaction() as tx:
                await sittings.take_more(tx, sitting.id, self.clock.now())
            whose = guest.id if guest else None
            lines = await ordering.order(self.db, sitting.tab_id, "somebody", whose)
            async with self.db.transaction() as tx:
                await sittings.reckon(tx, await sittings.lock(tx, sitting.id), self.clock.now())
            return lines

        def noted(answers: list[Any]) -> None:
            for line in [line for answer in answers for line in answer]:
                assert line.id not in self.sent, "a dish was sent twice"
                self.sent[line.id] = (line.unit_amount, line.quantity)

        self.at_once(pressed, then=noted)

    @rule(table=TABLE, who=WHO)
    def sends(self, table: int, who: str) -> None:
        """Send what waits."""
        guest = self.guests.get((table, who))
        sitting = self.run(self.sitting_of(guest)) if guest else self.open_bill(table)
        if sitting is not None:
            self.send(sitting, guest)

    @rule(table=TABLE, which=PICK, quantity=st.integers(0, 4))
    def changes_mind(self, table: int, which: int, quantity: int) -> None:
        """How many of a dish in the basket."""
        sitting = self.open_bill(table)
        if sitting is None:
            return
        waiting = [line for line in self.seen().lines if line.tab_id == sitting.tab_id and line.status == "basket"]
        if waiting:
            line = waiting[which % len(waiting)]
            self.at_once(self.within(lambda tx: ordering.set_quantity(tx, line.id, quantity, line.guest_id)))

    @rule(which=PICK, pieces=st.integers(1, 3), key=KEY)
    def strikes(self, which: int, pieces: int, key: int) -> None:
        """The till strikes pieces of a dish, pressed twice."""
        here = [line for line in self.seen().lines if line.ordered]
        if here:
            self.strike(here[which % len(here)], pieces, key)

    def strike(self, line: Line, pieces: int, key: int) -> None:
        """Strike it, pressed twice."""

        async def struck(tx: Transaction) -> Any:
            found = await tx.value("SELECT id FROM sittings WHERE tab_id = %(tab)s", {"tab": line.tab_id})
            held = await sittings.lock(tx, found)
            wanted = {line.id: pieces}
            done = await striking.strike(tx, held, wanted, self.boss.id, "spilled", f"strike {key}", self.clock.now())
            return done[0].line

        def noted(answers: list[Any]) -> None:
            for one in {one.id: one for one in answers}.values():
                unit, quantity = self.sent[line.id]
                if one.id == line.id:
                    self.sent[line.id] = (unit, 0)
                elif one.id not in self.sent:
                    self.sent[line.id] = (unit, quantity - one.quantity)
                    self.sent[one.id] = (unit, 0)

        self.at_once(self.within(struck), then=noted)

    # -- what is taken off ---------------------------------------------------------------------------------------

    @rule(table=TABLE, by_boss=st.booleans(), percent=st.sampled_from([10, 33, 100]), key=KEY)
    def gives_a_discount(self, table: int, by_boss: bool, percent: int, key: int) -> None:  # noqa: FBT001
        """Staff take something off by hand, pressed twice."""
        sitting, who = self.open_bill(table), self.boss if by_boss else self.cashier
        if sitting is None:
            return

        async def given(tx: Transaction) -> None:
            held = await sittings.lock(tx, sitting.id)
            before = await discounts.discounts_of(tx, held.tab_id)
            name = f"{who.id}:{key}"
            if any(one.key == name for one in before):
                return
            meal = await sittings.meal(tx, held)
            free = free_lines(meal)
            lines = [line for line in meal.ordered if line.id in free]
            limit = discount_limit(who.roles, held.currency)
            shares = shares_of(Off.PERCENT, str(percent), lines, meal.bill.left, limit, before)
            await discounts.put(
                tx,
                held.tab_id,
                kind=Kind.MANUAL,
                shares=shares,
                name=f"{percent}%",
                why="late",
                by=who.id,
                key=name,
            )
            await sittings.reckon(tx, held, self.clock.now())

        self.at_once(self.within(given))

    @rule(table=TABLE, which=PICK)
    def withdraws_a_discount(self, table: int, which: int) -> None:
        """Staff think better of it."""
        sitting = self.open_bill(table)
        if sitting is None:
            return

        async def withdrawn(tx: Transaction) -> None:
            held = await sittings.lock(tx, sitting.id)
            by_hand = [one for one in await discounts.discounts_of(tx, held.tab_id) if one.kind is Kind.MANUAL]
            if by_hand and await discounts.take_off(tx, held.tab_id, by_hand[which % len(by_hand)].id):
                await sittings.reckon(tx, held, self.clock.now())

        self.run(self.within(withdrawn)())

    @rule()
    def enters_the_coupon(self) -> None:
        """There is one code, and both tables enter it at once."""
        sitting = [one for one in (self.open_bill(0), self.open_bill(1)) if one is not None]
        if not sitting:
            return
        which = itertools.cycle(sitting)
        self.at_once(
            self.within(lambda tx: enter_coupon(tx, next(which).id, self.code, self.clock.now())), 2 * len(sitting)
        )

    @rule(table=TABLE, who=PAYS, keep=st.sampled_from([False, False, True]))
    def spends_points(self, table: int, who: str, keep: bool) -> None:  # noqa: FBT001
        """A member uses their points, or takes them back."""
        sitting, how = self.open_bill(table), keep_points if keep else use_points
        if sitting is not None:
            self.at_once(self.within(lambda tx: how(tx, sitting.id, who, self.clock.now())))

    @rule(which=st.integers(0, 1), runs=st.booleans())
    def the_owner_changes_an_offer(self, which: int, runs: bool) -> None:  # noqa: FBT001
        """Paused, or running again."""
        status, offer = "running" if runs else "paused", self.offers[which]
        self.run(
            self.within(
                lambda tx: tx.run(
                    "UPDATE offers SET status = %(status)s WHERE id = %(id)s", {"status": status, "id": offer.id}
                )
            )()
        )

    # -- the kitchen ---------------------------------------------------------------------------------------------

    @rule(which=PICK, how=st.sampled_from(["bump", "bump", "recall", "line", "serve", "fire", "hold"]))
    def cooks(self, which: int, how: str) -> None:
        """A ticket goes on or back, pressed on two screens; a course is fired or kept back."""
        store, here = self.house.store_id, [line for line in self.seen().lines if line.ordered]
        if not here:
            return
        line = here[which % len(here)]
        number, seen, course = line.round or 0, line.status, courses.Course(line.course)

        async def pressed(tx: Transaction) -> Any:
            match how:
                case "bump":
                    return await kitchen.bump(tx, store, line.tab_id, number, seen)
                case "recall":
                    return await kitchen.recall(tx, store, line.tab_id, number, seen)
                case "line":
                    return await kitchen.bump_line(tx, store, line.id, seen)
                case "serve":
                    return await kitchen.serve_course(tx, store, line.tab_id, course)
                case "fire":
                    return await courses.fire(tx, store, line.tab_id, course)
                case _:
                    return await courses.hold(tx, store, line.tab_id, course)

        self.at_once(self.within(pressed))

    # -- tables --------------------------------------------------------------------------------------------------

    @rule(table=TABLE, joins=st.booleans())
    def moves(self, table: int, joins: bool) -> None:  # noqa: FBT001
        """A party goes to the other table, or the two bills are put together; pressed twice."""
        of, source, target = self.house, self.open_bill(table), self.open_bill(1 - table)
        if source is None:
            return

        async def moved(tx: Transaction) -> None:
            if joins and target is not None:
                await moving.merge(tx, of.store_id, source.id, target.id, self.clock.now(), by=self.boss.id)
            else:
                await moving.move(tx, of.store_id, source.id, of.tables[1 - table].id)

        self.at_once(self.within(moved))

    @rule(table=TABLE)
    def closes(self, table: int) -> None:
        """Staff end a sitting."""
        sitting = self.open_bill(table)
        if sitting is not None:
            self.at_once(self.within(lambda tx: sittings.close(tx, sitting.id, self.clock.now(), by="staff")))
