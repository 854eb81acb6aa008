"""The live call page beyond calls: notifications and how they were taken, visits, secrets, filters and links."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import urlencode

import pytest
from aiohttp import web

from saoma.alipay.signing import md5_signatory, string_to_sign
from saoma.alipay.wire import parse_form
from saoma.kit.i18n import texts
from saoma.sandbox.book.store import Heard
from saoma.sandbox.calls.acknowledging import about_answer, about_silence
from saoma.sandbox.calls.diagnosing import hints
from saoma.sandbox.calls.looks import Family, Look, Outcome
from saoma.sandbox.calls.masking import masked
from saoma.sandbox.calls.repeating import curl, quoted
from saoma.sandbox.openapi.gateway import OAUTH_TOKEN
from tests.sandbox import make
from tests.sandbox.make import Running
from tests.sandbox.plus import make as plus

MD5 = md5_signatory(make.KEY)


@pytest.fixture
async def served() -> AsyncIterator[Running]:
    async with make.running(config=make.settings(partners=[plus.partner()])) as running:
        yield running


async def page(wire: Running, path: str = "/calls", **headers: str) -> str:
    async with wire.client.get(wire.url + path, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return unescape(await answer.text())


def latest(wire: Running) -> Look:
    return wire.sandbox.calls.look(wire.book.store.heard(limit=1)[0])


def said(wire: Running) -> str:
    return " ".join(texts("en")(one.words, **one.values) for one in hints(latest(wire), wire.sandbox.calls, ()))


# --- what was told ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [
        (200, "success\n", "blanks or line ends around success"),
        (200, " success ", "blanks or line ends around success"),
        (200, "\ufeffsuccess", "byte order mark before success"),
        (200, "<html><body>success</body></html>", "a page (HTML) …success…"),
        (200, "<!doctype html><h1>Shop</h1>", "a page (HTML): send"),
        (200, '"success"', "success stands in quotes"),
        (200, '{"code":"success"}', "The answer is JSON"),
        (200, "ok", "The answer is ok: only the word success counts."),
        (200, "success!", "more than success"),
        (200, "", "The answer is empty"),
        (200, "fail", "Your program says fail"),
        (302, "", "sends on to /login: redirects are not followed"),
        (403, "CSRF", "no CSRF token"),
        (404, "", "is this the address of notify_url"),
        (405, "", "does it take POST"),
        (422, "", "read the body as a form"),
        (500, "", "your program stumbled over it"),
        (201, "success", "comes with 200"),
    ],
)
def test_what_is_wrong_with_an_answer_to_a_notification_is_said_in_one_sentence(
    status: int, answer: str, says: str
) -> None:
    (hint,) = about_answer(status, answer, "/login", is_plus=False)
    assert says in texts("en")(hint.words, **hint.values)
    assert texts("zh")(hint.words, **hint.values) != texts("en")(hint.words, **hint.values)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("success", "does not take the word success"),
        ("<p>", "no JSON"),
        ("[]", "has no result"),
        ('{"result":{"resultStatus":"F"}}', "resultStatus is F"),
    ],
)
def test_an_answer_to_alipay_plus_is_json(answer: str, says: str) -> None:
    (hint,) = about_answer(200, answer, "", is_plus=True)
    assert says in texts("en")(hint.words, **hint.values)


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ("TimeoutError ", "No answer within 15 seconds"),
        ("ClientConnectorError Cannot connect to host x:9 ssl:default", "Nobody answers at x:9"),
        ("ClientConnectorDNSError Cannot connect", "x:9 leads nowhere"),
        ("ClientConnectorCertificateError self-signed", "The TLS of x:9 can't be trusted: self-signed"),
        ("ServerDisconnectedError Server disconnected", "hung up without an answer"),
        ("InvalidUrlClientError x", "no address that can be called"),
    ],
)
def test_why_nothing_came_back_is_said(trouble: str, says: str) -> None:
    hint = about_silence(trouble, "x:9")
    assert says in texts("en")(hint.words, **hint.values)


async def test_a_notification_stands_between_the_calls_with_its_signature_and_what_was_wrong_with_the_answer(
    served: Running,
) -> None:
    answers, came = ["<p>success</p>", "success", "success"], []

    async def notify(request: web.Request) -> web.Response:
        came.append(await request.read())
        return web.Response(text=answers[min(len(came), 3) - 1])

    app = web.Application()
    app.router.add_post("/notify", notify)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/notify"
    try:
        await served.send(make.signed(make.pay_fields("TOLD-1", notify_url=address)))
        await make.until(lambda: len(served.book.store.heard()) == 2)
        look = latest(served)
        assert (look.family, look.outcome, look.failed) == (Family.TOLD, Outcome.FAILED, "answer")
        assert (look.service, look.number, look.code) == ("notify trade_status_sync", "TOLD-1", "HTML")
        told = parse_form(came[0], "UTF-8")
        assert (look.fields, look.request.text) == (told, string_to_sign(told))
        assert MD5.verify(look.request.text.encode(), look.request.sign)
        assert "a page (HTML)" in said(served)
        shown = await page(served, f"/calls/{look.id}")
        assert "Told, but not acknowledged" in shown and address in shown
        assert "已通知，但对方没有确认" in await page(served, f"/calls/{look.id}", **{"Accept-Language": "zh-CN"})
        assert [call.call.service for call in served.book.store.heard()][1] == make.PAY
        assert len((await served.control("GET", "calls"))["calls"]) == 1, "the machine's log is of calls only"

        await served.advance(minutes=3)
        assert (latest(served).outcome, latest(served).code, said(served)) == (Outcome.DONE, "success", "")
        await served.control("POST", "notifications/TOLD-1/forge", {"changes": {"total_fee": "0.01"}})
        assert (latest(served).outcome, latest(served).failed) == (Outcome.FAILED, "answer")
        assert "It was forged on purpose (total_fee=0.01) and was believed" in said(served)
    finally:
        await runner.cleanup()
    await served.control("POST", "notifications/TOLD-1/resend")
    assert (latest(served).outcome, latest(served).failed) == (Outcome.SILENT, "reached")
    assert "Nobody answers at 127.0.0.1:" in said(served)
    trouble = await page(served, "/calls?only=trouble")
    assert trouble.count('data-call="') == 3


async def test_a_notification_of_alipay_plus_is_shown_with_its_header_signature(served: Running) -> None:
    body = plus.pay_body("PLUS-TOLD", paymentNotifyUrl="http://127.0.0.1:9/told?x=1")
    assert (await plus.Client(served).ask("pay", body)).outcome == ("S", "SUCCESS")
    await make.until(lambda: len(served.book.store.heard()) == 2)
    look = latest(served)
    assert (look.service, look.number) == ("notifyPayment", "PLUS-TOLD")
    assert look.request.text.startswith("POST /told?x=1\nSANDBOX_5X00000000000000.")
    assert make.partner_signatory().verify(look.request.text.encode(), look.request.sign)


# --- the authorization page ------------------------------------------------------------------------------------------

ASKED = {"app_id": make.APP, "scope": "auth_base", "redirect_uri": "http://shop.test/back", "state": "s1"}


@pytest.mark.parametrize(
    ("changes", "failed", "says"),
    [
        (
            {"app_id": "2016000000000001"},
            "caller",
            "Nobody here has the app_id 2016000000000001. Is 2016000000000000 m",
        ),
        ({"app_id": ""}, "caller", "app_id is missing."),
        ({"scope": "auth_zhima"}, "scope", "The scope is auth_zhima: only auth_base is silent"),
        ({"redirect_uri": "shop.test/back"}, "redirect", "redirect_uri must be a whole address"),
        ({"state": "状态"}, "state", "state may hold ASCII letters only."),
    ],
)
async def test_a_refused_visit_says_which_parameter(
    served: Running, changes: dict[str, str], failed: str, says: str
) -> None:
    async with served.client.get(f"{served.url}/oauth2/publicAppAuthorize.htm?{urlencode(ASKED | changes)}") as answer:
        assert answer.status == 400
    look = latest(served)
    assert (look.family, look.outcome, look.failed) == (Family.PAGE, Outcome.REFUSED, failed)
    assert says in said(served)


async def test_codes_and_tokens_are_never_shown_whole(served: Running) -> None:
    visit = f"{served.url}/oauth2/publicAppAuthorize.htm?{urlencode(ASKED | {'wallet_buyer': 'anna'})}"
    async with served.client.get(visit, allow_redirects=False) as answer:
        code = re.findall(r"auth_code=(\w+)", answer.headers["Location"])[0]
    assert latest(served).outcome is Outcome.DONE
    fields = {
        "app_id": make.APP, "method": OAUTH_TOKEN, "charset": "utf-8", "timestamp": "2024-01-05 12:15:32",
        "version": "1.0", "grant_type": "authorization_code", "code": code, "sign_type": "RSA2",
    }  # fmt: skip
    granted = await served.send(make.signed(fields, make.partner_signatory(), open_api=True))
    tokens = re.findall(r'_token":"(\w{30,})"', granted.decode())
    assert len(tokens) == 2
    again = fields | {"grant_type": "refresh_token", "refresh_token": tokens[1], "code": ""}
    await served.send(make.signed(again, make.partner_signatory(), open_api=True))
    for call in served.book.store.heard():
        shown = await page(served, f"/calls/{call.id}")
        assert not [secret for secret in (code, *tokens) if secret in shown], call.call.service
    assert f"{code[:3]}…{code[-2:]}" in await page(served, "/calls/1")
    assert f"{tokens[0][:3]}…" in await page(served, "/calls/2")


def test_a_private_key_is_masked_in_every_dress() -> None:
    private, public = make.partner_keys()
    bare = "".join(private.splitlines()[1:-1])
    for text in (private, bare, f"key={bare}&x=1"):
        assert bare[40:80] not in masked(text, [])
    assert masked(public, []) == public, "a public one is no secret"


# --- finding and passing on ------------------------------------------------------------------------------------------


async def test_calls_are_found_by_order_service_partner_and_any_text(served: Running) -> None:
    await served.send(make.signed(make.pay_fields("FIND-1", memo="100% 面条_x")))
    await served.send(make.signed(make.basic(make.QUERY, partner_trans_id="FIND-1")))
    await served.send(make.signed(make.basic(make.QUERY, partner_trans_id="OTHER-2")))

    async def found(**wanted: str) -> list[str]:
        return re.findall(r'data-call="(\d+)"', await page(served, f"/calls?{urlencode(wanted)}"))

    assert await found() == ["3", "2", "1"]
    assert await found(order="FIND-1") == ["2", "1"]
    assert await found(service=make.QUERY) == ["3", "2"]
    assert await found(service=make.QUERY, order="FIND-1") == ["2"]
    assert await found(q="find-1") == ["2", "1"]
    assert await found(q="100% 面条_x") == ["1"]
    assert await found(q="100%条_x") == [], "signs of the database mean themselves"
    assert await found(q="TRADE_NOT_EXIST") == ["3"]
    assert await found(partner="2088000000000009") == []
    assert await found(before="2") == ["1"]
    shown = await page(served, "/calls?q=nothing-like-it")
    assert "No such calls" in shown and "No calls yet" not in shown


async def test_thousands_of_calls_are_leafed_through(served: Running) -> None:
    store = served.book.store
    with store.writing():
        for number in range(2500):
            store.log("2024-01-05T12:00:00+08:00", "x", "", f"N-{number}", {"service": "x"}, "ok" if number else None)
    shown = await page(served)
    assert shown.count('data-call="') == 100 and "N-2499" in shown
    older = re.findall(r'href="(/calls\?before=\d+)"', shown)[0]
    assert "N-2399" in await page(served, older)
    assert re.findall(r'data-call="(\d+)"', await page(served, "/calls?only=trouble")) == ["1"], "however old"


async def test_places_that_no_log_has_are_no_trouble(served: Running) -> None:
    far = "9" * 40
    for path, status in ((f"/calls?before={far}", 200), (f"/calls?before=-{far}", 200), (f"/calls/{far}", 404)):
        async with served.client.get(served.url + path) as answer:
            assert answer.status == status, path
    for seen in (far, "9" * 5000, "-1", "٣"):
        async with served.client.get(
            f"{served.url}/calls/live?after={far}", headers={"Last-Event-ID": seen.encode().decode("latin-1")}
        ) as answer:
            assert answer.status == 200 and (await answer.content.readline()).startswith(b": here")


async def test_a_watcher_of_trouble_is_told_of_trouble_behind_a_long_row_of_good_calls(served: Running) -> None:
    async with served.client.get(served.url + "/calls/live?only=trouble") as answer:
        assert (await answer.content.readline()).startswith(b": here")
        for number in range(3):
            await served.call(make.pay_fields(f"GOOD-{number}"))
        await served.call(make.basic("alipay.acquire.cancle"))
        await served.call(make.pay_fields("GOOD-9"))
        heard = b""
        while b"cancle" not in heard:
            heard += await asyncio.wait_for(answer.content.readline(), 5)
        assert b"GOOD" not in heard


async def test_an_empty_page_tells_what_to_do_and_its_command_works(served: Running) -> None:
    shown = await page(served)
    assert f"{served.url}/gateway.do" in shown and make.PARTNER in shown and make.KEY not in shown
    command = shlex.split(re.findall(r'id="first-call">(curl [^<]+)<', shown)[0])
    async with served.client.get(command[-1]) as answer:
        assert "TRADE_NOT_EXIST" in await answer.text()
    assert latest(served).outcome is not Outcome.REFUSED


@pytest.mark.parametrize("raw", [b"a=1&b=%E9", "名='\"$(x)".encode(), b"\xff'\\\n`x`", b""])
async def test_the_command_for_curl_sends_the_very_bytes_and_nothing_else(raw: bytes) -> None:
    shell = await asyncio.create_subprocess_exec(
        "bash", "-c", f"printf %s {quoted(raw)}", stdout=asyncio.subprocess.PIPE
    )
    assert (await shell.communicate())[0] == raw
    line = curl(Heard("POST", "/gateway.do?a=';reboot", {"content-type": "text/x"}, raw), "http://h:1")
    assert line.startswith("curl -sS -H 'content-type: text/x' --data-binary ")
    assert line.endswith("""'http://h:1/gateway.do?a='"'"';reboot'""")


async def test_a_page_that_watched_another_book_is_told_to_begin_anew(served: Running) -> None:
    name = served.book.store.name()
    for log, anew in ((name, False), ("another", True)):
        async with served.client.get(f"{served.url}/calls/live?after=0&log={log}") as stream:
            await served.send(make.signed(make.pay_fields(f"ANEW-{log}")))
            heard = ""
            while f"ANEW-{log}" not in heard:
                heard += (await asyncio.wait_for(stream.content.readany(), 10)).decode()
            assert ("event: anew" in heard) is anew
