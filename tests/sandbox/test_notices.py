"""Notifications: signed, repeated by the published gaps, until the partner says the one word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from saoma.alipay.signing import SignType, md5_signatory, string_to_sign
from saoma.alipay.wire import parse_form
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.store import Store
from saoma.sandbox.notices import GAPS
from saoma.sandbox.server import Sandbox
from tests.sandbox import make
from tests.sandbox.make import KEY, PARTNER, Running

NUMBER = "POS-20240105-000001"


@dataclass
class Shop:
    """A partner's server that notes what it is told and answers what it is bid to."""

    url: str = ""
    says: str = "success"
    status: int = 200
    later: str = ""
    pieces: tuple[bytes, ...] = ()
    bodies: list[bytes] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    @property
    def told(self) -> list[dict[str, str]]:
        return [parse_form(body, "UTF-8") for body in self.bodies]

    async def hear(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        self.types.append(request.headers["Content-Type"])
        if self.pieces:
            answer = web.StreamResponse()
            await answer.prepare(request)
            for piece in self.pieces:
                await answer.write(piece)
                await asyncio.sleep(0.01)
            return answer
        says = (len(self.bodies) > 1 and self.later) or self.says
        return web.Response(text=says, status=self.status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    made = Shop()
    app = web.Application()
    app.router.add_post("/notify", made.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    port = make.free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    made.url = f"http://127.0.0.1:{port}/notify"
    yield made
    await runner.cleanup()


async def pay(wire: Running, shop: Shop, **changes: str) -> None:
    answer = await wire.call(make.pay_fields(notify_url=shop.url, **changes))
    assert answer.fields["result_code"] == "SUCCESS"
    await wire.advance(seconds=0)


def is_genuine(told: dict[str, str]) -> bool:
    return md5_signatory(KEY).verify(string_to_sign(told).encode(), told["sign"])


async def test_a_payment_is_told_with_a_signature_that_holds(wire: Running, shop: Shop) -> None:
    await pay(wire, shop)
    (told,) = shop.told
    assert (told["trade_status"], told["out_trade_no"], told["total_fee"]) == ("TRADE_SUCCESS", NUMBER, "12.50")
    assert told["notify_time"] == "2024-01-05 12:15:32"
    assert len(told["notify_id"]) == 34
    assert is_genuine(told)
    assert not is_genuine(told | {"total_fee": "12.51"})
    await wire.advance(days=2)
    assert len(shop.bodies) == 1


async def test_a_partner_that_says_nothing_useful_is_told_eight_times_by_the_published_gaps(
    wire: Running, shop: Shop
) -> None:
    shop.says = "fail"
    await pay(wire, shop)
    for number, gap in enumerate(GAPS, start=1):
        await wire.advance(seconds=gap.total_seconds() - 1)
        assert len(shop.bodies) == number
        await wire.advance(seconds=1)
        assert len(shop.bodies) == number + 1
    await wire.advance(days=30)
    assert len(shop.bodies) == 8
    assert len({told["notify_id"] for told in shop.told}) == 1
    assert len({told["notify_time"] for told in shop.told}) == 8
    assert all(is_genuine(told) for told in shop.told)


@pytest.mark.parametrize(
    ("says", "status", "enough"),
    [
        ("success", 200, True), ("SUCCESS", 200, True), ("success\n", 200, False), ("successful", 200, False),
        ("<html>success</html>", 200, False), ("", 200, False), ("success", 500, False), ("success", 302, False),
    ],
)  # fmt: skip
async def test_only_the_seven_letters_count(wire: Running, shop: Shop, says: str, status: int, enough: bool) -> None:  # noqa: FBT001
    shop.says, shop.status = says, status
    await pay(wire, shop)
    await wire.advance(minutes=2)
    assert len(shop.bodies) == (1 if enough else 2)


@pytest.mark.parametrize(("pieces", "enough"), [((b"suc", b"cess"), True), ((b"success", b" stories"), False)])
async def test_an_answer_in_pieces_is_read_whole(
    wire: Running,
    shop: Shop,
    pieces: tuple[bytes, ...],
    enough: bool,  # noqa: FBT001
) -> None:
    shop.pieces = pieces
    await pay(wire, shop)
    await make.until(lambda: bool(wire.sandbox.notices.of_order(NUMBER)[0].deliveries))
    await wire.advance(minutes=2)
    assert len(shop.bodies) == (1 if enough else 2)


async def test_of_two_that_arrive_one_yes_is_enough(wire: Running, shop: Shop) -> None:
    shop.later = "I know"
    await wire.control("POST", "faults", {"service": "notification", "fault": "doubled"})
    await pay(wire, shop)
    await wire.advance(minutes=2)
    (listed,) = (await wire.control("GET", f"notifications/{NUMBER}"))["notifications"]
    assert (len(shop.bodies), listed["acknowledged"], listed["next_at"]) == (2, True, None)


async def test_a_partner_that_is_down_is_told_later(wire: Running, shop: Shop) -> None:
    reachable, shop.url = shop.url, f"http://127.0.0.1:{make.free_port()}/notify"
    await pay(wire, shop)
    (listed,) = (await wire.control("GET", f"notifications/{NUMBER}"))["notifications"]
    assert listed["deliveries"][0]["status"] == 0
    wire.sandbox.notices.of_order(NUMBER)[0].url = reachable
    await wire.advance(minutes=2)
    assert len(shop.bodies) == 1


async def test_what_happens_to_a_trade_is_told_by_its_action(wire: Running, shop: Shop) -> None:
    await pay(wire, shop, number="A")
    await wire.call(make.cancel_fields("A"))
    await pay(wire, shop, number="B", code=make.CODE[:-2] + "00")
    refund = make.refund_fields("B", is_sync="N", notify_url=shop.url)
    assert (await wire.call(refund)).fields["result_code"] == "SUCCESS"
    await wire.call(make.refund_fields("B", refund="RF-2", amount="1.00"))
    await wire.advance(minutes=1)
    actions = [(told["out_trade_no"], told["notify_action_type"], told["trade_status"]) for told in shop.told]
    assert sorted(actions) == [
        ("A", "payByAccountAction", "TRADE_SUCCESS"),
        ("A", "reverseAction", "TRADE_CLOSED"),
        ("B", "payByAccountAction", "TRADE_SUCCESS"),
        ("B", "refundFPAction", "TRADE_SUCCESS"),
    ]
    (told,) = [told for told in shop.told if told["notify_action_type"] == "refundFPAction"]
    assert (told["out_biz_no"], told["refund_fee"]) == ("RF-1", "2.50")


async def test_an_unpaid_trade_that_runs_out_is_told_as_closed(wire: Running, shop: Shop) -> None:
    answer = await wire.call(make.pay_fields(notify_url=shop.url, code=make.CODE[:-2] + "91"))
    assert answer.fields["result_code"] == "UNKNOWN"
    await wire.advance(minutes=3)
    (told,) = shop.told
    assert (told["trade_status"], told["notify_action_type"]) == ("TRADE_CLOSED", "closeTradeAction")
    assert "gmt_payment" not in told


async def test_a_notification_can_be_sent_again_on_request(wire: Running, shop: Shop) -> None:
    await pay(wire, shop)
    said = await wire.control("POST", f"notifications/{NUMBER}/resend")
    assert said["deliveries"][0]["answer"] == "success"
    assert [told["notify_id"] for told in shop.told] == [shop.told[0]["notify_id"]] * 2
    await wire.control("POST", "notifications/NEVER/resend", status=404)


async def test_notify_verify_knows_its_own_until_they_are_acknowledged(wire: Running, shop: Shop) -> None:
    shop.says = "not yet"
    await pay(wire, shop)
    notify_id = shop.told[0]["notify_id"]

    async def verify(**query: str) -> str:
        query = {"service": "notify_verify"} | query
        async with wire.client.get(f"{wire.url}/gateway.do", params=query) as answer:
            assert answer.content_type == "text/plain"
            return await answer.text()

    assert await verify(partner=PARTNER, notify_id=notify_id) == "true"
    assert await verify(partner="2088000000000009", notify_id=notify_id) == "false"
    assert await verify(partner=PARTNER, notify_id="0" * 34) == "false"
    assert await verify(partner=PARTNER) == "invalid"
    signed = make.signed(make.basic("notify_verify", notify_id=notify_id))
    assert await verify(**signed) == "true", "the SDK signs it, and nobody minds"
    older = f"{wire.url}/trade/notify_query.do"
    async with wire.client.get(older, params={"partner": PARTNER, "notify_id": notify_id}) as answer:
        assert (answer.content_type, await answer.text()) == ("text/plain", "true")
    shop.says = "success"
    await wire.advance(minutes=2)
    assert await verify(partner=PARTNER, notify_id=notify_id) == "false"


async def test_a_gbk_partner_is_told_in_gbk(wire: Running, shop: Shop) -> None:
    fields = make.pay_fields(_input_charset="GBK", trans_name="牛肉面", notify_url=shop.url)
    await wire.send(make.signed(fields, codec="gbk"), "GBK")
    await wire.advance(seconds=0)
    told = parse_form(shop.bodies[0], "GBK")
    assert told["subject"] == "牛肉面"
    assert shop.types == ["application/x-www-form-urlencoded; charset=GBK"]
    assert md5_signatory(KEY).verify(string_to_sign(told).encode("gbk"), told["sign"])


async def test_an_rsa2_partner_is_told_with_the_sandboxs_signature(shop: Shop) -> None:
    rsa = Partner(PARTNER, make.APP, sign_type="RSA2", public_key=make.partner_keys()[1])
    signatory = make.partner_signatory(SignType.RSA2)
    async with make.running(config=make.settings(partners=[rsa])) as wire:
        await wire.send(make.signed(make.pay_fields(notify_url=shop.url), signatory))
        await wire.advance(seconds=0)
    (told,) = shop.told
    assert told["sign_type"] == "RSA2"
    assert signatory.verify(string_to_sign(told).encode(), told["sign"])


async def test_notifications_go_out_by_themselves_when_the_clock_runs(shop: Shop) -> None:
    async with make.running(at=None) as wire:
        await wire.call(make.pay_fields(notify_url=shop.url))
        await make.until(lambda: bool(shop.bodies))
    assert len(shop.bodies) == 1


async def test_a_forged_notification_says_what_it_is_told_to(wire: Running, shop: Shop) -> None:
    await pay(wire, shop)
    said = await wire.control("POST", f"notifications/{NUMBER}/forge", {"changes": {"total_fee": "0.01"}})
    assert (said["status"], said["answer"]) == (200, "success")
    await wire.control("POST", f"notifications/{NUMBER}/forge", {"spoil_signature": True})
    true, cheap, spoiled = shop.told
    assert (cheap["total_fee"], true["total_fee"], spoiled["total_fee"]) == ("0.01", "12.50", "12.50")
    assert len({told["notify_id"] for told in shop.told}) == 3
    signatory = md5_signatory(make.KEY)
    held = [signatory.verify(string_to_sign(told).encode(), told["sign"]) for told in shop.told]
    assert held == [True, True, False]
    (listed,) = (await wire.control("GET", f"notifications/{NUMBER}"))["notifications"]
    assert len(listed["deliveries"]) == 1, "lies are kept nowhere"
    await wire.control("POST", "notifications/NOBODY/forge", {}, status=404)


async def test_notifications_are_held_back_and_sent_when_let_go(wire: Running, shop: Shop) -> None:
    await wire.control("POST", "notifications/hold", {"held": True})
    await pay(wire, shop)
    await wire.advance(minutes=5)
    assert shop.told == []
    await wire.control("POST", "notifications/hold", {"held": False})
    assert [told["trade_status"] for told in shop.told] == ["TRADE_SUCCESS"]


async def test_what_is_held_back_stays_so_when_the_sandbox_is_killed(tmp_path: Path, shop: Shop) -> None:
    def started() -> Sandbox:
        return Sandbox(make.settings(), make.clock(), store=Store(tmp_path / "book.sqlite"))

    first = make.Desk(started())
    first.sandbox.notices.hold(held=True)
    assert first.call(make.pay_fields(notify_url=shop.url))["result_code"] == "SUCCESS"
    # nothing is closed, flushed or said good-bye to
    second = started()
    assert (await second.notices.send_due(), shop.told) == (0, [])
    second.notices.hold(held=False)
    assert (await second.notices.send_due(), len(shop.told)) == (1, 1)
    third = started()
    assert await third.notices.send_due() == 0, "it was acknowledged, and nothing is held any more"
    await second.notices.close()
