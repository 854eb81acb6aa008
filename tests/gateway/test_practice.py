"""Practice through the real till, the real core and the real sandbox: in, wrong, right, out, and nothing mixed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saoma.gateway import PRACTICE_ACCOUNT
from saoma.identity.accounts import account_views
from saoma.payments.watch import Watch
from saoma.practice.lessons import LESSONS
from saoma.practice.rehearsal import SECOND_PERSON
from saoma.practice.script import Kind, Lesson, cost
from tests.gateway.house import House, Shop
from tests.gateway.practice import coach, post, value
from tests.identity.web import text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

BAND = {"en": "Practice. No money moves.", "zh": "练习模式，不涉及真实资金。"}


async def test_a_cashier_learns_what_refused_means_and_comes_back_to_work(practising: House) -> None:
    house, shop = practising, practising.shops["MD5"]
    begun = await post(shop, "/practice/lessons/no_money/begin")
    assert begun.status_code == 303, text_of(begun.text)
    bill = begun.headers["location"]
    for lang, words in BAND.items():
        till = await shop.browser.get(f"{bill}?lang={lang}")
        assert words in text_of(till.text), "the real till wears the band"
    assert 'id="take"' in till.text

    foreign = await post(shop, f"{bill}/pay", payment_code="280000000000000007", key="foreign")
    assert foreign.status_code == 422, "a real customer's code is not taken in practice"
    assert await value(house, "SELECT count(*) FROM payments") == 0

    outcome, stage, code = await coach(shop)
    assert (outcome, stage) == ("going", "0")
    await post(shop, f"{bill}/pay", payment_code=code, key="one")
    assert (await coach(shop))[:2] == ("going", "2"), "refused: something must be said"
    await post(shop, "/practice/do", what="say", word="open_pay")
    assert (await coach(shop))[2] == code, "that did not help"
    await post(shop, "/practice/do", what="say", word="other_card")
    other = (await coach(shop))[2]
    assert other != code
    await post(shop, f"{bill}/pay", payment_code=other, key="two")
    assert (await coach(shop))[:2] == ("going", "4")
    await post(shop, "/practice/do", what="hand_over")
    assert (await coach(shop))[0] == "passed"

    await post(shop, "/practice/leave")
    home = await shop.browser.get("/practice")
    assert 'data-lesson="no_money" data-passed' in home.text
    assert BAND["en"] not in text_of(home.text)
    assert (await shop.browser.get(bill)).status_code == 404, "at work, nothing of practice is there"
    team = await shop.browser.get("/practice/team")
    assert 'data-passed="1"' in team.text


async def test_nothing_of_practice_is_in_the_shops_figures_or_rings(practising: House) -> None:
    house, shop = practising, practising.shops["MD5"]
    bill = (await post(shop, "/practice/lessons/error_paid/begin")).headers["location"]
    _, _, code = await coach(shop)
    await post(shop, f"{bill}/pay", payment_code=code, key="one")
    assert (await coach(shop))[:2] == ("going", "1"), "an error is not a no"
    assert await value(house, "SELECT policy FROM payments") == "practice"
    for _ in range(3):
        await house.move_to(house.clock.now() + timedelta(seconds=5))
        await house.work()
    await post(shop, "/practice/do", what="hand_over")
    assert (await coach(shop))[0] == "passed"
    assert await value(house, "SELECT DISTINCT account_id FROM payments") == PRACTICE_ACCOUNT
    real = f"merchant_id = '{shop.merchant.id}'"
    assert await value(house, f"SELECT count(*) FROM payments WHERE {real}") == 0
    assert await value(house, f"SELECT count(*) FROM postings WHERE {real}") == 0
    await post(shop, "/practice/leave")
    assert "Nothing was taken on this day" in text_of((await shop.browser.get("/till/takings?lang=en")).text)
    await house.move_to(house.clock.now() + timedelta(seconds=5400))
    assert await Watch(house.rooms.db, house.clock).look(house.clock.now(), None) == "all is well"
    assert await value(house, "SELECT count(*) FROM webhook_deliveries") == 0


async def test_goods_that_left_too_early_mean_once_more(practising: House) -> None:
    shop = practising.shops["MD5"]
    bill = (await post(shop, "/practice/lessons/never_paid/begin")).headers["location"]
    _, _, code = await coach(shop)
    await post(shop, f"{bill}/pay", payment_code=code, key="one")
    answer = await post(shop, "/practice/do", what="hand_over")
    assert "You handed over the goods while nobody knew" in text_of(answer.text)
    assert (await coach(shop))[0] == "again"
    assert (await post(shop, "/practice/lessons/never_paid/begin")).status_code == 303, "kindly, from the start"


async def act_out(house: House, shop: Shop, lesson: Lesson, bill: str) -> list[str]:
    """Go through a lesson as its coach asks; tells what the coach said to whoever waited."""
    told: list[str] = []
    for number, stage in enumerate(lesson.stages):
        said = (await post(shop, "/practice/coach?lang=en")).text
        if f'data-stage="{number}" data-outcome="going"' not in said:
            continue
        fresh = number > 0 and lesson.stages[number - 1].kind is Kind.SAY and stage.kind is Kind.PAID
        if stage.kind is Kind.CHARGE or fresh:
            lines = {"line": await line_of(house, "Beef noodles")} if lesson.takes else {}
            code = (await coach(shop))[2]
            assert (await post(shop, f"{bill}/pay", payment_code=code, key=f"{number}", **lines)).status_code == 200
        elif stage.kind is Kind.SAY:
            await post(shop, "/practice/do", what="say", word=sorted(stage.words)[0])
        elif stage.kind is Kind.HAND_OVER:
            await post(shop, "/practice/do", what="hand_over")
        elif stage.kind is Kind.ASK_REFUND:
            await give_back(house, shop)
        for _ in range(12):
            _, now, _ = await coach(shop)
            if int(now) > number:
                break
            told.append(lesson.stages[int(now)].kind)
            await house.move_to(house.clock.now() + timedelta(seconds=3))
            await house.work()
        assert int(now) > number, f"{lesson.key} can't get past {stage.kind}"
    return told


async def line_of(house: House, dish: str) -> str:
    """A dish on the lesson's bill."""
    return str(
        await value(
            house,
            "SELECT l.id FROM tab_lines l JOIN sittings s ON s.tab_id = l.tab_id"
            f" WHERE s.id = (SELECT sittings[1] FROM practice_runs) AND l.name = '{dish}'",
        )
    )


async def give_back(house: House, shop: Shop) -> None:
    """Ask for the spring rolls' money at table 1, the way the till's dialog does."""
    sitting = await value(house, "SELECT sittings[1] FROM practice_runs")
    payment = await value(house, f"SELECT id FROM payments WHERE payable_id = '{sitting}'")
    line = await line_of(house, "Spring rolls")
    path = f"/till/bills/{sitting}/payments/{payment}/refund"
    assert (await post(shop, path, line=line, reason="never came", key="back")).status_code == 303


#: The lessons in which nothing can be known at once.
WAITING = {"pin", "never_paid", "error_paid", "silence", "picture"}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.key)
async def test_whoever_does_as_the_coach_says_passes(practising: House, lesson: Lesson) -> None:
    house, shop = practising, practising.shops["MD5"]
    bill = (await post(shop, f"/practice/lessons/{lesson.key}/begin")).headers["location"]
    told = await act_out(house, shop, lesson, bill)
    assert (await coach(shop))[0] == "passed"
    assert bool(told) == (lesson.key in WAITING), "who has to wait sees it"
    assert await value(house, "SELECT passed_at IS NOT NULL FROM practice_lessons")
    paid = await value(house, "SELECT sum(amount) FROM payments WHERE status = 'succeeded'")
    owed = lesson.expected if not lesson.gives_back else sum(cost(dishes) for dishes in lesson.bills)
    assert paid == owed, "nothing was charged twice"


async def test_a_cashier_who_may_not_refund_alone_asks_and_the_coachs_manager_agrees(practising: House) -> None:
    house, shop = practising, practising.shops["MD5"]
    async with house.rooms.db.transaction() as tx:
        await tx.run("UPDATE staff SET roles = '{cashier}' WHERE id = %(id)s", {"id": shop.staff.id})
    await post(shop, "/practice/lessons/refund/begin")
    await give_back(house, shop)
    assert await value(house, "SELECT status FROM refunds") == "requested", "a second person is waited for"
    assert await value(house, "SELECT sum(refunded) FROM payments") == 0
    await coach(shop)
    for _ in range(3):
        await house.move_to(house.clock.now() + timedelta(seconds=10))
        await house.work()
    assert (await coach(shop))[0] == "passed"
    assert await value(house, "SELECT sum(refunded) FROM payments") == 550
    assert await value(house, "SELECT approved_by FROM refunds") == SECOND_PERSON


async def test_a_notice_tells_nothing_in_practice(practising: House) -> None:
    house, shop = practising, practising.shops["MD5"]
    bill = (await post(shop, "/practice/lessons/silence/begin")).headers["location"]
    await post(shop, f"{bill}/pay", payment_code=(await coach(shop))[2], key="one")
    told = await shop.browser.post(f"/alipay/notify/{PRACTICE_ACCOUNT}", data={"notify_id": "1", "sign": "x"})
    assert told.text == "success", "the sandbox need not say it again"
    assert await value(house, "SELECT count(*) FROM notices_refused") == 0
    assert (await coach(shop))[:2] == ("going", "1"), "the till finds out by asking, or the lesson would teach nothing"


async def test_the_practice_account_is_nobodys_to_look_after(practising: House) -> None:
    async with practising.rooms.db.reading() as rows:
        assert await rows.value("SELECT count(*) FROM accounts WHERE id = 'acc_practice'") == 1
        shown = [view.id for view in await account_views(rows)]
    assert shown
    assert PRACTICE_ACCOUNT not in shown


async def test_lessons_share_a_store_as_long_as_it_is_tidy(practising: House) -> None:
    house, shop = practising, practising.shops["MD5"]
    stores = "SELECT count(*) FROM stores WHERE merchant_id ^@ 'mpr_'"
    for key in ("paid", "no_money", "refund", "paid"):
        await post(shop, f"/practice/lessons/{key}/begin")
    assert await value(house, stores) == 1, "each lesson strikes what the one before left"
    bill = (await post(shop, "/practice/lessons/never_paid/begin")).headers["location"]
    await post(shop, f"{bill}/pay", payment_code=(await coach(shop))[2], key="one")
    assert (await post(shop, "/practice/lessons/paid/begin")).headers["location"] != bill
    assert await value(house, stores) == 2, "a payment still runs in the first one"
    html = (await shop.browser.get("/till?lang=en")).text
    assert html.count('data-testid="bill-tile"') == 1, "a lesson begins with its own bill only"
    async with house.rooms.db.transaction() as tx:
        await tx.run("UPDATE menu_items SET price = 1 WHERE store_id = (SELECT store_id FROM practice_runs)")
        await tx.run(
            "UPDATE menus SET version = gen_random_uuid()::text WHERE store_id = (SELECT store_id FROM practice_runs)"
        )
    await post(shop, "/practice/lessons/paid/begin")
    assert await value(house, stores) == 3, "a menu that somebody changed is nobody's lesson"


async def test_the_right_refund_finds_its_second_person(practising: House) -> None:
    house, shop = practising, practising.shops["MD5"]
    await post(shop, "/practice/lessons/refund/begin")
    await give_back(house, shop)
    for _ in range(3):
        if (await coach(shop))[0] == "passed":
            break
        await house.move_to(house.clock.now() + timedelta(seconds=10))
        await house.work()
    assert (await coach(shop))[0] == "passed"


async def test_people_practise_in_their_shops_currency(practising: House) -> None:
    house, shop = practising, practising.shops["MD5"]
    prices = {"SGD": ("12.50", 1250), "JPY": ("1,250", 1250), "KRW": ("12,500", 12500), "TWD": ("12.50", 1250)}
    for currency, (shown, minor) in prices.items():
        async with house.rooms.db.transaction() as tx:
            change = {"to": currency, "id": shop.merchant.id}
            await tx.run("UPDATE merchants SET currency = %(to)s WHERE id = %(id)s", change)
        bill = (await post(shop, "/practice/lessons/paid/begin")).headers["location"]
        assert shown in text_of((await shop.browser.get(f"{bill}?lang=en")).text)
        await post(shop, f"{bill}/pay", payment_code=(await coach(shop))[2], key=currency)
        await post(shop, "/practice/do", what="hand_over")
        assert (await coach(shop))[0] == "passed", currency
        paid_in = "USD" if currency == "TWD" else currency
        assert await value(house, f"SELECT sum(amount) FROM payments WHERE currency = '{paid_in}'") == minor
    assert await value(house, "SELECT count(*) FROM stores WHERE merchant_id ^@ 'mpr_'") == len(prices)


async def test_without_a_sandbox_practice_says_how_to_start_one(house: House) -> None:
    shop = house.shops["RSA2"]
    home = await shop.browser.get("/practice?lang=en")
    assert "Practice needs a sandbox" in text_of(home.text)
    assert "SAOMA_PRACTICE_SANDBOX_URL" in home.text
    refused = await post(shop, "/practice/lessons/paid/begin")
    assert refused.status_code == 503
