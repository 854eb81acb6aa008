"""What a shop does through its acquirer besides taking money at a till: phones, codes, statements."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from saoma.alipay.sftp import FilesUnreachable
from saoma.alipay.signing import SignType
from saoma.gateway import Method
from saoma.identity import model
from saoma.identity.wallet_sign_in import authorize_path
from saoma.kit.clock import beijing_day
from saoma.kit.errors import Invalid
from saoma.kit.i18n import LANGUAGES, texts
from saoma.kit.money import Money
from saoma.payments import findings
from saoma.payments.codes import NewCode
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.reconciliation import Run, RunStatus
from saoma.statements import daily
from saoma.statements.sources import Source, set_source
from tests.gateway import make
from tests.gateway.house import Shop, Watched
from tests.gateway.two import Two
from tests.identity.web import ALIPAY

pytestmark = pytest.mark.asyncio(loop_scope="session")


# --- phones ---------------------------------------------------------------------------------------------------------


def query_of(address: str) -> dict[str, str]:
    """The query of an address, also of one that the toy wallet was told to go to."""
    inner = parse_qs(urlsplit(address).query)
    address = inner["url"][0] if "url" in inner else address
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


class Phone:
    """A diner's phone inside the Alipay app, turn by turn."""

    def __init__(self, two: Two, buyer: str = "anna") -> None:
        self.two = two
        self.buyer = buyer
        self.http = httpx.AsyncClient(base_url=two.ours.url, verify=False, headers={"User-Agent": ALIPAY})

    async def begin(self) -> str:
        """Scan the table: where the phone is sent."""
        answer = await self.http.get(authorize_path("/t/AB12", self.two.shop.account_id))
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def at_alipay(self, address: str) -> dict[str, str]:
        """Be authorized silently: what Alipay sends back with the phone."""
        port = urlsplit(address).port
        async with httpx.AsyncClient(verify=False) as anybody:
            answer = await anybody.get(address, headers={"Host": f"{self.buyer}.localhost:{port}"})
        assert answer.status_code in (302, 303, 307), answer.text
        return query_of(answer.headers["location"])

    async def at_acquirer(self, told: dict[str, str]) -> httpx.Response:
        """Come back to the acquirer."""
        async with httpx.AsyncClient(base_url=self.two.theirs.url, verify=False) as anybody:
            return await anybody.get("/alipay/passed-on", params=told)

    async def at_shop(self, told: dict[str, str]) -> httpx.Response:
        """Come back to the shop."""
        return await self.http.get("/alipay/callback", params=told)


async def test_a_phone_learns_its_buyer_through_the_acquirers_application_and_can_pay(two: Two) -> None:
    phone = Phone(two)
    address = await phone.begin()
    asked = query_of(address)
    assert asked["app_id"] == two.there.account.app_id
    assert urlsplit(asked["redirect_uri"]).path == "/alipay/passed-on"
    passed = await phone.at_acquirer(await phone.at_alipay(address))
    assert passed.status_code == 302
    assert "set-cookie" not in passed.headers, "the acquirer keeps nothing on a phone that is a guest of the shop"
    user_id = await two.ours.alipay.user_id("anna")
    assert user_id not in unquote(passed.headers["location"])
    back = await phone.at_shop(query_of(passed.headers["location"]))
    assert (back.status_code, back.headers["location"]) == (303, "/t/AB12")
    watched = await two.ours.page(two.shop)
    behind = await two.theirs_of(watched)
    assert behind is not None
    assert (behind.buyer_id, behind.method) == (user_id, Method.WALLET_PAGE)
    assert (await watched.payment()).trade_number == behind.trade_number != ""
    await two.ours.alipay.pays(behind.order_number)
    assert (await two.follow(watched)).status is Status.SUCCEEDED
    await two.assert_three_books_agree()


async def test_each_way_back_works_once(two: Two) -> None:
    phone = Phone(two)
    told = await phone.at_alipay(await phone.begin())
    passed = await phone.at_acquirer(told)
    assert (await phone.at_acquirer(told)).status_code == 404
    code = query_of(passed.headers["location"])["auth_code"]
    assert (await exchange(two, code)).status_code == 200
    assert (await exchange(two, code)).status_code == 404
    assert (await phone.at_shop(query_of(passed.headers["location"]))).status_code == 502


async def exchange(two: Two, code: str, api_key: str = "") -> httpx.Response:
    """Exchange a code as a server with a key would."""
    headers = {"Authorization": f"Bearer {api_key or two.api_key}", "Idempotency-Key": make.order_number()}
    async with httpx.AsyncClient(base_url=f"{two.theirs.url}/api/v1", headers=headers, verify=False) as program:
        return await program.post("/authorizations/exchange", json={"code": code})


async def test_a_code_is_worth_nothing_to_another_merchant_or_after_three_minutes(two: Two) -> None:
    other = await two.theirs.open_shop("Elsewhere", await make.account(two.ours.alipay, SignType.RSA2))
    phone = Phone(two)
    passed = await phone.at_acquirer(await phone.at_alipay(await phone.begin()))
    code = query_of(passed.headers["location"])["auth_code"]
    assert (await exchange(two, code, await two.key(other))).status_code == 404
    await two.ours.move_to(two.ours.clock.now() + timedelta(minutes=3, seconds=1))
    assert (await exchange(two, code)).status_code == 404


async def test_a_stolen_way_back_signs_nobody_in_on_another_phone(two: Two) -> None:
    phone, thief = Phone(two), Phone(two)
    passed = await phone.at_acquirer(await phone.at_alipay(await phone.begin()))
    assert (await thief.at_shop(query_of(passed.headers["location"]))).status_code == 400
    assert (await phone.at_shop(query_of(passed.headers["location"]))).status_code == 303


@pytest.mark.parametrize("trick", ["lost", "garbled", "ill"])
async def test_an_acquirer_that_does_not_answer_gets_the_phone_a_page_that_says_so(two: Two, trick: str) -> None:
    two.road.happens("POST authorizations", trick)
    answer = await Phone(two).http.get(authorize_path("/t/AB12", two.shop.account_id))
    assert answer.status_code == 502
    assert authorize_path("/t/AB12", two.shop.account_id).replace("&", "&amp;") in answer.text
    await Phone(two).begin()


@pytest.mark.parametrize(
    "address",
    ["ftp://shop.example/back", "javascript:alert(1)", "https://shop.example/?x=1", "https://a@shop.example/"],
)
async def test_the_acquirer_sends_phones_to_plain_addresses_only(two: Two, address: str) -> None:
    headers = {"Authorization": f"Bearer {two.api_key}", "Idempotency-Key": make.order_number()}
    async with httpx.AsyncClient(base_url=f"{two.theirs.url}/api/v1", headers=headers, verify=False) as program:
        answer = await program.post("/authorizations", json={"return_url": address, "state": "0123456789abcdef"})
    assert answer.status_code == 422, answer.text


# --- order codes ----------------------------------------------------------------------------------------------------


async def test_an_order_code_of_the_acquirers_is_shown_at_our_till_and_paid(two: Two) -> None:
    amount, bill = Money.parse("36.50", "USD"), await two.ours.bill(3650)
    await two.ours.meet()
    payment = await two.ours.rooms.checkout.pay_by_order_code(
        two.shop.store.id, "", two.shop.staff, amount, "Table 5", "bill", bill, {}, bill
    )
    watched = Watched(two.ours, two.shop, payment.id, payment.order_number, two.ours.clock.now())
    behind = await two.theirs_of(watched)
    assert behind is not None
    assert payment.qr_code == behind.qr_code != ""
    await two.ours.alipay.control("POST", f"trades/{behind.order_number}/pay", {"buyer_id": "anna"})
    assert (await two.follow(watched)).status is Status.SUCCEEDED
    await two.assert_three_books_agree()


# --- codes ----------------------------------------------------------------------------------------------------------


async def test_printed_codes_are_refused_with_a_sentence_in_both_languages(two: Two) -> None:
    shop = two.shop
    async with two.ours.rooms.db.reading() as rows:
        account_id, of, merchant, store = await model.shop_of(rows, shop.store.id)
    new = NewCode(
        merchant_id=merchant.id, store_id=store.id, account_id=account_id, label="Counter 1", currency="USD", shop=of,
        country="SG", place="1 Harbour Road",
    )  # fmt: skip
    with pytest.raises(Invalid) as refusal:
        await two.ours.rooms.payments.codes.create(new, shop.staff.id)
    said = {lang: texts(lang)(refusal.value.msgid) for lang in LANGUAGES}
    assert "acquirer" in said["en"]
    assert "收单机构" in said["zh"]
    async with two.ours.rooms.db.reading() as rows:
        assert await two.ours.rooms.payments.codes.of_store(rows, store.id) == []


# --- the day's statement --------------------------------------------------------------------------------------------


async def a_shop_of_its_own(two: Two, name: str) -> Shop:
    """A shop whose merchant at the acquirer is nobody else's; its statement is compared from today on."""
    there = await two.theirs.open_shop(f"{name}-there", await make.account(two.ours.alipay, SignType.RSA2))
    shop = await two.open_shop(name, two.road.url, there, await two.key(there))
    since = beijing_day(two.ours.clock.now())
    async with two.ours.rooms.db.transaction() as tx:
        await set_source(tx, two.ours.rooms.seal, Source(account_id=shop.account_id, kind="acquirer", since=since))
    return shop


async def compared(two: Two, shop: Shop, day: date, spool: Path) -> tuple[Run, list[tuple[str, str]]]:
    """The day after, both sides compared."""
    rooms = two.ours.rooms
    source = await daily.source_of(rooms.db, shop.account_id)
    run = await daily.run_day(rooms.db, rooms.clock, rooms.seal, spool, source, day)
    async with rooms.db.reading() as rows:
        return run, sorted((one.class_, one.kind) for one in await findings.lines(rows, run.id))


async def tomorrow(two: Two) -> date:
    """The next day at the same hour; the day that is over."""
    day = beijing_day(two.ours.clock.now())
    await two.ours.move_to(two.ours.clock.now() + timedelta(days=1))
    return day


async def paid(two: Two, shop: Shop, amount: str = "36.50") -> Watched:
    watched = await two.ours.scan(shop, await two.ours.alipay.code(), amount=amount)
    assert await watched.status() is Status.SUCCEEDED
    return watched


async def test_a_day_agrees_with_the_acquirers_statement_line_by_line(two: Two, tmp_path: Path) -> None:
    shop = await a_shop_of_its_own(two, "Statement")
    first, second = await paid(two, shop), await paid(two, shop, "12.00")
    await two.ours.rooms.payments.refund(first.id, Money.parse("10.00", "USD"), "cold", "staff", "statement-1")
    await two.ours.rooms.payments.refund(second.id, Money.parse("12.00", "USD"), "cold", "staff", "statement-2")
    refused = await two.ours.scan(shop, await two.ours.alipay.code("paul"))
    assert await refused.status() is Status.FAILED
    undone = await two.ours.scan(shop, await two.ours.alipay.code("pia"))
    behind = await two.theirs_of(undone)
    assert behind is not None
    await two.ours.alipay.pays(behind.order_number)
    await two.theirs.rooms.payments.nudge(behind.id)
    await two.ours.rooms.payments.give_up(undone.id, "staff")
    payment = await two.follow(undone)
    assert (payment.status, payment.gave_back) == (Status.CANCELLED, True)
    crossed = await two.ours.scan(shop, await two.ours.alipay.code("pia"))
    behind = await two.theirs_of(crossed)
    assert behind is not None
    await two.ours.alipay.pays(behind.order_number)
    await two.ours.rooms.payments.give_up(crossed.id, "staff")
    assert (await two.follow(crossed)).gave_back, "the acquirer did not know of it either, and its cancel gave it back"
    day = await tomorrow(two)
    run, differences = await compared(two, shop, day, tmp_path)
    assert differences == []
    assert (run.status, run.lines, run.agree, run.differ) == (RunStatus.DONE, 7, 7, 0)
    again, _ = await compared(two, shop, day, tmp_path)
    assert (again.status, again.lines, again.differ) == (RunStatus.DONE, 7, 0)


async def test_what_only_the_acquirer_knows_and_what_only_we_know_become_differences(two: Two, tmp_path: Path) -> None:
    shop = await a_shop_of_its_own(two, "Differences")
    kept, hidden = await paid(two, shop), await paid(two, shop, "8.00")
    there = await two.theirs_of(kept)
    lost = await two.theirs_of(hidden)
    assert there is not None
    assert lost is not None
    # somebody at the acquirer gives money back without us, and one payment is missing from its statement
    by_hand = await two.theirs.rooms.payments.refund(there.id, Money.parse("1.00", "USD"), "", "operator", "by-hand")
    assert by_hand.status is RefundStatus.SUCCEEDED
    async with two.theirs.rooms.db.transaction() as tx:
        await tx.run("UPDATE payments SET paid_at = paid_at - interval '9 days' WHERE id = %(id)s", {"id": lost.id})
    day = await tomorrow(two)
    run, differences = await compared(two, shop, day, tmp_path)
    assert differences == [("only_ours", "payment"), ("only_theirs", "refund")]
    assert run.status is RunStatus.DONE


async def test_a_statement_that_cannot_be_had_leaves_the_day_open(two: Two, tmp_path: Path) -> None:
    shop = await a_shop_of_its_own(two, "Unreachable")
    await paid(two, shop)
    day = await tomorrow(two)
    # a question that meets a closed connection is asked once more by itself
    for tricks in (["lost", "lost"], ["garbled"], ["ill"]):
        two.road.happens("GET statements", *tricks)
        with pytest.raises(FilesUnreachable):
            await compared(two, shop, day, tmp_path)
    run, differences = await compared(two, shop, day, tmp_path)
    assert (run.status, run.lines, differences) == (RunStatus.DONE, 1, [])


async def test_an_account_at_an_acquirer_has_its_statement_without_being_told(two: Two) -> None:
    source = await daily.source_of(two.ours.rooms.db, two.shop.account_id)
    assert (source.kind, source.url, source.store) == ("acquirer", two.road.url, two.there.store.id)
    assert source.acquirer(two.ours.rooms.seal).api_key == two.api_key


async def statement(two: Two, **query: str) -> tuple[int, Any]:
    """Ask for a statement as a program would."""
    headers = {"Authorization": f"Bearer {two.api_key}"}
    async with httpx.AsyncClient(base_url=f"{two.theirs.url}/api/v1", headers=headers, verify=False) as program:
        answer = await program.get("/statements", params=query)
    return answer.status_code, json.loads(answer.text)


async def test_a_day_that_is_not_over_has_no_statement_and_a_wrong_one_is_named(two: Two) -> None:
    today = beijing_day(two.ours.clock.now())
    assert (await statement(two, date=today.isoformat()))[0] == 409
    for text in ("", "2026-02-30", "20260301", "2026-3-1"):
        assert (await statement(two, date=text))[0] == 422
    assert (await statement(two, date=(today - timedelta(days=1)).isoformat(), limit="1"))[0] == 200
