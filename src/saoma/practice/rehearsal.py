"""A lesson as it is played: it is set up on the real till, looked at, and answered; the decisions are in `judging`.

Nothing here tells the till what to show: the sandbox behind the account makes what happens happen."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from saoma.checkout.checkout import Checkout
from saoma.food.menus.menu import menu
from saoma.food.orders import ordering
from saoma.gateway import is_practice
from saoma.identity.model import Staff
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction, json_column
from saoma.kit.errors import Conflict, Invalid
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.practice.judging import Act, Attempt, GivenBack, Outcome, Reply, Seen, Verdict, What, judge, reply
from saoma.practice.model import Run, currency_at, run_at, run_of
from saoma.practice.place import Place, one_by_one, settle_in
from saoma.practice.script import Lesson
from saoma.restaurant import sittings
from saoma.restaurant.bill import Whole
from saoma.restaurant.shares import KIND, part_of
from saoma.restaurant.tables import add_table, tables

ANOTHER_CODE: Final = (
    "This is practice, and that is not the practice customer's code: nothing was charged. To serve a real customer, go "
    "back to work first."
)
#: Who agrees to refunds that wait for a second person here.
SECOND_PERSON: Final = "practice:manager"


@dataclass(frozen=True, slots=True)
class Scene:
    """A run, what was seen of it, and how it stands."""

    run: Run
    seen: Seen
    verdict: Verdict

    @property
    def lesson(self) -> Lesson:
        """The lesson that is played."""
        return self.run.script


class Customers:
    """The practice customers. Implements `checkout.Rehearsal`."""

    async def admit(self, rows: Rows, store_id: str, digits: str) -> None:
        """Pass if the code is on the customer's phone now. Raises `Invalid` for any other."""
        run = await run_at(rows, store_id)
        if run is None or not run.code or digits != run.code:
            raise Invalid(ANOTHER_CODE)


# -- beginning -------------------------------------------------------------------------------------------------------


async def begin(db: Database, clock: Clock, checkout: Checkout, person: Staff, lesson: Lesson) -> Run:
    """Set a lesson up in a store of the person's own. What an earlier try left is forgotten. Raises `NotAllowed`."""
    async with db.transaction() as tx:
        await one_by_one(tx, person.merchant_id)
        before = await run_of(tx, person.id)
        if before is not None:
            await _clear(tx, before, clock.now())
        place = await settle_in(tx, person)
        opened = [await _bill(tx, place, number, codes, clock.now()) for number, codes in enumerate(lesson.bills, 1)]
        run = Run(
            staff_id=person.id,
            double_id=place.double.id,
            store_id=place.store.id,
            lesson=lesson.key,
            sittings=opened,
            stems=[f"28{secrets.randbelow(10**14):014d}" for _ in lesson.phones],
            acts=[],
            outcome=Outcome.GOING,
            began_at=clock.now(),
        )
        await _write(tx, run)
        await tx.run(
            """INSERT INTO practice_lessons (staff_id, lesson, tries, last_at) VALUES (%(id)s, %(lesson)s, 1, %(now)s)
               ON CONFLICT (staff_id, lesson) DO UPDATE SET
                   tries = practice_lessons.tries + 1, last_at = excluded.last_at""",
            {"id": person.id, "lesson": lesson.key, "now": clock.now()},
        )
    if lesson.gives_back:
        for sitting_id in opened:
            await _paid_before(db, checkout, place, run, sitting_id)
    return run


async def _bill(tx: Transaction, place: Place, number: int, codes: tuple[str, ...], now: datetime) -> str:
    known = next((one for one in await tables(tx, place.store.id) if one.name == str(number) and not one.area), None)
    table = known or await add_table(tx, place.store.id, str(number), now)
    sitting = await sittings.open_for_staff(tx, place.store.id, table.id, now)
    offered = {item.code: item for section in (await menu(tx, place.store.id)).sections for item in section.items}
    for code in codes:
        await ordering.add_line(tx, sitting.tab_id, offered[code].id, [], 1, "", "", f"lesson {code}")
    await ordering.send(tx, sitting.tab_id, place.double.id)
    await sittings.reckon(tx, await sittings.lock(tx, sitting.id), now)
    return sitting.id


async def _paid_before(db: Database, checkout: Checkout, place: Place, run: Run, sitting_id: str) -> None:
    """The guests of a table have paid before the lesson begins: through the same till as ever."""
    async with db.reading() as rows:
        bill = await sittings.bill_of(rows, await sittings.sitting(rows, sitting_id))
    portion = bill.portion(Whole())
    payment = await checkout.pay_by_barcode(
        place.store.id,
        "",
        place.double,
        portion.amount,
        "Practice",
        KIND,
        sitting_id,
        part_of(Whole(), portion),
        run.code,
        f"lesson {sitting_id}",
    )
    if payment.status is not Status.SUCCEEDED:
        raise Conflict("The practice sandbox is not ready. Try once more.")


async def _clear(tx: Transaction, run: Run, now: datetime) -> None:
    """Strike what an earlier try left unpaid, so that nobody looks after it. What is being paid ends by itself."""
    for sitting_id in run.sittings:
        sitting = await sittings.lock(tx, sitting_id)
        if not sitting.is_open or (await sittings.bill_of(tx, sitting)).held:
            continue
        with contextlib.suppress(Conflict):
            for line in await ordering.lines(tx, sitting.tab_id):
                if line.paid_by is None and line.ordered:
                    await ordering.void_line(tx, line.id, run.double_id, "the lesson is over")
            await sittings.close(tx, sitting_id, now, by="practice")


async def _write(tx: Transaction, run: Run) -> None:
    values = msgspec.structs.asdict(run) | {"acts": json_column(msgspec.to_builtins(run.acts))}
    columns = ", ".join(values)
    await tx.run(
        f"""INSERT INTO practice_runs ({columns}) VALUES ({", ".join(f"%({name})s" for name in values)})
            ON CONFLICT (staff_id) DO UPDATE SET ({columns}) = ({", ".join(f"excluded.{n}" for n in values)})""",  # noqa: S608
        values | {"outcome": run.outcome.value},
    )


# -- looking ---------------------------------------------------------------------------------------------------------


class _Row(msgspec.Struct, frozen=True):
    payable_id: str
    status: str
    amount: int
    created_at: datetime


async def _seen(rows: Rows, run: Run) -> Seen:
    values = {"kind": KIND, "ids": run.sittings}
    attempts = await rows.rows(
        _Row,
        """SELECT payable_id, status, amount, created_at FROM payments
           WHERE payable_kind = %(kind)s AND payable_id = ANY(%(ids)s) ORDER BY created_at, id""",
        values,
    )
    refunds = await rows.rows(
        _Row,
        """SELECT p.payable_id, r.status, r.amount, r.created_at FROM refunds AS r JOIN payments AS p
           ON p.id = r.payment_id WHERE p.payable_kind = %(kind)s AND p.payable_id = ANY(%(ids)s)
           ORDER BY r.created_at, r.id""",
        values,
    )
    place = run.sittings.index
    return Seen(
        tuple(Attempt(place(one.payable_id), Status(one.status), one.amount, one.created_at) for one in attempts),
        tuple(GivenBack(place(one.payable_id), RefundStatus(one.status), one.amount) for one in refunds),
        tuple(run.acts),
        await currency_at(rows, run.store_id),
    )


async def look(db: Database, clock: Clock, run: Run) -> Scene:
    """How the lesson stands now; a lesson that has just ended is written down, once."""
    async with db.reading() as rows:
        scene = await _scene(rows, run)
    if scene.verdict.outcome is run.outcome:
        return scene
    async with db.transaction() as tx:
        kept = await _locked(tx, run)
        if kept is None:
            return scene
        scene = await _scene(tx, kept)
        await _conclude(tx, scene, clock.now())
    return scene


async def _scene(rows: Rows, run: Run) -> Scene:
    seen = await _seen(rows, run)
    if run.outcome is not Outcome.GOING:
        # What was passed stays passed, whatever is done afterwards.
        return Scene(run, seen, Verdict(judge(run.script, seen).stage, run.outcome, judge(run.script, seen).why))
    return Scene(run, seen, judge(run.script, seen))


async def _locked(tx: Transaction, run: Run) -> Run | None:
    await tx.run("SELECT staff_id FROM practice_runs WHERE staff_id = %(id)s FOR UPDATE", {"id": run.staff_id})
    now = await run_of(tx, run.staff_id)
    return now if now is not None and now.began_at == run.began_at else None


async def _conclude(tx: Transaction, scene: Scene, now: datetime) -> None:
    run, outcome = scene.run, scene.verdict.outcome
    if outcome is run.outcome:
        return
    await tx.run(
        "UPDATE practice_runs SET outcome = %(outcome)s WHERE staff_id = %(id)s",
        {"outcome": outcome.value, "id": run.staff_id},
    )
    if outcome is Outcome.PASSED:
        await tx.run(
            """UPDATE practice_lessons SET passed_at = coalesce(passed_at, %(now)s), last_at = %(now)s
               WHERE staff_id = %(id)s AND lesson = %(lesson)s""",
            {"now": now, "id": run.staff_id, "lesson": run.lesson},
        )


async def act(db: Database, clock: Clock, run: Run, what: What, word: str = "") -> tuple[Scene, Reply]:
    """Note what the cashier does beside the till, with the coach's answer; after the lesson's end nothing is noted."""
    async with db.transaction() as tx:
        kept = await _locked(tx, run)
        if kept is None:
            raise Conflict("This lesson was begun anew meanwhile.")
        scene = await _scene(tx, kept)
        if scene.verdict.outcome is not Outcome.GOING:
            return scene, Reply(right=True)
        answer = reply(kept.script, scene.seen, what, word)
        done = Act(
            what=what,
            word=word,
            stage=scene.verdict.stage,
            right=answer.right,
            reply=answer.text,
            fatal=answer.fatal,
            at=clock.now(),
        )
        kept = msgspec.structs.replace(kept, acts=[*kept.acts[-49:], done])
        await _write(tx, kept)
        scene = await _scene(tx, kept)
        await _conclude(tx, scene, clock.now())
    return scene, answer


# -- the second person -----------------------------------------------------------------------------------------------


async def agree(db: Database, checkout: Checkout, run: Run) -> bool:
    """Be the manager who agrees to the cashier's refund, if it is the right one; whether there was one to agree to."""
    async with db.reading() as rows:
        if not run.script.gives_back or judge(run.script, await _seen(rows, run)).outcome is not Outcome.GOING:
            return False
        waiting = await rows.value(
            """SELECT r.id FROM refunds AS r JOIN payments AS p ON p.id = r.payment_id
               WHERE p.payable_id = ANY(%(ids)s) AND r.status = 'requested' AND starts_with(r.merchant_id, 'mpr_')
               LIMIT 1""",
            {"ids": run.sittings},
        )
    if not isinstance(waiting, str):
        return False
    with contextlib.suppress(Conflict):
        await checkout.payments.approve_refund(waiting, SECOND_PERSON)
    return True


async def forget(tx: Transaction, person: Staff) -> None:
    """Begin all lessons anew: what this person passed is taken off."""
    await tx.run("DELETE FROM practice_lessons WHERE staff_id = %(id)s", {"id": person.id})
    await tx.run(
        "UPDATE practice_runs SET outcome = 'again' WHERE staff_id = %(id)s AND outcome = 'going'", {"id": person.id}
    )


def in_practice(staff: Staff) -> bool:
    """Whether this is somebody's double."""
    return is_practice(staff.merchant_id)
