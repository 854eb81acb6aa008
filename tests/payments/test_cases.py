"""Cases: each kind of trouble becomes one, is ruled upon once, by two people where much money moves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.money import Money
from saoma.payments.cases import (
    MOVES,
    MOVES_MONEY,
    Case,
    CaseEvent,
    CaseFilter,
    CaseStatus,
    Kind,
    Move,
    allowed,
    cases,
    cases_of,
    close_case,
    needs_two,
    open_case,
    steps,
    verdict,
)
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.ruling import Rulings
from tests.payments.make import ACCOUNT, MERCHANT, House, new_payment
from tests.payments.test_rulings import stuck


async def all_cases(house: House, status: str = "waiting") -> list[Case]:
    async with house.db.reading() as rows:
        return await cases(rows, CaseFilter(status=status))


async def rang(house: House) -> dict[str, int]:
    """Which rules ring, and how often each was seen."""
    async with house.db.reading() as rows:
        cursor = await rows.connection.execute("SELECT rule, times FROM alarms")
        return {row["rule"]: row["times"] for row in await cursor.fetchall()}


async def one_case(db: Database, **changes: object) -> Case:
    wish: dict[str, object] = {
        "merchant_id": MERCHANT,
        "kind": Kind.ONLY_THEIRS,
        "subject_kind": "line",
        "subject_id": "line_1",
        "title": "Alipay's file has a trade that we do not",
        "at_risk": Money(1250, "USD"),
        "proposed": "dealt_with",
        "detail": {"trade": "2026"},
        "key": "recon:1",
    }
    async with db.transaction() as tx:
        return await open_case(tx, **(wish | changes))  # type: ignore[arg-type]


async def test_a_payment_that_needs_a_person_opens_its_case_and_rings_at_once(house: House) -> None:
    payment_id = await stuck(house)
    (found,) = await all_cases(house)
    assert (found.kind, found.subject_id, found.money) == (Kind.PAYMENT_STUCK, payment_id, Money(1250, "USD"))
    assert found.merchant_id == MERCHANT and found.proposed == "refund"
    assert await rang(house) == {"retries_exhausted": 1}
    assert await house.faults() == []


async def test_a_payment_that_goes_well_leaves_no_case_and_no_alarm(house: House) -> None:
    await house.payments.take(new_payment())
    await house.deliver()
    assert await all_cases(house, "all") == [] and await rang(house) == {}


async def test_a_case_is_ruled_once_and_its_payment_with_it(house: House) -> None:
    payment_id = await stuck(house)
    (found,) = await all_cases(house)
    rulings = Rulings(house.payments, above=500)
    ruled = await rulings.rule(found.id, Move.PAID, "stf_owner", "seen on the statement")
    assert (ruled.status, ruled.move, ruled.moved_by) == (CaseStatus.CLOSED, "paid", "stf_owner")
    assert (await house.payments.get(payment_id)).status is Status.SUCCEEDED
    assert (await house.payments.story(payment_id))[-1].said_by == "stf_owner: seen on the statement"
    with pytest.raises(Conflict):
        await rulings.rule(found.id, Move.REFUND, "stf_owner", "again")
    assert await house.sales() == 1250
    assert await house.faults() == []


async def test_above_the_set_amount_the_first_ruling_is_only_a_proposal(house: House) -> None:
    payment_id = await stuck(house)
    (found,) = await all_cases(house)
    rulings = Rulings(house.payments, above=12)
    first = await rulings.rule(found.id, Move.REFUND, "stf_ann", "the guest had left")
    assert first.status is CaseStatus.PROPOSED
    assert (await house.payments.get(payment_id)).status is Status.NEEDS_ATTENTION
    with pytest.raises(Conflict, match="second person"):
        await rulings.rule(found.id, Move.REFUND, "stf_ann", "me again")
    with pytest.raises(Conflict, match="Another move"):
        await rulings.rule(found.id, Move.PAID, "stf_bob", "I think it was paid")
    assert house.alipay.count("refund") == 0
    done = await rulings.rule(found.id, Move.REFUND, "stf_bob", "checked the receipt")
    assert (done.status, done.moved_by, done.confirmed_by) == (CaseStatus.CLOSED, "stf_ann", "stf_bob")
    payment = await house.payments.get(payment_id)
    assert (payment.status, payment.refunded) == (Status.SUCCEEDED, 1250)
    async with house.db.reading() as rows:
        said = [step.what for step in await steps(rows, found.id)]
    assert said == ["opened", "proposed", "confirmed"]
    assert await house.faults() == []


async def test_a_proposal_can_be_sent_back_and_another_made(house: House) -> None:
    await stuck(house)
    (found,) = await all_cases(house)
    rulings = Rulings(house.payments, above=12)
    await rulings.rule(found.id, Move.REFUND, "stf_ann", "the guest had left")
    back = await rulings.send_back(found.id, "stf_bob", "the guest is still here")
    assert (back.status, back.move) == (CaseStatus.OPEN, "")
    await rulings.rule(found.id, Move.UNPAID, "stf_bob", "not on the statement")
    closed = await rulings.rule(found.id, Move.UNPAID, "stf_ann", "agreed")
    assert closed.confirmed_by == "stf_ann"


async def test_a_ruling_without_a_reason_is_refused_and_changes_nothing(house: House) -> None:
    await stuck(house)
    (found,) = await all_cases(house)
    with pytest.raises(Invalid):
        await Rulings(house.payments, above=500).rule(found.id, Move.PAID, "stf_owner", "  ")
    assert (await all_cases(house)) == [found]


async def test_a_ruling_of_the_payment_itself_closes_its_case(house: House) -> None:
    from saoma.payments.happenings import Ruling

    payment_id = await stuck(house)
    await house.payments.rule(payment_id, Ruling.UNPAID, "stf_owner", "not on the statement")
    assert await all_cases(house) == []
    assert (await all_cases(house, "closed"))[0].move == "unpaid"


async def test_late_money_is_a_case_of_its_own_kind(house: House) -> None:
    house.alipay.buyer = "FAIL_BUYER"
    payment = await house.payments.take(new_payment())
    assert payment.status is Status.FAILED
    house.alipay.outbox.append(
        {
            "sign": "good",
            "notice_id": "late",
            "order_number": payment.order_number,
            "trade_number": "2026000000000000000000000001",
            "state": "paid",
            "amount": "12.50",
            "refund_number": "",
        }
    )
    await house.deliver()
    (found,) = await all_cases(house)
    assert (found.kind, found.proposed) == (Kind.LATE_MONEY, "refund")
    assert await rang(house) == {"late_money": 1}


async def test_a_refund_nobody_answers_for_becomes_a_case_that_a_person_closes(house: House) -> None:
    payment = await house.payments.take(new_payment())
    house.alipay.fails("refund", *["silence_before"] * 500)
    refund = await house.payments.refund(payment.id, payment.money, "cold", "stf_ann", "r1")
    await house.play(40 * 3600)
    (found,) = await all_cases(house)
    assert (found.kind, found.subject_id) == (Kind.REFUND_STUCK, refund.id)
    await Rulings(house.payments, above=500).rule(found.id, Move.NOT_REFUNDED, "stf_owner", "Alipay says no")
    (after,) = await house.payments.refunds_of(payment.id)
    assert after.status is RefundStatus.FAILED
    assert (await house.payments.get(payment.id)).refund_reserved == 0
    assert await house.faults() == []


async def test_the_same_key_is_the_same_case_and_a_closed_one_stays_closed(database: Database) -> None:
    first = await one_case(database)
    again = await one_case(database, at_risk=Money(1300, "USD"))
    assert (again.id, again.times, again.money) == (first.id, 2, Money(1300, "USD"))
    async with database.transaction() as tx:
        await close_case(tx, first.id, "stf_ann", "explained", "booked the day after")
    third = await one_case(database, title="something else")
    assert third.closed and third.title == first.title and third.times == 3


async def test_cases_are_paged_by_how_long_they_wait(database: Database, house: House) -> None:
    made = []
    for number in range(5):
        now = house.clock.advance(timedelta(minutes=1))
        made.append((await one_case(database, key=f"recon:{number}", subject_id=str(number), now=now)).id)
    async with database.reading() as rows:
        first = await cases(rows, CaseFilter(merchant_id=MERCHANT), limit=3)
        rest = await cases(rows, CaseFilter(merchant_id=MERCHANT), cursor=first[-1].id, limit=3)
        others = await cases(rows, CaseFilter(merchant_id="mer_other"))
        assert len(await cases_of(rows, "line", "3")) == 1
    assert [each.id for each in [*first, *rest]] == made and others == []


async def test_forged_messages_ring_when_they_come_in_a_burst(house: House) -> None:
    async def forged(number: int) -> None:
        await house.payments.notified(ACCOUNT, {"sign": "bad", "why": "signature", "n": str(number)})

    await forged(1)
    await forged(2)
    assert await rang(house) == {} and await all_cases(house) == []
    await forged(3)
    assert await rang(house) == {"bad_signatures": 1}
    await forged(4)
    assert await rang(house) == {"bad_signatures": 2}
    (found,) = await all_cases(house)
    assert found.kind == Kind.BAD_SIGNATURE_BURST and found.times == 2


async def test_a_genuine_message_about_nothing_of_ours_is_a_case_at_once(house: House) -> None:
    payment = await house.payments.take(new_payment())
    await house.deliver(order_number="SM_NOBODYS")
    (found,) = await all_cases(house)
    assert found.kind == Kind.UNMATCHED_NOTICE and found.detail["order_number"] == "SM_NOBODYS"
    assert payment.id not in found.subject_id
    assert await rang(house) == {"unknown_notice": 1}


kinds = st.sampled_from(list(Kind))
moves = st.sampled_from(list(Move))


def sample(kind: Kind, minor: int, status: CaseStatus, *, move: str = "", by: str = "") -> Case:
    from datetime import UTC, datetime

    now = datetime(2026, 3, 2, tzinfo=UTC)
    return Case(
        id="cas_1",
        merchant_id=MERCHANT,
        kind=kind.value,
        subject_kind="payment",
        subject_id="pay_1",
        title="",
        at_risk=minor,
        currency="USD",
        proposed="",
        detail={},
        key="k",
        status=status,
        times=1,
        opened_at=now,
        changed_at=now,
        move=move,
        moved_by=by,
        moved_at=None,
        reason="",
        confirmed_by="",
        closed_at=None,
    )


@given(kind=kinds, move=moves, minor=st.integers(0, 10**9), above=st.integers(0, 10**6))
def test_nobody_moves_more_than_the_set_amount_alone(kind: Kind, move: Move, minor: int, above: int) -> None:
    case = sample(kind, minor, CaseStatus.OPEN)
    if move not in MOVES[kind]:
        with pytest.raises(Conflict):
            verdict(case, move, "ann", "because", above)
        return
    decided = verdict(case, move, "ann", "because", above)
    assert decided.act == (not needs_two(case, move, above))
    if decided.act:
        assert move not in MOVES_MONEY or minor <= above * 100
    else:
        assert decided.event is CaseEvent.PROPOSED
        proposed = sample(kind, minor, CaseStatus.PROPOSED, move=move.value, by="ann")
        with pytest.raises(Conflict):
            verdict(proposed, move, "ann", "because", above)
        assert verdict(proposed, move, "bob", "because", above).act


@given(kind=kinds)
def test_a_closed_case_allows_nothing_and_an_open_one_something(kind: Kind) -> None:
    assert allowed(sample(kind, 1, CaseStatus.CLOSED)) == ()
    assert allowed(sample(kind, 1, CaseStatus.OPEN))
