"""Every outcome of a scanned payment code, from the till to Alipay's book and back, by each published policy.

Seconds are our own clock's, counted from the first request; chance is off, so each schedule is exact."""

from __future__ import annotations

import itertools
import random

import pytest

from saoma.app import Rooms
from saoma.kit.due import drive_due
from saoma.payments.happenings import Ruling
from saoma.payments.lifecycle import Status
from tests.gateway.alipay import CANCEL, PAY, QUERY
from tests.gateway.house import House, Said, Shop, Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")

POLICIES = ["barcode", "fast_food", "ticket"]
#: The first question and the gap between two, in seconds; at 60 the last question, then the cancel.
FIRST = {"barcode": 5.0, "fast_food": 5.0, "ticket": 4.0}
GAP = {"barcode": 3.4, "fast_food": 5.0, "ticket": 4.0}
DEADLINE = 60.0

PAID = ("You may hand over the goods", "可以交付商品")
NOT_YET = ("Do not hand over goods yet", "请先不要交付商品")
NO_GOODS = ("Do not hand over goods", "不要交付商品")
NO_MONEY = ("No money was taken.", "没有扣款。")
CHECKING = ("Checking the payment.", "正在确认付款结果。")
CONFIRM_ON_PHONE = ("Waiting for the customer to confirm on the phone.", "正在等待顾客在手机上确认付款。")
NO_ANSWER = ("Alipay has not answered; asking again.", "支付宝暂未响应，正在重新查询。")
NOT_PROVED = ("An answer came that can't be proved to be Alipay's", "收到的应答无法证明来自支付宝")


@pytest.fixture(params=POLICIES)
def policy(request: pytest.FixtureRequest) -> str:
    """How patient the till is."""
    return str(request.param)


@pytest.fixture
def shop(house: House) -> Shop:
    """The shop whose account signs with RSA2."""
    return house.shops["RSA2"]


def looks(policy: str, until: float = DEADLINE) -> list[float]:
    """When the policy asks, before `until`."""
    moments, moment = [], FIRST[policy]
    while moment < until - 0.001:
        moments.append(round(moment, 3))
        moment += GAP[policy]
    return moments


def look_after(policy: str, moment: float) -> list[float]:
    """When a clear answer at `moment` is asked about once more: only tickets demand that."""
    if policy != "ticket":
        return []
    return [FIRST[policy] if moment < FIRST[policy] else moment + GAP[policy]]


async def shows(watched: Watched, what: str, *sentences: tuple[str, str]) -> None:
    """The till's pane and its words, in English and Chinese."""
    for number, lang in enumerate(("en", "zh")):
        pane, words = await watched.panel(lang)
        assert pane == what
        for sentence in sentences:
            assert sentence[number] in words, (lang, words)
        if what != "paid":
            assert PAID[number] not in words.replace("不" + PAID[number], "")


async def ends(house: House, watched: Watched, status: Status, pane: str, *sentences: tuple[str, str]) -> None:
    """The payment is over, the till says so, and both books agree."""
    payment = await watched.payment()
    assert payment.status is status, payment.code
    assert payment.due_at is None
    await shows(watched, pane, *sentences)
    await house.assert_books_agree(watched.shop)


async def is_paid(house: House, watched: Watched) -> None:
    await ends(house, watched, Status.SUCCEEDED, "paid", PAID)
    assert (await house.alipay.trades(watched.shop.account.partner))[watched.number]["status"] == "TRADE_SUCCESS"


async def is_cancelled(house: House, watched: Watched, *, action: str) -> None:
    """Cancelled at the deadline, by one cancel that answered so."""
    sentence = (
        ("The customer was charged and got it back.", "顾客曾被扣款，已经退还。") if action == "refund" else NO_MONEY
    )
    await ends(house, watched, Status.CANCELLED, "cancelled", NO_GOODS, ("Cancelled", "已撤销"), sentence)
    cancels = [said for said in watched.calls if said.what == "cancel"]
    assert cancels == [Said("cancel", DEADLINE, f"SUCCESS {action}".strip())]
    assert watched.times("pay") == [0.0] or watched.times("pay")[-1] < DEADLINE, "nothing is sent at the deadline"
    after = watched.calls[watched.calls.index(cancels[0]) + 1 :]
    assert [said.what for said in after] in ([], ["query"]), "at most one question makes sure"


def asked_before_the_cancel(watched: Watched) -> list[float]:
    """When was asked until the cancel left."""
    whats = [said.what for said in watched.calls]
    return [said.after for said in watched.calls[: whats.index("cancel")] if said.what == "query"]


# --- clear answers --------------------------------------------------------------------------------------------------


async def test_a_customer_who_pays_at_once_gets_the_goods(house: House, shop: Shop, policy: str) -> None:
    watched = await house.scan(shop, await house.alipay.code(), policy)
    await shows(watched, "paid", PAID)
    await watched.follow()
    assert watched.calls == [
        Said("pay", 0.0, "SUCCESS"),
        *(Said("query", after, "SUCCESS TRADE_SUCCESS") for after in look_after(policy, 0)),
    ]
    await is_paid(house, watched)


@pytest.mark.parametrize("sign_type", ["MD5", "RSA", "RSA2"])
async def test_every_sign_type_takes_money_at_the_till(house: House, sign_type: str) -> None:
    watched = await house.scan(house.shops[sign_type], await house.alipay.code())
    await is_paid(house, watched)


REFUSALS = [
    (
        "92",
        "SOUNDWAVE_PARSER_FAIL",
        "Not paid. The payment code is no longer valid. Ask the customer to refresh it, then scan again.",
        "未收款。付款码已失效。请顾客刷新付款码后重新扫码。",
    ),
    (
        "93",
        "BUYER_BALANCE_NOT_ENOUGH",
        "Not paid. The customer's balance or card is too low. Ask for another card in Alipay, or another way to pay.",
        "未收款。顾客余额或银行卡资金不足。请顾客在支付宝内更换付款方式，或改用其他方式付款。",
    ),
    (
        "94",
        "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR",
        "Not paid. The customer has reached the spending limit at Alipay. Ask for another way to pay.",
        "未收款。顾客已达到支付宝付款限额，请改用其他方式收款。",
    ),
]


@pytest.mark.parametrize(("ending", "code", "english", "chinese"), REFUSALS, ids=[row[1] for row in REFUSALS])
async def test_a_refusal_says_why_and_that_no_money_moved(
    house: House, shop: Shop, policy: str, ending: str, code: str, english: str, chinese: str
) -> None:
    watched = await house.scan(shop, await house.alipay.code(ending=ending), policy)
    await shows(watched, "not_paid", (english, chinese), NO_MONEY, NO_GOODS)
    await watched.follow()
    assert watched.calls[0] == Said("pay", 0.0, f"FAILED {code}")
    assert watched.times("pay") == [0.0]
    assert watched.times("cancel") == []
    asked = watched.times("query")
    assert asked == look_after(policy, 0.0), "the question after a refusal is answered by: no such trade"
    assert watched.number not in await house.alipay.trades(shop.account.partner)
    await ends(house, watched, Status.FAILED, "not_paid", (english, chinese), NO_MONEY, NO_GOODS)


async def test_a_code_that_was_used_or_grew_old_is_refused(house: House, shop: Shop) -> None:
    used = await house.alipay.code()
    await is_paid(house, await house.scan(shop, used))
    again = await house.scan(shop, used)
    await ends(house, again, Status.FAILED, "not_paid", NO_MONEY)
    old = await house.alipay.code()
    await house.alipay.push(120)
    late = await house.scan(shop, old)
    await ends(house, late, Status.FAILED, "not_paid", NO_MONEY)
    assert late.heard() == ["pay: FAILED SOUNDWAVE_PARSER_FAIL"]


async def test_a_refused_customer_pays_the_same_bill_with_a_fresh_code(house: House, shop: Shop) -> None:
    await house.scan(shop, await house.alipay.code(ending="92"))
    await is_paid(house, await house.scan(shop, await house.alipay.code()))


# --- the customer thinks --------------------------------------------------------------------------------------------


async def test_unknown_then_paid(house: House, shop: Shop, policy: str) -> None:
    watched = await house.scan(shop, await house.alipay.code("pia"), policy)
    await shows(watched, "waiting", CHECKING, NOT_YET)
    await watched.follow(until=FIRST[policy])
    await shows(watched, "waiting", CONFIRM_ON_PHONE, NOT_YET)
    await house.alipay.pays(watched.number)
    await watched.follow()
    assert watched.calls == [
        Said("pay", 0.0, "UNKNOWN"),
        Said("query", FIRST[policy], "SUCCESS WAIT_BUYER_PAY"),
        Said("query", FIRST[policy] + GAP[policy], "SUCCESS TRADE_SUCCESS"),
    ]
    await is_paid(house, watched)


async def test_unknown_then_paid_by_itself_ten_seconds_later(house: House, shop: Shop, policy: str) -> None:
    watched = await house.scan(shop, await house.alipay.code(ending="90"), policy)
    await watched.follow()
    asked = watched.times("query")
    assert asked == looks(policy)[: len(asked)]
    assert 10 <= asked[-1] <= 10 + GAP[policy]
    assert watched.heard()[-1] == "query: SUCCESS TRADE_SUCCESS"
    await is_paid(house, watched)


@pytest.mark.parametrize("how", ["pia", "91", "unknown"])
async def test_unknown_never_paid_is_cancelled_at_the_deadline(house: House, shop: Shop, policy: str, how: str) -> None:
    if how == "unknown":
        await house.alipay.fails(PAY, "unknown")
    code = (
        await house.alipay.code("pia") if how == "pia" else await house.alipay.code(ending="91" if how == "91" else "")
    )
    watched = await house.scan(shop, code, policy)
    await watched.follow(until=DEADLINE - 1)
    await shows(watched, "waiting", CONFIRM_ON_PHONE, NOT_YET)
    await watched.follow()
    assert watched.heard()[0] == "pay: UNKNOWN"
    assert watched.times("pay") == [0.0]
    assert asked_before_the_cancel(watched) == [*looks(policy), DEADLINE]
    await is_cancelled(house, watched, action="close")
    await house.alipay.control("POST", f"trades/{watched.number}/pay", status=409)


async def test_who_pays_in_the_last_second_has_paid(house: House, shop: Shop, policy: str) -> None:
    watched = await house.scan(shop, await house.alipay.code("pia"), policy)
    await watched.follow(until=DEADLINE - 0.05)
    await house.alipay.pays(watched.number)
    await watched.follow()
    assert watched.times("query")[-1] == DEADLINE
    assert watched.times("cancel") == []
    await is_paid(house, watched)


async def test_a_cashier_who_stops_waiting_cancels_at_once(house: House, shop: Shop) -> None:
    watched = await house.scan(shop, await house.alipay.code("pia"))
    await watched.follow(until=6)
    head = {"HX-Request": "true", "X-CSRF-Token": shop.browser.cookies["saoma_csrf"]}
    answer = await shop.browser.post(f"/till-payments/{watched.id}/give-up?done=/till", headers=head)
    assert 'data-shows="cancelled"' in answer.text
    await watched.listen()
    assert watched.times("cancel") == [6.0]
    await ends(house, watched, Status.CANCELLED, "cancelled", NO_MONEY)


# --- the other side has trouble -------------------------------------------------------------------------------------

TROUBLES = [("system_error", CHECKING), ("silence", NO_ANSWER)]


@pytest.mark.parametrize(("trouble", "sentence"), TROUBLES, ids=["system_error", "silence"])
async def test_trouble_after_the_money_was_taken_ends_paid(
    house: House, shop: Shop, policy: str, trouble: str, sentence: tuple[str, str]
) -> None:
    await house.alipay.fails(PAY, f"{trouble}_after")
    watched = await house.scan(shop, await house.alipay.code(), policy)
    await shows(watched, "waiting", sentence, NOT_YET)
    await watched.follow()
    said = {"system_error": "SYSTEM_ERROR", "silence": "silence"}[trouble]
    assert watched.calls == [Said("pay", 0.0, said), Said("query", FIRST[policy], "SUCCESS TRADE_SUCCESS")]
    await is_paid(house, watched)


@pytest.mark.parametrize(("trouble", "sentence"), TROUBLES, ids=["system_error", "silence"])
async def test_trouble_before_the_money_was_taken_is_asked_about_and_then_sent_again(
    house: House, shop: Shop, policy: str, trouble: str, sentence: tuple[str, str]
) -> None:
    await house.alipay.fails(PAY, f"{trouble}_before")
    watched = await house.scan(shop, await house.alipay.code(), policy)
    await shows(watched, "waiting", sentence, NOT_YET)
    await watched.follow()
    first = FIRST[policy]
    assert watched.calls[1:] == [
        Said("query", first, "FAIL TRADE_NOT_EXIST"),
        Said("pay", first, "SUCCESS"),
        *(Said("query", after, "SUCCESS TRADE_SUCCESS") for after in look_after(policy, first)),
    ]
    requests = [call["request"] for call in await house.alipay.calls(watched.number) if call["service"] == PAY]
    assert requests[0] == requests[1], "the same request, to the letter"
    await is_paid(house, watched)


@pytest.mark.parametrize(("trouble", "sentence"), TROUBLES, ids=["system_error", "silence"])
async def test_trouble_that_never_ends_is_cancelled_at_the_deadline_unpaid(
    house: House, shop: Shop, policy: str, trouble: str, sentence: tuple[str, str]
) -> None:
    await house.alipay.fails(PAY, f"{trouble}_before", times=100)
    watched = await house.scan(shop, await house.alipay.code(), policy)
    await shows(watched, "waiting", sentence, NOT_YET)
    await watched.follow()
    assert asked_before_the_cancel(watched) == [*looks(policy), DEADLINE]
    await is_cancelled(house, watched, action="")
    assert watched.number not in await house.alipay.trades(shop.account.partner)


async def test_a_refusal_of_the_repeated_request_is_no_proof_so_the_number_is_cancelled(
    house: House, shop: Shop, policy: str
) -> None:
    await house.alipay.fails(PAY, "system_error_before")
    watched = await house.scan(shop, await house.alipay.code(ending="93"), policy)
    await watched.follow()
    first = FIRST[policy]
    assert watched.calls[1:4] == [
        Said("query", first, "FAIL TRADE_NOT_EXIST"),
        Said("pay", first, "FAILED BUYER_BALANCE_NOT_ENOUGH"),
        Said("cancel", first, "SUCCESS"),
    ]
    await ends(house, watched, Status.CANCELLED, "cancelled", NO_MONEY, NO_GOODS)


async def test_a_bad_signature_proves_nothing_and_the_next_question_does(house: House, shop: Shop, policy: str) -> None:
    await house.alipay.fails(PAY, "bad_signature")
    watched = await house.scan(shop, await house.alipay.code(), policy)
    await shows(watched, "waiting", NOT_PROVED, NOT_YET)
    await watched.follow()
    assert watched.times("query") == [FIRST[policy]]
    await is_paid(house, watched)
    story = await house.rooms.payments.story(watched.id)
    assert [(event.event, event.signed) for event in story if event.door in ("answer", "query")] == [
        ("unclear", False),
        ("paid", True),
    ]


async def test_bad_signatures_to_the_end_give_the_money_back(house: House, shop: Shop, policy: str) -> None:
    before = await house.alipay.balance("anna")
    await house.alipay.fails(PAY, "bad_signature")
    await house.alipay.fails(QUERY, "bad_signature", times=100)
    watched = await house.scan(shop, await house.alipay.code(), policy)
    await watched.follow()
    assert asked_before_the_cancel(watched) == [*looks(policy), DEADLINE]
    await is_cancelled(house, watched, action="refund")
    assert await house.alipay.balance("anna") == before


@pytest.mark.parametrize("fault", ["system_error_before", "silence_before", "unknown", "bad_signature"])
async def test_questions_that_fail_are_asked_again(house: House, shop: Shop, fault: str) -> None:
    watched = await house.scan(shop, await house.alipay.code("pia"))
    await house.alipay.pays(watched.number)
    await house.alipay.fails(QUERY, fault, times=2)
    await watched.follow()
    assert watched.times("query") == looks("barcode")[:3]
    await is_paid(house, watched)


# --- the cancel itself has trouble ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    ["system_error_before", "system_error_after", "silence_before", "silence_after", "unknown", "bad_signature"],
)
async def test_a_cancel_is_repeated_with_growing_gaps_until_it_is_certain(house: House, shop: Shop, fault: str) -> None:
    watched = await house.scan(shop, await house.alipay.code("pia"))
    await watched.follow(until=DEADLINE - 0.5)
    await house.alipay.fails(CANCEL, fault, times=3)
    await house.move_to((await watched.payment()).give_up_at)
    await house.work()
    await watched.listen()
    await shows(watched, "stopping", NOT_YET, ("If the customer was charged", "如果顾客已被扣款"))
    await watched.follow()
    assert watched.times("cancel") == [60.0, 62.0, 66.0, 74.0]
    cancels = [call["request"] for call in await house.alipay.calls(watched.number) if call["service"] == CANCEL]
    told = [{name: value for name, value in one.items() if name not in ("timestamp", "sign")} for one in cancels]
    assert told == [told[0]] * 4
    await ends(house, watched, Status.CANCELLED, "cancelled", NO_MONEY)


async def test_a_cancel_that_is_never_answered_is_not_needed_once_alipay_has_closed_the_trade(
    house: House, shop: Shop
) -> None:
    watched = await house.scan(shop, await house.alipay.code("pia"))
    await house.alipay.fails(CANCEL, "system_error_before", times=100)
    await watched.follow()
    assert len(watched.times("cancel")) == 20
    assert watched.heard()[-1] == "query: SUCCESS TRADE_CLOSED"
    await ends(house, watched, Status.CANCELLED, "cancelled", NO_MONEY)


async def test_a_cancel_that_is_never_answered_calls_the_manager(house: House, shop: Shop) -> None:
    await house.alipay.fails(PAY, "bad_signature")
    watched = await house.scan(shop, await house.alipay.code())
    await house.alipay.fails(QUERY, "bad_signature", times=100)
    await house.alipay.fails(CANCEL, "system_error_before", times=100)
    await watched.follow()
    payment = await watched.payment()
    assert (payment.status, payment.code) == (Status.NEEDS_ATTENTION, "attempts_exhausted")
    cancels = watched.times("cancel")
    gaps = [round(later - earlier, 3) for earlier, later in itertools.pairwise(cancels)]
    assert len(cancels) == 20
    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[-1]) == (2.0, 120.0)
    await shows(watched, "call_manager", ("Don't charge the customer again.", "请不要再向顾客收款。"), NOT_YET)
    await house.alipay.behave()
    await house.rooms.payments.rule(watched.id, Ruling.PAID, "stf_boss", "Alipay's book says paid")
    await is_paid(house, watched)


# --- a silence that lasts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["silence_before", "silence_after"])
async def test_a_till_does_not_wait_longer_than_its_patience_for_a_silent_gateway(
    house: House, shop: Shop, hasty: Rooms, fault: str
) -> None:
    await house.alipay.fails(PAY, fault, seconds=30)
    watched = await house.scan(shop, await house.alipay.code(), rooms=hasty)
    await shows(watched, "waiting", NO_ANSWER, NOT_YET)
    await watched.follow()
    assert watched.times("pay") == ([0.0, 5.0] if fault == "silence_before" else [0.0])
    await is_paid(house, watched)


async def test_a_code_that_asks_for_silence_ends_paid(house: House, shop: Shop, hasty: Rooms) -> None:
    watched = await house.scan(shop, await house.alipay.code(ending="97"), rooms=hasty)
    await shows(watched, "waiting", NO_ANSWER, NOT_YET)
    await watched.follow()
    assert watched.heard() == ["pay: silence", "query: SUCCESS TRADE_SUCCESS"]
    await is_paid(house, watched)


@pytest.mark.parametrize("ending", ["96", "99"])
async def test_the_other_codes_that_ask_for_trouble_end_paid(house: House, shop: Shop, ending: str) -> None:
    watched = await house.scan(shop, await house.alipay.code(ending=ending))
    await shows(watched, "waiting", NOT_YET)
    await watched.follow()
    assert watched.times("pay") == [0.0]
    await is_paid(house, watched)


async def test_a_code_that_asks_for_trouble_each_time_ends_cancelled(house: House, shop: Shop) -> None:
    watched = await house.scan(shop, await house.alipay.code(ending="95"))
    await watched.follow()
    await is_cancelled(house, watched, action="")


async def test_an_answer_that_comes_too_late_is_no_answer(house: House, shop: Shop, hasty: Rooms) -> None:
    await house.alipay.fails(PAY, "delay", seconds=3)
    watched = await house.scan(shop, await house.alipay.code(), rooms=hasty)
    assert (await watched.payment()).code == "silence"
    await watched.follow()
    assert watched.times("pay") == [0.0]
    await is_paid(house, watched)


async def test_another_process_finishes_what_a_dead_one_began(house: House, shop: Shop, another: Rooms) -> None:
    watched = await house.scan(shop, await house.alipay.code("pia"), rooms=another)
    await house.alipay.pays(watched.number)
    await house.move_to((await watched.payment()).give_up_at)
    both = [await drive_due(rooms.db, rooms.payments.works(), house.clock) for rooms in (house.rooms, another)]
    await watched.listen()
    assert sorted(both) == [0, 1], "one of them takes it, not both"
    await is_paid(house, watched)


# --- chance ---------------------------------------------------------------------------------------------------------


async def test_with_chance_on_a_thousand_tills_do_not_ask_in_step_but_within_the_published_bounds(
    house: House, shop: Shop, policy: str
) -> None:
    spread = {"barcode": 0.4, "fast_food": 0.5, "ticket": 1.0}[policy]
    dice = random.Random(policy)
    house.rooms.payments.hall.jitter = dice.random
    try:
        watched = await house.scan(shop, await house.alipay.code("pia"), policy)
        await watched.follow()
    finally:
        house.settle_in()
    asked = asked_before_the_cancel(watched)
    assert FIRST[policy] - spread <= asked[0] <= FIRST[policy]
    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert all(GAP[policy] - spread - 0.002 <= gap <= GAP[policy] + 0.002 for gap in gaps[:-1])
    assert len({round(gap, 2) for gap in gaps}) > 3
    assert asked[-1] == watched.times("cancel")[0] == DEADLINE
