"""The watch and the audit: what no single event shows is found within a minute, what breaks a rule by the night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from saoma.kit.clock import beijing
from saoma.kit.due import drive_due
from saoma.payments.audit import audited, faults
from saoma.payments.watch import SILENT_AFTER, Watch, beat, beats, chores, due_queues, next_night, workers_silent
from tests.payments.make import House, new_payment
from tests.payments.test_cases import rang


def watch(house: House, **changes: object) -> Watch:
    return Watch(house.db, house.clock, **changes)  # type: ignore[arg-type]


async def test_five_errors_of_alipay_within_a_minute_ring_and_four_do_not(house: House) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.payments.take(new_payment())
    eye = watch(house)
    house.alipay.fails("query", *["system_error_before"] * 4)
    for _ in range(4):
        await house.payments.drive(payment.id)
    assert await eye.look(house.clock.now(), None) == "all is well"
    house.alipay.fails("query", "silence_before")
    await house.payments.drive(payment.id)
    await eye.look(house.clock.now(), None)
    assert await rang(house) == {"gateway_trouble": 1}
    house.clock.advance(timedelta(minutes=2))
    await eye.look(house.clock.now(), None)
    assert (await rang(house))["gateway_trouble"] == 1


async def test_a_code_without_a_line_in_the_table_rings(house: House) -> None:
    house.alipay.buyer = "BRAND_NEW_CODE"
    await house.payments.take(new_payment())
    await watch(house, known=lambda code: code != "BRAND_NEW_CODE").look(house.clock.now(), None)
    assert await rang(house) == {"unknown_code": 1}


async def test_what_was_paid_and_never_notified_rings_after_an_hour(house: House) -> None:
    await house.payments.take(new_payment())
    eye = watch(house)
    house.clock.advance(timedelta(minutes=50))
    await eye.look(house.clock.now(), None)
    assert await rang(house) == {}
    house.clock.advance(timedelta(minutes=20))
    await eye.look(house.clock.now(), None)
    assert await rang(house) == {"never_notified": 1}


async def test_what_was_notified_does_not_ring(house: House) -> None:
    await house.payments.take(new_payment())
    await house.deliver()
    house.clock.advance(timedelta(hours=2))
    await watch(house).look(house.clock.now(), None)
    assert await rang(house) == {}


async def test_a_refund_that_is_pending_for_over_a_day_rings(house: House) -> None:
    payment = await house.payments.take(new_payment())
    await house.deliver()
    house.alipay.fails("refund", *["silence_before"] * 500)
    await house.payments.refund(payment.id, payment.money, "cold", "stf_ann", "r1")
    await house.play(25 * 3600)
    await watch(house).look(house.clock.now(), None)
    assert "refund_pending" in await rang(house)


async def test_work_that_is_due_and_left_rings_by_its_table(house: House) -> None:
    house.alipay.buyer = "thinks"
    await house.payments.take(new_payment())
    house.clock.advance(timedelta(minutes=5))
    await watch(house).look(house.clock.now(), None)
    assert await rang(house) == {"due_late": 1}
    async with house.db.reading() as rows:
        by_name = {queue.name: queue for queue in await due_queues(rows, ("payments", "refunds"), house.clock.now())}
    assert (by_name["payments"].due, by_name["refunds"].due) == (1, 0)


async def test_the_chores_come_due_again_by_themselves(house: House) -> None:
    eye = watch(house)
    assert await drive_due(house.db, eye.works(), house.clock) == 3
    assert await drive_due(house.db, eye.works(), house.clock) == 0
    house.clock.advance(timedelta(seconds=61))
    assert await drive_due(house.db, eye.works(), house.clock) == 1
    house.clock.advance(timedelta(days=1))
    assert await drive_due(house.db, eye.works(), house.clock) == 3
    async with house.db.reading() as rows:
        done = {chore.id: chore for chore in await chores(rows)}
    assert done["lines"].said == "all is well"
    assert done["audit"].said == "all is well" and done["audit"].due_at is not None
    assert beijing(done["audit"].due_at).strftime("%H:%M") == "03:30"


async def test_a_broken_rule_rings_and_is_named_with_its_rows(house: House) -> None:
    payment = await house.payments.take(new_payment())
    async with house.db.reading() as rows:
        await rows.run("UPDATE payments SET refund_reserved = 5, refunded = 5 WHERE id = %(id)s", {"id": payment.id})
    said = await watch(house).audit(house.clock.now(), None)
    assert said == "1 rules broken, 1 rows"
    async with house.db.reading() as rows:
        assert payment.id in str(await rows.value("SELECT text FROM alarms WHERE rule = 'audit_breach'"))


async def test_a_payment_that_needs_a_person_and_has_no_case_breaks_a_rule(house: House) -> None:
    from tests.payments.test_rulings import stuck

    payment_id = await stuck(house)
    assert await house.faults() == []
    async with house.db.reading() as rows:
        await rows.run("ALTER TABLE case_events DISABLE TRIGGER append_only")
        await rows.run("DELETE FROM case_events")
        await rows.run("DELETE FROM cases")
    assert [(fault.rule, fault.id) for fault in await house.faults()] == [
        ("what needs a person is somebody's case", payment_id)
    ]


async def test_the_audit_streams_every_row_and_takes_other_rooms_rules(house: House) -> None:
    many = {"no number is above nothing": "SELECT 'n' || n AS id, 'above' AS detail FROM generate_series(1, 2500) AS n"}
    counted = {}
    async with house.db.transaction() as tx:
        async for rule, found in audited(tx, house.clock.now(), many):
            counted[rule] = sum([1 async for _ in found])
    assert counted.pop("no number is above nothing") == 2500
    assert set(counted.values()) == {0} and len(counted) >= 15
    async with house.db.reading() as rows:
        assert len(await faults(rows, house.clock.now(), many)) == 100


async def test_workers_are_silent_only_after_everybody_had_time_to_speak(house: House) -> None:
    begun = house.clock.now()
    async with house.db.reading() as rows:
        assert not await workers_silent(rows, begun, begun)
        later = begun + SILENT_AFTER + timedelta(seconds=1)
        assert await workers_silent(rows, later, begun)
        await beat(rows, "worker-1", "worker", later)
        assert not await workers_silent(rows, later, begun)
        assert await workers_silent(rows, later + SILENT_AFTER + timedelta(seconds=1), begun)
        await beat(rows, "app-1", "app", later + timedelta(days=2))
        assert [each.process for each in await beats(rows)] == ["app-1"]


@given(st.integers(1_700_000_000, 1_900_000_000))
def test_the_next_night_is_within_a_day_and_never_now(seconds: int) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    assert now < next_night(now) <= now + timedelta(days=1)
