"""The one socket, against a real server on this machine: what it says when the other side misbehaves."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from saoma.alipay.account import Account
from saoma.alipay.client import AlipayClient, CallRecord, NoBelievableAnswer, SignInFailed, evidence
from saoma.alipay.messages.paying import Query
from saoma.alipay.signing import Signatory, SignType, rsa_signatory, string_to_sign
from saoma.alipay.wire import parse_form, write_answer, write_openapi_answer, write_rejection
from saoma.kit.clock import MovableClock
from saoma.kit.errors import Invalid, NotSent
from tests.alipay import make
from tests.alipay.test_messages import pay

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Gateway:
    """A server that answers as it is told and remembers what it was sent."""

    url: str = ""
    answer: bytes = b""
    status: int = 200
    seen: list[dict[str, str]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.connections.add(request.transport)
        self.queries.append(request.rel_url.raw_query_string)
        self.seen.append(parse_form(await request.read(), request.query.get("_input_charset", "utf-8")))
        return web.Response(body=self.answer, status=self.status, headers={"Location": "/elsewhere"})


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/gateway.do", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/gateway.do"
    finally:
        await runner.cleanup()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway()
    async with serving(made.handle) as url:
        made.url = url
        yield made


@pytest.fixture
async def client(clock: MovableClock) -> AsyncIterator[AlipayClient]:
    async with AlipayClient(clock, connect_seconds=0.3, read_seconds=0.3) as made:
        yield made


def at(url: str, sign_type: SignType = SignType.MD5, **changes: str) -> Account:
    return make.account(sign_type, gateway_url=url, openapi_url=url, **changes)


def answer(sign_type: SignType = SignType.MD5, charset: str = "UTF-8", **fields: str) -> bytes:
    request = {"service": "alipay.acquire.overseas.query", "buyer_identity_code": "281234567890123456"}
    return write_answer("alipay", {"result_code": "SUCCESS", **fields}, request, make.alipay_side(sign_type), charset)


async def outcome(client: AlipayClient, account: Account) -> str:
    try:
        reply = await client.call(account, Query(make.ORDER))
    except NoBelievableAnswer as error:
        return error.code
    except NotSent:
        return "not_sent"
    return reply.rejection or "answered"


@pytest.mark.parametrize("sign_type", SignType)
async def test_a_request_is_signed_whole_and_its_answer_verified(
    client: AlipayClient, gateway: Gateway, sign_type: SignType
) -> None:
    gateway.answer = answer(sign_type, subject="面条")
    reply = await client.call(at(gateway.url, sign_type), Query(make.ORDER))
    assert reply.fields == {"result_code": "SUCCESS", "subject": "面条"}
    (sent,), (query,) = gateway.seen, gateway.queries
    assert query == "_input_charset=UTF-8"
    assert "_input_charset" not in sent
    assert sent["sign_type"] == sign_type.value
    signed = string_to_sign({**sent, "_input_charset": "UTF-8"})
    assert make.alipay_side(sign_type).verify(signed.encode(), sent["sign"])


async def test_a_gbk_account_sends_and_reads_gbk(client: AlipayClient, gateway: Gateway) -> None:
    gateway.answer = answer(charset="GBK", subject="面条")
    reply = await client.call(at(gateway.url, charset="GBK"), pay(subject="面条套餐"))
    assert reply.fields["subject"] == "面条"
    (sent,) = gateway.seen
    assert sent["trans_name"] == "面条套餐"
    signed = string_to_sign({**sent, "_input_charset": "GBK"}).encode("gbk")
    assert make.alipay_side(SignType.MD5).verify(signed, sent["sign"])


async def test_a_utf_8_request_may_be_answered_in_gbk(client: AlipayClient, gateway: Gateway) -> None:
    gateway.answer = answer(charset="GBK", subject="面条")
    assert (await client.call(at(gateway.url), Query(make.ORDER))).fields["subject"] == "面条"


async def test_text_the_charset_lacks_is_refused_before_it_is_sent(client: AlipayClient, gateway: Gateway) -> None:
    with pytest.raises(Invalid):
        await client.call(at(gateway.url, charset="GBK"), pay(subject="🍜"))
    assert gateway.seen == []


async def test_the_connection_is_kept_between_calls(client: AlipayClient, gateway: Gateway) -> None:
    gateway.answer = answer()
    for _ in range(5):
        await client.call(at(gateway.url), Query(make.ORDER))
    assert len(gateway.seen) == 5
    assert len(gateway.connections) == 1


async def test_a_refused_port_means_nothing_was_sent(client: AlipayClient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/gateway.do"
        assert await outcome(client, at(url)) == "not_sent"


async def test_an_unknown_host_means_nothing_was_sent(client: AlipayClient) -> None:
    assert await outcome(client, at("http://nobody.invalid/gateway.do")) == "not_sent"


async def test_a_host_that_never_lets_us_connect_means_nothing_was_sent(client: AlipayClient) -> None:
    # a listener with a full queue leaves connections hanging
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        try:
            assert await outcome(client, at(f"http://127.0.0.1:{address[1]}/gateway.do")) == "not_sent"
        finally:
            for filler in fillers:
                filler.close()


async def test_a_server_that_speaks_no_tls_means_nothing_was_sent(client: AlipayClient, gateway: Gateway) -> None:
    assert await outcome(client, at(gateway.url.replace("http://", "https://"))) == "not_sent"
    assert gateway.seen == []


async def test_silence_after_the_request_leaves_the_outcome_open(client: AlipayClient) -> None:
    heard = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        await request.read()
        heard.set()
        await asyncio.sleep(30)
        return web.Response()

    async with serving(silent) as url:
        assert await outcome(client, at(url)) == "silence"
        assert heard.is_set()


async def test_a_trickle_that_never_ends_is_silence(client: AlipayClient) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    async with serving(trickle) as url:
        assert await outcome(client, at(url)) == "silence"


@pytest.mark.parametrize(
    "speech",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<alipay>", b"HTTP/1.1 200 OK\r\n"],
    ids=["at once", "in the body", "in the headers"],
)
async def test_a_connection_reset_after_the_request_leaves_the_outcome_open(
    client: AlipayClient, speech: bytes
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)
        writer.write(speech)
        await writer.drain()
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await outcome(client, at(f"http://127.0.0.1:{port}/gateway.do")) == "silence"


async def test_a_kept_connection_that_died_is_silence_and_nothing_is_sent_twice(client: AlipayClient) -> None:
    requests: list[bytes] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.read(10_000))
        body = answer()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        requests.append(await reader.read(10_000))
        writer.transport.abort()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    async with server:
        account = at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/gateway.do")
        assert await outcome(client, account) == "answered"
        assert await outcome(client, account) == "silence"
        assert len(requests) == 2


@pytest.mark.parametrize("status", [302, 400, 404, 500, 502, 503])
async def test_any_status_but_200_is_unreadable_even_around_a_good_answer(
    client: AlipayClient, gateway: Gateway, status: int
) -> None:
    gateway.answer, gateway.status = answer(), status
    assert await outcome(client, at(gateway.url)) == "unreadable"
    assert len(gateway.seen) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"x" * 1_100_000])
async def test_a_body_that_is_no_answer_is_unreadable(client: AlipayClient, gateway: Gateway, body: bytes) -> None:
    gateway.answer = body
    assert await outcome(client, at(gateway.url)) == "unreadable"


async def test_a_bad_signature_has_its_own_word(client: AlipayClient, gateway: Gateway) -> None:
    for body in (
        answer(trans_amount="12.50").replace(b"12.50", b"10.00"),
        answer().replace(b"<sign>", b"<sign>0"),
        answer()[: answer().index(b"<sign>")] + b"</alipay>",
        answer(SignType.RSA2),
        answer(SignType.RSA2).replace(b">RSA2<", b">MD5<"),
        write_answer("alipay", {"result_code": "SUCCESS"}, {}, make.account(md5_key="other").signatory, "UTF-8"),
    ):
        gateway.answer = body
        assert await outcome(client, at(gateway.url)) == "bad_signature"


async def test_a_rejection_is_told_as_one(client: AlipayClient, gateway: Gateway) -> None:
    gateway.answer = write_rejection("ILLEGAL_SIGN", "GBK")
    assert await outcome(client, at(gateway.url)) == "ILLEGAL_SIGN"


async def test_every_call_is_recorded_once_and_without_secrets(clock: MovableClock, gateway: Gateway) -> None:
    records: list[CallRecord] = []
    async with AlipayClient(clock, connect_seconds=0.3, read_seconds=0.3, on_call=records.append) as client:
        gateway.answer = answer()
        await client.call(at(gateway.url), pay())
        gateway.answer = write_rejection("SYSTEM_ERROR", "UTF-8")
        await outcome(client, at(gateway.url))
        gateway.answer = b"?"
        await outcome(client, at(gateway.url))
        gateway.answer = answer().replace(b"<sign>", b"<sign>0")
        await outcome(client, at(gateway.url))
        await outcome(client, at("http://nobody.invalid/gateway.do"))
    told = [(record.service.rsplit(".", 1)[1], record.outcome, record.code) for record in records]
    assert told == [
        ("pay", "answered", ""),
        ("query", "rejected", "SYSTEM_ERROR"),
        ("query", "unreadable", ""),
        ("query", "bad_signature", ""),
        ("query", "not_sent", ""),
    ]
    assert {record.order_number for record in records} == {make.ORDER}
    assert all(0 <= record.milliseconds < 5000 for record in records)
    for secret in ("281234567890123456", make.account().md5_key):
        assert secret not in repr(records)


async def test_evidence_is_short_and_holds_no_payment_code(client: AlipayClient, gateway: Gateway) -> None:
    gateway.answer = answer(memo="x" * 9000)
    reply = await client.call(at(gateway.url), Query(make.ORDER))
    assert len(reply.raw) <= 4000
    assert "<result_code>" not in reply.raw or "SUCCESS" in reply.raw
    assert "281234567890123456" not in reply.raw
    assert "<memo>" in reply.raw
    assert "281234567890123456" not in evidence(b"<request><param>281234567890123456")
    assert "281234567890123456" not in evidence(b"<html>bad code 281234567890123456</html>")
    assert make.TRADE in evidence(f"<alipay>{make.TRADE}</alipay>".encode())
    assert evidence('<?xml version="1.0" encoding="GBK"?><a>面</a>'.encode("gbk")).endswith("<a>面</a>")


# --- signing in ----------------------------------------------------------------------------------------------------


def token(node: str, signatory: Signatory | None, name: str = "alipay_system_oauth_token_response") -> bytes:
    return write_openapi_answer(name, node, signatory)


GOOD = f'{{"access_token":"auth_base1","user_id":"{make.BUYER}","expires_in":300,"re_expires_in":300}}'


@pytest.mark.parametrize("sign_type", SignType)
async def test_a_code_is_exchanged_for_a_user_id(client: AlipayClient, gateway: Gateway, sign_type: SignType) -> None:
    at_openapi = SignType.RSA if sign_type is SignType.RSA else SignType.RSA2
    alipay = make.alipay_side(at_openapi)
    gateway.answer = token(GOOD, alipay)
    assert await client.buyer_of(at(gateway.url, sign_type), "ca34ea491e7146cc87d25fca24c4cD11") == make.BUYER
    (sent,) = gateway.seen
    assert sent["code"] == "ca34ea491e7146cc87d25fca24c4cD11"
    assert sent["timestamp"] == "2026-03-02 12:00:00"
    assert alipay.verify(string_to_sign(sent, keep_sign_type=True).encode(), sent["sign"])


@pytest.mark.parametrize("with_signature", [True, False])
async def test_a_used_code_asks_for_a_new_authorization(
    client: AlipayClient,
    gateway: Gateway,
    with_signature: bool,  # noqa: FBT001
) -> None:
    node = '{"code":"40002","msg":"Invalid Arguments","sub_code":"isv.code-invalid","sub_msg":"授权码code无效"}'
    gateway.answer = token(node, make.alipay_side(SignType.RSA2) if with_signature else None, "error_response")
    with pytest.raises(SignInFailed) as failure:
        await client.buyer_of(at(gateway.url), "abc")
    assert (failure.value.code, failure.value.again) == ("isv.code-invalid", True)
    assert len(gateway.seen) == 1


async def test_a_busy_system_is_asked_once_more_with_the_same_code(client: AlipayClient) -> None:
    codes: list[str] = []
    bodies = [token('{"code":"20000","sub_code":"isp.unknow-error"}', None, "error_response")]
    bodies.append(token(GOOD, make.alipay_side(SignType.RSA2)))

    async def busy(request: web.Request) -> web.StreamResponse:
        codes.append(parse_form(await request.read(), "utf-8")["code"])
        return web.Response(body=bodies[len(codes) - 1])

    async with serving(busy) as url:
        assert await client.buyer_of(at(url), "abc") == make.BUYER
    assert codes == ["abc", "abc"]


async def test_an_answer_with_only_an_open_id_signs_nobody_in(client: AlipayClient, gateway: Gateway) -> None:
    gateway.answer = token('{"access_token":"a","open_id":"xyz"}', make.alipay_side(SignType.RSA2))
    with pytest.raises(SignInFailed, match="open_id") as failure:
        await client.buyer_of(at(gateway.url), "abc")
    assert not failure.value.again


@pytest.mark.parametrize("how", ["unsigned", "forged", "weaker", "unreadable"])
async def test_a_user_id_without_proof_signs_nobody_in(client: AlipayClient, gateway: Gateway, how: str) -> None:
    forger = rsa_signatory(SignType.RSA2, make.rsa_pair("other")[0], None)
    gateway.answer = {
        "unsigned": token(GOOD, None),
        "forged": token(GOOD, forger),
        "weaker": token(GOOD, make.alipay_side(SignType.RSA)),
        "unreadable": token(GOOD, make.alipay_side(SignType.RSA2))[:-1],
    }[how]
    with pytest.raises(NoBelievableAnswer) as failure:
        await client.buyer_of(at(gateway.url), "abc")
    assert failure.value.code == ("unreadable" if how == "unreadable" else "bad_signature")
    assert "auth_base1" not in failure.value.raw + str(failure.value)


# --- notify_verify -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "genuine"), [(b"true", True), (b"false", False), (b"invalid\n", False)])
async def test_alipay_is_asked_whether_it_sent_a_notification(
    client: AlipayClient,
    gateway: Gateway,
    body: bytes,
    genuine: bool,  # noqa: FBT001
) -> None:
    gateway.answer = body
    assert await client.verify_notice_id(at(gateway.url), "a b&c") is genuine
    assert gateway.queries == [f"service=notify_verify&partner={make.PARTNER}&notify_id=a+b%26c"]


async def test_any_other_word_is_no_answer(client: AlipayClient, gateway: Gateway) -> None:
    gateway.answer = b"<html>true</html>"
    with pytest.raises(NoBelievableAnswer):
        await client.verify_notice_id(at(gateway.url), "abc")
