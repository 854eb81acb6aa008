"""The live call page's look at a call: which check failed, what was signed, and why, found out by trying."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from saoma.alipay.signing import SignType, md5_signatory, new_rsa_key, rsa_signatory, string_to_sign
from saoma.alipay.wire import form
from saoma.kit.i18n import texts
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.store import Heard, Sought, Store
from saoma.sandbox.calls.diagnosing import hints, known_services
from saoma.sandbox.calls.looks import Look, Outcome
from saoma.sandbox.mapi.gateway import OPERATIONS
from saoma.sandbox.openapi.gateway import METHODS, OAUTH_TOKEN
from saoma.sandbox.plus.signing import text_to_sign
from tests.sandbox import make
from tests.sandbox.make import Running
from tests.sandbox.near import Near, near
from tests.sandbox.plus import make as plus
from tests.sandbox.plus.make import CLIENT, PAY, TIME, Client

OTHER = Partner("2088000000000042", "2016000000000042", md5_key="zyxwvutsrqponmlkjihgfedcba654321")
MD5 = md5_signatory(make.KEY)


@pytest.fixture
def wire() -> Near:
    return near(make.settings(partners=[plus.partner(), OTHER]))


@pytest.fixture
async def served() -> AsyncIterator[Running]:
    async with make.running(config=make.settings(partners=[plus.partner(), OTHER])) as running:
        yield running


def latest(wire: Near | Running) -> Look:
    return wire.sandbox.calls.look(wire.book.store.heard(limit=1)[0])


def said(wire: Near | Running, lang: str = "en") -> str:
    """The hints for the latest call, as people read them."""
    found = hints(latest(wire), wire.sandbox.calls, known_services(OPERATIONS, METHODS))
    return " ".join(texts(lang)(hint.words, **hint.values) for hint in found)


def marks(look: Look) -> dict[str, str]:
    return {check.name: check.mark for check in look.checks}


def wrongly(text: Callable[[dict[str, str]], str], key: str = make.KEY, codec: str = "utf-8") -> dict[str, str]:
    """A payment with non-ASCII text whose signature was made over `text` of its fields."""
    fields = make.pay_fields(trans_name="面条 & soup", memo="a b")
    sign = md5_signatory(key).sign(text(fields | {"sign_type": "MD5"}).encode(codec))
    return fields | {"sign_type": "MD5", "sign": sign}


async def test_a_call_that_went_well_shows_both_texts_and_both_signatures(wire: Near) -> None:
    fields = make.signed(make.pay_fields())
    await wire.send(fields)
    look = latest(wire)
    assert set(marks(look).values()) == {"passed"}
    assert look.outcome is Outcome.DONE
    assert (look.request.text, look.request.sign) == (string_to_sign(fields), fields["sign"])
    assert look.expected == fields["sign"]
    assert look.answer.text.startswith("alipay_buyer_login_id=")
    assert MD5.verify(look.answer.text.encode(), look.answer.sign)
    assert said(wire) == ""


@pytest.mark.parametrize(
    ("fields", "code", "failed"),
    [
        (make.signed(make.pay_fields(_input_charset="LATIN1")), "ILLEGAL_CHARSET", "charset"),
        (make.signed(make.basic("alipay.acquire.guess")), "ILLEGAL_SERVICE", "service"),
        (make.signed(make.pay_fields(partner="2088000000000009")), "ILLEGAL_PARTNER", "caller"),
        (make.signed(make.pay_fields(sign_type="md5")), "ILLEGAL_SIGN_TYPE", "sign_type"),
        (make.signed(make.pay_fields(sign_type="RSA")), "ILLEGAL_SECURITY_PROFILE", "key"),
        (make.signed(make.pay_fields()) | {"trans_amount": "9"}, "ILLEGAL_SIGN", "signature"),
        (make.signed(make.cancel_fields("X", timestamp="2024-01-05 04:15:32")), None, "time"),
        (make.signed(make.pay_fields(trans_amount="x")), "ILLEGAL_ARGUMENT", "parameters"),
        (make.signed(make.pay_fields(code="281234567890123493")), "BUYER_BALANCE_NOT_ENOUGH", "work"),
    ],
)
async def test_the_check_that_failed_is_named_and_none_behind_it_is_claimed(
    wire: Near, fields: dict[str, str], code: str | None, failed: str
) -> None:
    await wire.send(fields)
    look = latest(wire)
    assert code is None or look.code == code
    assert look.failed == failed
    names = list(marks(look))
    place = names.index(failed)
    assert all(marks(look)[name] == "passed" for name in names[:place])
    assert all(marks(look)[name] == "unreached" for name in names[place + 1 :])


async def test_an_open_outcome_and_a_planned_silence_are_no_refusals(served: Running) -> None:
    await served.send(make.signed(make.pay_fields(code="281234567890123491")))
    assert (latest(served).outcome, latest(served).failed) == (Outcome.OPEN, "")
    await served.control("POST", "faults", {"service": make.QUERY, "fault": "silence_before", "seconds": 0})
    with pytest.raises(Exception, match=r".*"):
        await served.send(make.signed(make.basic(make.QUERY, partner_trans_id="X")))
    assert (latest(served).outcome, latest(served).failed) == (Outcome.SILENT, "")
    assert said(served) == ""


# --- what it says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (wrongly(string_to_sign, OTHER.md5_key), "MD5 key of partner 2088000000000042, not of 2088000000000001"),
        (wrongly(string_to_sign, codec="gbk"), "signed in GBK, but UTF-8 is named"),
        (wrongly(lambda fields: string_to_sign(fields, keep_sign_type=True)), "sign_type was signed, too"),
        (wrongly(lambda fields: "&".join(f"{n}={v}" for n, v in fields.items() if n != "sign_type")), "sort them"),
        (
            wrongly(lambda fields: string_to_sign({n: quote(v, safe="") for n, v in fields.items()})),
            "signed percent-encoded",
        ),
        (wrongly(lambda fields: string_to_sign(fields) + "\n"), "A line end was signed after the last parameter"),
        (wrongly(string_to_sign, make.KEY) | {"sign": "x"}, "What stands as the signature is none"),
        (wrongly(string_to_sign) | {"sign": ""}, "There is no signature"),
        (wrongly(lambda fields: string_to_sign({**fields, "memo": ""})), "memo was not signed"),
        (
            wrongly(lambda fields: string_to_sign(fields | {"trans_amount": "12.5"})),
            "trans_amount was signed in another",
        ),
        (
            wrongly(lambda fields: string_to_sign(fields | {"extend_info": json.dumps(json.loads(make.STORE))})),
            "extend_info was signed in another spelling",
        ),
        (wrongly(lambda fields: "something else"), "No key on file made this signature"),
        (wrongly(string_to_sign) | {"sign_type": "RSA2"}, "made with MD5, but sign_type says RSA2"),
        (wrongly(string_to_sign) | {"sign_type": "md5"}, "made with MD5, but sign_type says md5"),
        (make.signed(make.pay_fields(partner="2088000000000002")), "Nobody here has the partner 2088000000000002"),
        (make.signed(make.pay_fields(partner="2088000000000002")), "MD5 key of partner 2088000000000001."),
        (make.signed(make.pay_fields(partner="2088000000000043"), md5_signatory("x")), "Is 2088000000000042 meant?"),
        (make.signed(make.basic("alipay.acquire.cancle")), "Is alipay.acquire.cancel meant?"),
        (make.signed(make.cancel_fields("X", timestamp="2024-01-05 04:15:32")), "written in UTC"),
        (make.signed(make.pay_fields(_input_charset="LATIN1")), "not LATIN1"),
        (make.signed(make.pay_fields(trans_amount="x")), "trans_amount"),
    ],
)
async def test_a_refusal_is_explained_by_the_one_thing_that_was_wrong(
    wire: Near, fields: dict[str, str], says: str
) -> None:
    await wire.send(fields)
    assert latest(wire).outcome is Outcome.REFUSED
    assert says in said(wire)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said(wire, "zh")) or latest(wire).failed == "parameters"


async def test_a_line_end_in_the_key_is_seen(wire: Near) -> None:
    import hashlib

    fields = make.pay_fields()
    sign = hashlib.md5((string_to_sign(fields) + make.KEY + "\n").encode()).hexdigest()
    await wire.send(fields | {"sign_type": "MD5", "sign": sign})
    assert "A line end was taken for part of the key" in said(wire)


async def test_an_rsa_signature_tells_its_key_its_hash_and_that_another_text_was_signed(wire: Near) -> None:
    sha1 = make.partner_signatory(SignType.RSA)
    await wire.send(make.signed(make.pay_fields(sign_type="RSA2"), sha1))
    assert "made with RSA, but sign_type says RSA2" in said(wire)
    await wire.send(make.signed(make.pay_fields(), make.partner_signatory()) | {"trans_name": "Rice"})
    assert "The key is right (RSA2), but another text was signed" in said(wire)
    stranger = rsa_signatory(SignType.RSA2, new_rsa_key(1024)[0], None)
    await wire.send(make.signed(make.pay_fields(), stranger))
    assert "No key on file" in said(wire)


async def test_the_json_gateway_is_looked_at_by_its_own_rules(wire: Near) -> None:
    fields = {
        "app_id": make.APP, "method": OAUTH_TOKEN, "charset": "utf-8", "timestamp": "2024-01-05 12:15:32",
        "version": "1.0", "grant_type": "authorization_code", "code": "no", "sign_type": "RSA2",
    }  # fmt: skip
    text = string_to_sign(fields)
    await wire.send(fields | {"sign": make.partner_signatory().sign(text.encode())})
    look = latest(wire)
    assert (look.family.value, look.failed) == ("method=", "signature")
    assert look.request.text == string_to_sign(fields, keep_sign_type=True)
    assert "sign_type was left out" in said(wire)
    for changes, failed, says in (
        ({"method": "alipay.trade.pya"}, "service", "Is alipay.trade.pay meant?"),
        ({"version": ""}, "parameters", "version is missing"),
        ({"timestamp": "2024-01-05T12:15:32"}, "time", "timestamp"),
        ({"version": "2.0"}, "format", ""),
        ({"method": "alipay.trade.query", "biz_content": "{"}, "content", ""),
        ({"method": "alipay.trade.query", "biz_content": '{"out_trade_no":"X"}'}, "work", ""),
    ):
        await wire.send(make.signed(fields | changes, make.partner_signatory(), open_api=True))
        assert (latest(wire).failed, latest(wire).family.value) == (failed, "method="), changes
        assert says in said(wire)


PLUS_BODY = json.dumps(plus.pay_body()).encode()
RIGHT = text_to_sign(PAY, CLIENT, TIME, PLUS_BODY)


@pytest.mark.parametrize(
    ("signed", "says"),
    [
        (text_to_sign("/ams/sandbox/api/v1/payments/pay", CLIENT, TIME, PLUS_BODY), "/ams/sandbox/api/v1/payments/pay"),
        (RIGHT.replace(b"\n", b"\r\n", 1), "CR LF"),
        (RIGHT.replace(b"\n", b"", 1), "line end after the address is missing"),
        (RIGHT.removeprefix(b"POST "), "method is missing"),
        (RIGHT.replace(CLIENT.encode() + b".", b""), "client id was left out"),
        (RIGHT.replace(TIME.encode() + b".", b""), "time was left out"),
        (PLUS_BODY, "Only the body was signed"),
        (RIGHT + b"\n", "line end was signed after the body"),
        (text_to_sign(PAY, CLIENT, TIME, json.dumps(plus.pay_body(), indent=2).encode()), "in another form"),
        (b"nothing", "The key is right (RSA2), but another text was signed"),
    ],
)
async def test_an_alipay_plus_signature_is_explained(wire: Near, signed: bytes, says: str) -> None:
    await Client(wire).send(PLUS_BODY, signed=signed)
    assert latest(wire).failed == "signature"
    assert says in said(wire)


async def test_an_alipay_plus_call_shows_both_signatures_and_who_is_meant(wire: Near) -> None:
    await Client(wire).ask("pay", plus.pay_body())
    look = latest(wire)
    assert set(marks(look).values()) == {"passed"}
    assert look.request.text == RIGHT.decode()
    assert make.partner_signatory().verify(look.answer.text.encode(), look.answer.sign)
    await Client(wire).send(PLUS_BODY, Client_Id="SANDBOX_5X0000000000000")
    assert latest(wire).failed == "caller"
    assert said(wire) == (
        "Nobody here has the Client-Id SANDBOX_5X0000000000000. "
        "It was signed with the RSA2 key of partner 2088000000000001."
    )
    await Client(wire).send(b"{}")
    assert (latest(wire).failed, "productCode is missing" in said(wire)) == ("parameters", True)
    await Client(wire).send(PLUS_BODY, Request_Time="noon")
    assert latest(wire).failed == "time"


# --- the page ------------------------------------------------------------------------------------------------------


async def page(wire: Running, path: str = "/calls", **headers: str) -> str:
    async with wire.client.get(wire.url + path, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.text()


async def test_no_key_is_ever_shown_whole(served: Running) -> None:
    await served.send(make.signed(make.pay_fields(trans_name=f"soup&key={make.KEY}", memo="<script>x</script>")))
    private = make.partner_keys()[0]
    await Client(served).send(json.dumps({"key": private}).encode())
    for call in served.book.store.heard():
        shown = await page(served, f"/calls/{call.id}")
        assert make.KEY not in shown
        assert private[40:80] not in shown
        assert "<script>x" not in shown
    assert "abc…56" in await page(served, "/calls/1")


async def test_the_list_is_for_one_partner_or_for_what_went_wrong(served: Running) -> None:
    await served.send(make.signed(make.pay_fields("GOOD-1")))
    await served.send(make.signed(make.pay_fields("BAD-1", partner=OTHER.partner)))
    assert "GOOD-1" in await page(served) and "BAD-1" in await page(served)
    trouble = await page(served, "/calls?only=trouble")
    assert "BAD-1" in trouble and "GOOD-1" not in trouble
    assert "GOOD-1" not in await page(served, f"/calls?partner={OTHER.partner}")
    assert "错在哪里" in await page(served, **{"Accept-Language": "zh-CN"})
    async with served.client.get(f"{served.url}/calls/99") as gone:
        assert gone.status == 404


async def test_a_call_arrives_on_the_open_page_and_nothing_is_missed_after_a_break(served: Running) -> None:
    async with served.client.get(f"{served.url}/calls/live?after=0") as stream:
        assert stream.content_type == "text/event-stream"

        async def heard(until: str) -> str:
            whole = ""
            while until not in whole:
                whole += (await asyncio.wait_for(stream.content.readany(), 10)).decode()
            return whole

        await heard("here")
        await served.send(make.signed(make.pay_fields("LIVE-1")))
        assert "event: call" in await heard("LIVE-1")
        await served.send(make.signed(make.pay_fields("LIVE-2")))
        assert "LIVE-1" not in await heard("LIVE-2")
        assert len(served.book.store.watchers) == 1
    async with served.client.get(f"{served.url}/calls/live?after=0", headers={"Last-Event-ID": "1"}) as again:
        whole = ""
        while "LIVE-2" not in whole:
            whole += (await asyncio.wait_for(again.content.readany(), 10)).decode()
        assert "LIVE-1" not in whole


def test_a_book_from_before_has_calls_too(tmp_path: Path) -> None:
    path = tmp_path / "book.sqlite"
    old = sqlite3.connect(path)
    old.execute(
        "CREATE TABLE calls (id INTEGER PRIMARY KEY, at TEXT NOT NULL, service TEXT NOT NULL, partner TEXT NOT NULL,"
        " out_trade_no TEXT NOT NULL, request TEXT NOT NULL, response TEXT, why TEXT NOT NULL)"
    )
    old.execute("INSERT INTO calls VALUES (1, '2024-01-05T12:00:00+08:00', 'x', '', '', '{}', NULL, '')")
    old.commit()
    old.close()
    store = Store(path)
    with store.hearing(Heard("POST", "/gateway.do?a=1", {"host": "x"}, b"\xff", {"Signature": "s"})):
        store.log("2024-01-05T12:00:01+08:00", "y", "", "", {}, None)
    store.log("2024-01-05T12:00:02+08:00", "z", "", "", {}, None)
    third, second, first = store.heard()
    assert (first.heard, third.heard) == (None, None)
    assert second.heard == Heard("POST", "/gateway.do?a=1", {"host": "x"}, b"\xff", {"Signature": "s"})
    assert [call.id for call in store.heard(Sought(after=1), limit=1)] == [3]
    assert (found := store.heard_one(2)) is not None and found.call.service == "y" and not found.outward
    assert store.heard_one(9) is None
    store.close()


async def test_whatever_stands_in_a_call_can_be_looked_at(served: Running) -> None:
    for raw in (
        b"",
        b"service",
        b"service=%ff",
        b"service=a&service=b",
        b"a=%zz",
        b"\xff\xfe",
        form({"method": "x"}, "gbk"),
    ):
        async with served.client.post(f"{served.url}/gateway.do", data=raw) as answer:
            assert answer.status == 200
        assert latest(served).outcome is not Outcome.DONE
        said(served)
        await page(served, "/calls")
