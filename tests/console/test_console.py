"""The console's screens: who sees what, what buttons do, how many questions a page asks, both languages."""

from __future__ import annotations

import re

import pytest

from saoma.console import scope, words
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.i18n import LANGUAGES, texts
from saoma.kit.money import Money
from saoma.payments.alarms import raise_alarm
from saoma.payments.cases import Kind, Move
from saoma.payments.happenings import Door
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.watch import beat
from tests.console.make import Office, browser, office
from tests.identity import make as identity
from tests.identity.web import text_of
from tests.payments.make import ACCOUNT
from tests.restaurant.make import CountingRows

PAGES = ("/console", "/console/cases", "/console/alarms", "/console/payments", "/console/refunds", "/console/notices")
PAGES += ("/console/accounts", "/console/shops", "/console/staff", "/console/reconciliation")
#: Questions a page may ask, the guard's included. More would mean one per row.
MOST_QUESTIONS = 12


@pytest.fixture
async def of(database: Database, clock: MovableClock) -> Office:
    return await office(database, clock)


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_an_operator_sees_every_page_empty_and_full(of: Office, lang: str) -> None:
    operator = await of.person(Role.OPERATOR)
    async with browser(of, operator, lang) as desk:
        for path in PAGES:
            assert (await desk.get(path)).status_code == 200, path
        payment = await of.stuck()
        await of.house.payments.notified(ACCOUNT, {"sign": "bad", "why": "signature"})
        await raise_alarm(of.house.db, "late_money", "acc", "look", now=of.house.clock.now())
        async with of.house.db.reading() as rows:
            await beat(rows, "worker-1", "worker", of.house.clock.now())
        for path in (*PAGES, f"/console/payments/{payment.id}", f"/console/cases/{await of.case_id()}"):
            answer = await desk.get(path)
            assert answer.status_code == 200, path
            assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}"' in answer.text


async def test_nobody_without_a_sign_in_or_with_a_cashiers_role_gets_in(of: Office) -> None:
    cashier = await of.person(Role.CASHIER)
    async with browser(of, None) as stranger, browser(of, cashier) as till:
        for path in PAGES:
            assert (await stranger.get(path)).status_code == 303
            assert (await till.get(path)).status_code == 403


async def test_a_manager_sees_the_own_merchants_and_nothing_of_the_operators(of: Office) -> None:
    manager = await of.person(Role.MANAGER)
    payment = await of.stuck()
    async with browser(of, manager) as desk:
        for path in ("/console/alarms", "/console/notices", "/console/accounts", "/console/reconciliation"):
            assert (await desk.get(path)).status_code == 403
        assert payment.order_number in (await desk.get("/console/payments")).text
        story = (await desk.get(f"/console/payments/{payment.id}")).text
        assert "We asked, Alipay answered" in text_of(story)
        case = await desk.get(f"/console/cases/{await of.case_id()}")
        assert case.status_code == 200 and 'data-testid="rule"' not in case.text
        refused = await desk.post(f"/console/cases/{await of.case_id()}/rule", {"move": "paid", "reason": "x"})
        assert refused.status_code == 403


async def test_another_merchants_things_are_not_there(of: Office) -> None:
    payment = await of.stuck()
    other = await identity.shop(of.house.db, name="Burrito Bar")
    spy = await of.person(Role.OWNER, shop=other)
    person = await of.person(Role.CASHIER, name="Ann")
    case_id = await of.case_id()
    async with browser(of, spy) as desk:
        for path in (f"/console/payments/{payment.id}", f"/console/cases/{case_id}"):
            assert (await desk.get(path)).status_code == 404
        for path in (f"/console/payments/{payment.id}/ask", f"/console/payments/{payment.id}/give-up"):
            assert (await desk.post(path)).status_code == 404
        assert (await desk.post(f"/console/staff/{person.id}/dismiss")).status_code == 404
        for path in ("/console/payments", "/console/cases", "/console/refunds", "/console/staff"):
            page = (await desk.get(f"{path}?merchant={of.shop.merchant.id}")).text
            assert payment.order_number not in page and case_id not in page and "Ann" not in page


async def test_an_operator_rules_a_stuck_payment_with_a_reason(of: Office) -> None:
    payment = await of.stuck()
    operator = await of.person(Role.OPERATOR, name="Olga")
    async with browser(of, operator) as desk:
        path = f"/console/cases/{await of.case_id()}"
        page = text_of((await desk.get(path)).text)
        assert "$12.50" in page and "Saoma does nothing more by itself" in page
        for move in (Move.PAID, Move.UNPAID, Move.REFUND):
            assert words.MOVE[move.value][1] in page
        assert (await desk.post(f"{path}/rule", {"move": "refunded", "reason": "x"})).status_code == 409
        assert (await desk.post(f"{path}/rule", {"move": "paid", "reason": " "})).status_code == 422
        done = await desk.post(f"{path}/rule", {"move": "unpaid", "reason": "not on the statement"})
        assert done.status_code == 303
        after = text_of((await desk.get(path)).text)
    assert "not on the statement" in after and "Olga" in after
    assert (await of.house.payments.get(payment.id)).status is Status.CANCELLED
    async with of.house.db.reading() as rows:
        assert await rows.value("SELECT who FROM audit WHERE what = 'ruled'") == operator.id


async def test_much_money_needs_two_operators(database: Database, clock: MovableClock) -> None:
    of = await office(database, clock, above=100)
    payment = await of.stuck("400.00")
    ann, bob = await of.person(Role.OPERATOR, name="Ann"), await of.person(Role.OPERATOR, name="Bob")
    path = f"/console/cases/{await of.case_id()}"
    async with browser(of, ann) as one, browser(of, bob) as two:
        assert "A second person must confirm." in text_of((await one.get(path)).text)
        await one.post(f"{path}/rule", {"move": "paid", "reason": "on the statement"})
        assert (await of.house.payments.get(payment.id)).status is Status.NEEDS_ATTENTION
        assert (await one.post(f"{path}/rule", {"move": "paid", "reason": "me again"})).status_code == 409
        assert "Ann proposes: It was paid. Reason: on the statement" in text_of((await two.get(path)).text)
        await two.post(f"{path}/rule", {"move": "paid", "reason": "I saw it too"})
    assert (await of.house.payments.get(payment.id)).status is Status.SUCCEEDED


async def test_the_search_finds_by_number_state_amount_and_day(of: Office) -> None:
    first = await of.pays("12.50")
    second = await of.pays("8.00")
    operator = await of.person(Role.OPERATOR)

    async def found(query: str) -> set[str]:
        page = (await desk.get(f"/console/payments?{query}")).text
        return set(re.findall(r'href="/console/payments/(pay_\w+)"', page))

    async with browser(of, operator) as desk:
        assert await found("") == {first.id, second.id}
        assert await found(f"q={first.order_number}") == {first.id}
        assert await found(f"q={first.id}") == {first.id}
        assert await found("amount=8") == {second.id} and await found("amount=12.50") == {first.id}
        assert await found("status=succeeded") == {first.id, second.id} and await found("status=failed") == set()
        assert await found("method=barcode&from=2026-03-02&to=2026-03-02") == {first.id, second.id}
        assert await found("from=2026-03-03") == set()
        assert await found(f"merchant={of.shop.merchant.id}") == {first.id, second.id}
        assert await found("merchant=mer_other") == set()
        assert (await desk.get("/console/payments?from=yesterday")).status_code == 422
        assert await found("q=%27%3B%20DROP%20TABLE%20payments") == set()


async def test_pages_go_on_where_the_last_ended(of: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saoma.console.searching.PAGE", 2)
    made = [(await of.pays("1.00")).id for _ in range(5)]
    operator = await of.person(Role.OPERATOR)
    seen: list[str] = []
    async with browser(of, operator) as desk:
        path = "/console/payments?status=succeeded"
        while path:
            page = (await desk.get(path)).text
            seen += re.findall(r'href="/console/payments/(pay_\w+)"', page)
            older = re.search(r'href="([^"]+)" data-testid="older"', page)
            path = older[1].replace("&amp;", "&") if older else ""
    assert seen == sorted(made, reverse=True)


async def test_a_page_asks_as_few_questions_for_many_rows_as_for_few(
    of: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(12):
        await of.pays("1.00")
    for number in range(12):
        await raise_alarm(of.house.db, "late_money", str(number), "look", now=of.house.clock.now())
        await of.house.payments.notified(ACCOUNT, {"sign": "bad", "why": "signature", "n": str(number)})
    operator = await of.person(Role.OPERATOR)
    async with browser(of, operator) as desk:
        for path in PAGES:
            counting = CountingRows(monkeypatch)
            assert (await desk.get(path)).status_code == 200
            monkeypatch.undo()
            assert len(counting.questions) <= MOST_QUESTIONS, (path, counting.questions)


async def test_an_alarm_is_taken_over_and_silenced(of: Office) -> None:
    operator = await of.person(Role.OPERATOR, name="Olga")
    raised = await raise_alarm(of.house.db, "late_money", "acc", "SM01", now=of.house.clock.now())
    async with browser(of, operator) as desk:
        assert "Nobody" in text_of((await desk.get("/console/alarms")).text)
        await desk.post(f"/console/alarms/{raised.id}/acknowledge")
        assert "Olga" in text_of((await desk.get("/console/alarms")).text)
        bad = await desk.post("/console/alarms/silence", {"rule": "late_money", "hours": "1", "reason": ""})
        assert bad.status_code == 422
        await desk.post("/console/alarms/silence", {"rule": "late_money", "hours": "4", "reason": "known"})
        assert "known" in text_of((await desk.get("/console/alarms")).text)


async def test_an_alarms_address_is_never_shown_again(of: Office) -> None:
    operator = await of.person(Role.OPERATOR)
    async with browser(of, operator) as desk:
        wish = {
            "name": "Chat",
            "url": "json://user:topsecret@chat.example/x",
            "level": "1",
            "quiet_from": "",
            "quiet_to": "",
        }
        assert (await desk.post("/console/alarms/targets", wish)).status_code == 303
        page = (await desk.get("/console/alarms")).text
        assert "Chat" in page and "topsecret" not in page
        refused = await desk.post("/console/alarms/targets", wish | {"url": "json://user:topsecret@127.0.0.1/x"})
        assert refused.status_code == 422 and "topsecret" not in refused.text
        assert "An alarm goes to a public address" in text_of(refused.text)


async def test_a_refused_message_can_be_played_again_and_is_checked_again(of: Office) -> None:
    operator = await of.person(Role.OPERATOR)
    payment = await of.pays()
    (posted,) = of.house.alipay.outbox
    of.house.alipay.outbox.clear()
    await of.house.payments.notified(ACCOUNT, posted | {"sign": "bad", "why": "signature"})
    await of.house.payments.notified(ACCOUNT, posted | {"order_number": "SMNOBODY"})
    async with of.house.db.reading() as rows:
        forged = await rows.value("SELECT id FROM notices_refused WHERE why = 'signature'")
        unknown = await rows.value("SELECT id FROM notices_refused WHERE why = 'order'")
        await rows.run("UPDATE payments SET order_number = 'SMNOBODY' WHERE id = %(id)s", {"id": payment.id})
    async with browser(of, operator) as desk:
        assert "Refused again" in text_of((await desk.post(f"/console/notices/{forged}/replay")).text)
        assert "Every check held" in text_of((await desk.post(f"/console/notices/{unknown}/replay")).text)
    assert "notice:paid" in await of.house.doors(payment.id)


async def test_a_refund_waits_for_a_second_person_who_is_not_the_first(of: Office) -> None:
    payment = await of.pays()
    ann, bob = await of.person(Role.MANAGER, name="Ann"), await of.person(Role.MANAGER, name="Bob")
    refund = await of.house.payments.refund(payment.id, payment.money, "cold", ann.id, "r1", alone=Money.zero("USD"))
    assert refund.status is RefundStatus.REQUESTED
    async with browser(of, ann) as one, browser(of, bob) as two:
        assert (await one.post(f"/console/refunds/{refund.id}/approve")).status_code == 403
        assert "Ann" in text_of((await two.get("/console/refunds")).text)
        assert (await two.post(f"/console/refunds/{refund.id}/approve")).status_code == 303
    (after,) = await of.house.payments.refunds_of(payment.id)
    assert after.status is RefundStatus.SUCCEEDED


async def test_staff_are_added_changed_and_dismissed_but_never_oneself(of: Office) -> None:
    owner = await of.person(Role.OWNER, name="Owner")
    async with browser(of, owner) as desk:
        added = await desk.post("/console/staff", {"name": "Ann", "login": "ann@noodles", "role": "cashier"})
        assert 'data-testid="password"' in added.text
        async with of.house.db.reading() as rows:
            ann = await rows.value("SELECT id FROM staff WHERE login = 'ann@noodles'")
            assert (
                await rows.value("SELECT merchant_id FROM staff WHERE id = %(id)s", {"id": ann}) == of.shop.merchant.id
            )
        assert (await desk.post(f"/console/staff/{ann}/roles", {"role": "operator"})).status_code == 422
        assert (await desk.post(f"/console/staff/{ann}/roles", {"role": "waiter"})).status_code == 303
        assert (await desk.post(f"/console/staff/{ann}/pin", {"pin": "12"})).status_code == 422
        assert (await desk.post(f"/console/staff/{ann}/pin", {"pin": "1357"})).status_code == 303
        assert (await desk.post(f"/console/staff/{owner.id}/dismiss")).status_code == 409
        assert (await desk.post(f"/console/staff/{ann}/dismiss")).status_code == 303
        outsider = await desk.post("/console/staff", {"name": "Eve", "login": "eve", "role": "operator"})
        assert outsider.status_code == 422
    async with of.house.db.reading() as rows:
        assert await rows.value("SELECT active FROM staff WHERE id = %(id)s", {"id": ann}) is False
        assert await rows.value("SELECT roles FROM staff WHERE id = %(id)s", {"id": ann}) == ["waiter"]


async def test_a_manager_changes_no_staff(of: Office) -> None:
    manager = await of.person(Role.MANAGER)
    async with browser(of, manager) as desk:
        assert (await desk.post("/console/staff", {"name": "Ann", "login": "ann", "role": "owner"})).status_code == 403


async def test_a_day_is_shown_down_to_its_differences_and_exported(of: Office) -> None:
    operator = await of.person(Role.OPERATOR)
    async with of.house.db.reading() as rows:
        await rows.run(
            """INSERT INTO recon_runs (id, account_id, day, status, lines, agree, differ, created_at)
               VALUES ('run_1', %(account)s, '2026-03-01', 'done', 10, 9, 1, now())""",
            {"account": of.shop.account_id},
        )
        await rows.run(
            """INSERT INTO recon_findings (account_id, run_id, day, class, key, pass, file_kind, file_name, row, kind,
                   own_number, trade_number, theirs, theirs_currency, found_at)
               VALUES (%(account)s, 'run_1', '2026-03-01', 'only_theirs', 'k', 1, 'trades', 'a.txt', 7, 'payment',
                   '=HYPERLINK()', '2026000', 1250, 'USD', now())""",
            {"account": of.shop.account_id},
        )
    async with browser(of, operator) as desk:
        assert "2026-03-01" in (await desk.get("/console/reconciliation")).text
        page = text_of((await desk.get("/console/reconciliation/run_1")).text)
        assert "Only in Alipay's file 1" in page.replace("&#39;", "'") and "$12.50" in page and "a.txt:7" in page
        assert "$12.50" not in (await desk.get("/console/reconciliation/run_1?kind=fee_differs")).text
        sheet = await desk.get("/console/reconciliation/run_1/export")
        assert sheet.headers["content-type"].startswith("text/csv") and "'=HYPERLINK()" in sheet.text
        assert (await desk.get("/console/reconciliation/run_2")).status_code == 404


def test_every_word_of_the_console_is_there_in_chinese_and_no_state_without_a_word() -> None:
    zh = texts("zh")
    said = {title for _, title, _ in scope.NAV}
    for table in (words.STATUS, words.REFUND_STATUS, words.CASE_STATUS, words.RUN_STATUS):
        said |= {word for word, _ in table.values()}
    for plain in (words.METHOD, words.DOOR, words.KIND, words.STEP, words.WHY, words.QUEUE, words.CHORES):
        said |= set(plain.values())
    for move in words.MOVE.values():
        said |= set(move)
    assert [text for text in sorted(said) if zh(text) == text] == []
    assert set(words.STATUS) == set(Status) and set(words.REFUND_STATUS) == set(RefundStatus)
    assert set(words.KIND) == set(Kind) and set(words.MOVE) == set(Move) and set(words.DOOR) == set(Door)
