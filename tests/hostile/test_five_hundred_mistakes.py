"""Malformed requests, notifications, XML, files and codes by the hundred: each is refused clearly and changes nothing.

Both servers are tried: the house and the sandbox. Distinct things are counted, and the count is a test."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from aiohttp import web
from litestar.routes import HTTPRoute

from saoma.alipay.client import AlipayClient
from saoma.alipay.direct import Direct
from saoma.alipay.wire import form, read_answer
from saoma.gateway import StatementUnreadable
from saoma.identity.roles import Role
from saoma.payments.lifecycle import Status
from saoma.payments.reconciliation import RunStatus
from saoma.sandbox.server import Sandbox
from saoma.statements import daily
from saoma.statements.sources import Source, daily_file, set_source
from tests.api.make import barcode
from tests.hostile import corpus
from tests.hostile.make import ANNA, REFUSED, TRACES, World, changed
from tests.identity.web import text_of
from tests.sandbox import make as sandbox_make

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: What was tried by door: a thing counts once, however often it is thrown.
TRIED: Final[dict[str, set[Any]]] = {}
#: Tables that keep what was wrong with a file, and no money.
FILES: Final = TRACES | {"recon_runs", "recon_files", "recon_lines", "alarms", "alarm_deliveries", "statement_sources"}


def tried(door: str, thing: Any) -> None:
    """Count a thing that was thrown at a door."""
    TRIED.setdefault(door, set()).add(thing if isinstance(thing, str | bytes) else repr(thing))


def is_calm(answer: httpx.Response, *, least: int = 400) -> None:
    """Refused with words for a person, and no fault of ours."""
    assert least <= answer.status_code < 500, f"{answer.request.url}: {answer.status_code} {answer.text[:300]}"
    assert "Traceback" not in answer.text and "psycopg" not in answer.text
    assert len(text_of(answer.text)) > 10, answer.text


# --- the partner API --------------------------------------------------------------------------------------------------


async def test_no_mistake_in_a_body_of_the_partner_api_does_anything(of: World) -> None:
    till = await of.house.program(at=of.ours)
    good = {
        "/payments": barcode(reference="r", store=of.ids["store"], terminal=of.ids["terminal"]),
        f"/payments/{of.ids['api_payment']}/refunds": {"amount": "1.00", "reason": "x"},
        "/stores": {"name": "N", "zone": "Asia/Singapore"},
        "/terminals": {"store": of.ids["store"], "name": "N", "kind": "till"},
        "/webhooks": {"url": "https://shop.example/", "events": ["payment.succeeded"]},
        "/payments/withdraw": {"reference": "w", "store": of.ids["store"]},
    }
    optional = {("reference", ""), ("reference", " "), ("store", ""), ("terminal", ""), ("subject", "x" * 128)}
    before = await of.state()
    for path, body in corpus.api_bodies(good):
        if any((name, value) in optional for name, value in body.items() if isinstance(value, str)):
            continue
        raw = json.dumps(body).encode()
        tried("partner API bodies", path.encode() + raw)
        answer = await till.http.post(
            f"/api/v1{path}", content=raw, headers=till.headers({"Content-Type": "application/json"})
        )
        is_calm(answer)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] and answer.json()["message"]["cashier"]
    assert changed(before, await of.state()) == []


async def test_no_strange_key_or_header_gets_into_the_partner_api(of: World) -> None:
    till = await of.house.program(at=of.ours)
    before = await of.state()
    secrets = (
        "",
        "x",
        "sk_",
        "sk_" + "0" * 43,
        till.secret[:-1],
        till.secret + "x",
        till.secret.upper(),
        f"{till.secret} x",
    )
    for said in (
        *(f"Bearer {secret}" for secret in secrets),
        *(f"{scheme} {till.secret}" for scheme in ("Basic", "Token", "", "bearer:", "Bearer:", "Digest")),
        *("Bearer", "Bearer ' OR 1=1 --", "Bearer \x7f", f"Bearer\t{till.secret[:-1]}", "B" * 8000),
    ):
        tried("keys", said)
        answer = await till.http.post("/api/v1/payments", json=barcode(), headers=till.headers({"Authorization": said}))
        assert answer.status_code == 401, said
        is_calm(answer)
    for key in ("", " ", "a b", "x" * 129, "日本".encode(), b"\xff\xfe", "a\tb", "\x7f"):
        tried("idempotency keys", key)
        headers = {name.encode(): value.encode() for name, value in till.headers().items() if name != "Idempotency-Key"}
        headers[b"Idempotency-Key"] = key if isinstance(key, bytes) else key.encode()
        answer = await till.http.post("/api/v1/payments", json=barcode(), headers=headers)
        assert answer.status_code == 400, key
        is_calm(answer)
    for name, value in (
        *(("limit", each) for each in ("0", "-1", "101", "x", "1.0", "", "١", "9" * 50)),
        *(("cursor", each) for each in ("x", "....", "a" * 300, "AAAA", "%00", "日本", "MTIz")),
        *(("status", each) for each in ("paid", "SUCCEEDED", "succeeded,failed", "'")),
        *((each, "1") for each in ("Limit", "page", "offset", "sort", "__proto__", "")),
        *(("reference", each) for each in ("\x00", "x" * 300, "\x1f")),
    ):
        tried("queries", (name, value))
        is_calm(await till.get("/payments", {name: value}))
    assert changed(before, await of.state()) == []


# --- notifications ----------------------------------------------------------------------------------------------------


async def test_no_malformed_or_forged_notification_is_believed(of: World) -> None:
    payment = await of.waiting()
    true = of.signed(of.genuine(payment))
    before = await of.state(REFUSED)
    for name, body, kind in corpus.broken_forms(true):
        tried("notifications", body + kind.encode())
        answer = await of.notify(body, kind)
        assert (answer.status_code, answer.text) == (200, "fail"), name
    for name, fields in corpus.forged_fields(true):
        body = form(fields, "utf-8")
        tried("notifications", body)
        answer = await of.notify(body)
        assert (answer.status_code, answer.text) == (200, "fail"), name
    for name, wrong in corpus.untrue_fields():
        body = form(of.signed(of.genuine(payment, **wrong)), "utf-8")
        tried("notifications", body)
        answer = await of.notify(body)
        assert (answer.status_code, answer.text) == (200, "fail"), name
    assert changed(before, await of.state(REFUSED)) == []
    of.house.alipay.buyer_pays(payment.order_number)
    assert (await of.notify(form(true, "utf-8"))).text == "success"


# --- XML --------------------------------------------------------------------------------------------------------------


async def test_no_malformed_answer_from_alipays_side_is_believed(of: World) -> None:
    payment = await of.waiting()
    body = b""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="text/xml")

    server = web.Application(client_max_size=10_000_000)
    server.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/gateway.do"
    try:
        async with AlipayClient(of.house.clock, read_seconds=5) as client:
            account = corpus_account(of, url)
            gateway = Direct(account, client, of.house.clock)
            before = await of.state()
            for name, body in corpus.answers(payment.order_number):
                tried("XML answers", body)
                report = await gateway.query(payment.order_number, payment.money)
                assert type(report).__name__ == "Unclear", (name, report)
            assert changed(before, await of.state()) == []
    finally:
        await runner.cleanup()
    assert (await of.payment(payment.id)).status is Status.PENDING


def corpus_account(of: World, url: str) -> Any:
    """Our account with its gateway somewhere else."""
    return replace(of.account, gateway_url=url, openapi_url=url)


# --- files ------------------------------------------------------------------------------------------------------------


async def test_no_malformed_daily_file_of_any_layout_is_loaded(of: World, tmp_path: Path) -> None:
    db, clock, seal = of.house.rooms.db, of.house.clock, of.house.rooms.seal
    day = date(2024, 1, 5)
    async with db.transaction() as tx:
        await tx.run("UPDATE accounts SET partner = '2088000000000001' WHERE id = %(id)s", {"id": of.ours.account_id})
        await set_source(tx, seal, Source(account_id=of.ours.account_id, kind="upload", since=day))
    source = await daily.source_of(db, of.ours.account_id)
    before = await of.state(FILES)
    for number, (name, content) in enumerate(corpus.statements()):
        tried("daily files", content)
        path = tmp_path / f"upload{number}.txt"
        path.write_bytes(content)
        try:
            files = [daily_file(path, tmp_path / "spool")]
            run = await daily.run_day(db, clock, seal, tmp_path / "spool", source, day, files=files)
        except StatementUnreadable as error:
            assert str(error), name
            continue
        assert run.status is RunStatus.FAILED and path.stem in run.problem, (name, run)
    assert changed(before, await of.state(FILES)) == []
    async with db.transaction() as tx:
        marks = {"id": of.ours.account_id, "partner": of.account.partner}
        await tx.run("UPDATE accounts SET partner = %(partner)s WHERE id = %(id)s", marks)
        await tx.run("DELETE FROM statement_sources")


async def test_no_malformed_menu_changes_the_menu(of: World) -> None:
    owner = await of.person(of.ours, Role.OWNER)
    async with of.browser(owner) as browser:
        await browser.get("/office/menu")
        before = await of.state()
        for name, file, content in corpus.menus():
            tried("menus", file.encode() + content)
            answer = await browser.post("/office/menu/import", files={"file": (file, content, "text/csv")})
            assert answer.status_code == 422, (name, answer.status_code)
            is_calm(answer)
            assert 'action="/office/menu/import"' in answer.text, name
        assert changed(before, await of.state()) == []


async def test_no_malformed_photo_is_kept(of: World) -> None:
    owner = await of.person(of.ours, Role.OWNER)
    async with of.browser(owner) as browser:
        await browser.get("/office/menu")
        before = await of.state()
        for name, content in corpus.photos():
            tried("photos", content)
            where = f"/office/menu/items/{of.ids['item']}/photo"
            answer = await browser.post(where, files={"photo": ("noodles.png", content, "image/png")})
            assert answer.status_code == 422 or (answer.status_code == 413 and name), (name, answer.status_code)
            is_calm(answer)
        assert changed(before, await of.state()) == []


# --- codes and paths --------------------------------------------------------------------------------------------------


async def test_no_scan_that_is_no_payment_code_takes_money(of: World) -> None:
    cashier = await of.person(of.ours, Role.CASHIER)
    till = await of.house.program(at=of.ours)
    calls = len(of.house.alipay.calls)
    async with of.browser(cashier) as browser:
        await browser.get("/till")
        before = await of.state()
        for scan in corpus.SCANS:
            tried("scans", scan)
            for where in ("/till/scan", f"/till/bills/{of.ids['sitting']}/pay"):
                is_calm(await browser.post(where, {"payment_code": scan}))
            raw = json.dumps(barcode(payment_code=scan)).encode()
            answer = await till.http.post(
                "/api/v1/payments", content=raw, headers=till.headers({"Content-Type": "application/json"})
            )
            assert answer.status_code == 422, scan
        assert changed(before, await of.state()) == []
    assert len(of.house.alipay.calls) == calls


async def test_no_strange_path_opens_or_breaks_anything(of: World) -> None:
    """Every page of the house with nonsense in the place of its ids; nothing of it comes back."""
    owner = await of.person(of.ours, Role.OWNER)
    till = await of.house.program(at=of.ours)
    async with of.browser(owner, buyer=ANNA) as browser:
        await browser.get("/till")
        before = await of.state()
        pages = [
            route.path
            for route in of.house.app.routes
            if isinstance(route, HTTPRoute) and "{" in route.path and "GET" in route.methods
        ]
        assert len(pages) >= 30
        for number, page in enumerate(pages):
            if page.startswith(("/be/", "/staff-is/")):
                continue
            for nonsense in corpus.PATHS[number % 3 :: 3]:
                where = re.sub(r"{\w+:\w+}", nonsense.replace("\\", "\\\\"), page)
                tried("paths", where)
                headers = till.headers() if page.startswith("/api/") else {}
                answer = await browser.http.get(where, headers=headers)
                assert answer.status_code in (400, 403, 404, 405, 422, 303, 302), (where, answer.status_code)
                assert "<script>alert" not in answer.text, where
        assert changed(before, await of.state()) == []


# --- the sandbox ------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def wallet() -> AsyncIterator[tuple[Sandbox, httpx.AsyncClient]]:
    """A sandbox without a socket."""
    box = Sandbox(sandbox_make.settings(), sandbox_make.clock(), 8001, sandbox_make.store())
    app = box.app()
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8001") as http:
        yield box, http


def told(box: Sandbox) -> str:
    """All that the sandbox holds of money."""
    return repr([(trade.out_trade_no, trade.status, trade.refunded) for trade in box.book.all_trades("")])


async def test_no_malformed_request_moves_the_sandboxs_book(wallet: tuple[Sandbox, httpx.AsyncClient]) -> None:
    box, http = wallet
    before, plain = told(box), "application/x-www-form-urlencoded;charset=UTF-8"
    good = sandbox_make.signed(sandbox_make.pay_fields("MAL-1"))

    async def refused(name: str, body: bytes, kind: str = plain, query: str = "?_input_charset=UTF-8") -> None:
        tried("sandbox requests", body + kind.encode() + query.encode())
        answer = await http.post(f"/gateway.do{query}", content=body, headers={"Content-Type": kind} if kind else {})
        assert answer.status_code in (200, 400, 413, 415), (name, answer.status_code, answer.text)
        if answer.status_code == 200:
            said = read_answer(answer.content) if answer.content.startswith(b"<") else None
            if said is not None and said.is_success:
                assert said.fields["result_code"] in ("FAIL", "FAILED"), (name, said)
                assert said.fields.get("error") or said.fields.get("detail_error_code"), (name, said)
            elif said is not None:
                assert re.fullmatch(r"[A-Z_]{4,40}", said.error), (name, said)

    for name, body, kind in corpus.broken_forms(good):
        # Of the head it reads nothing: the charset stands in the address, and a form is a form.
        if not name.startswith(("as ", "in ")):
            await refused(name, body, kind)
    for name, fields in corpus.forged_fields(good):
        if not name.startswith("_input_charset"):
            await refused(name, form(fields, "utf-8"))
    for field in (
        "partner",
        "trans_amount",
        "currency",
        "buyer_identity_code",
        "trans_create_time",
        "biz_product",
        "service",
    ):
        for value in ("", "x", "-1", "1e9", "\u0007", "日本", "9" * 600, "null"):
            if field == "trans_amount" and value == "9" * 600:
                continue
            fields = sandbox_make.signed(sandbox_make.pay_fields("MAL-2", **{field: value}))
            await refused(f"{field}={value[:9]}", form(fields, "utf-8"))
    for sign_type in ("RSA", "RSA2", "md5", "HMAC", ""):
        await refused(f"sign type {sign_type}", form({**good, "sign_type": sign_type}, "utf-8"))
    for content in ("", "{", "[]", "null", "1", '{"out_trade_no":[]}', "[" * 50_000, '{"a":"\\ud800"}', "<xml/>"):
        asked = {"method": "alipay.trade.query", "app_id": sandbox_make.APP, "biz_content": content, "sign": "x"}
        body = form({**asked, "sign_type": "RSA2", "charset": "utf-8", "timestamp": "2024-01-05 12:15:00"}, "utf-8")
        await refused(f"biz_content {content[:9]}", body, query="")
    assert told(box) == before


async def test_no_malformed_request_moves_the_sandboxs_control(wallet: tuple[Sandbox, httpx.AsyncClient]) -> None:
    box, http = wallet
    before, clock = told(box), box.clock.now()
    junk: tuple[bytes, ...] = (
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"\xff\xfe",
        b"[" * 20_000,
        b'{"a":1}',
        b'{"advance_seconds":"x"}',
    )
    junk += (
        b'{"advance_seconds":-1}',
        b'{"advance_seconds":1e300}',
        b'{"advance_seconds":NaN}',
        b'{"times":0}',
        b"<x/>",
    )
    junk += (b'{"service":"x","fault":"x"}', b'{"id":"../x","balance":-1}', b'{"partner":"x"}', b'{"buyer_id":[]}')
    for where in ("partners", "buyers", "faults", "clock", "trades/x/pay", "trades/x/refuse", "shop-codes/x/pay"):
        for body in junk:
            if where.endswith("refuse") and not body:
                continue
            tried("sandbox control", where.encode() + body)
            answer = await http.post(f"/control/{where}", content=body, headers={"Content-Type": "application/json"})
            assert 400 <= answer.status_code < 500, (where, body[:40], answer.status_code, answer.text[:200])
            assert "Traceback" not in answer.text
    for where in ("trades/{}", "notifications/{}", "daily-files/{}", "partners/{}/sftp", "daily-files/2088/{}"):
        for nonsense in corpus.PATHS:
            tried("sandbox control", where.format(nonsense))
            answer = await http.get("/control/" + where.format(nonsense))
            assert answer.status_code in (200, 307, 400, 404, 405) and "Traceback" not in answer.text, (where, nonsense)
    assert (told(box), box.clock.now()) == (before, clock)


# --- the count --------------------------------------------------------------------------------------------------------


async def test_at_least_five_hundred_distinct_things_were_tried() -> None:
    """Runs last. Each door had its own; files, XML and notifications among them."""
    counts = {door: len(things) for door, things in TRIED.items()}
    if len(counts) < 12:
        pytest.skip("only a part of this file was run")
    assert sum(counts.values()) >= 1500, counts
    for door, least in {
        "partner API bodies": 300,
        "notifications": 140,
        "XML answers": 55,
        "daily files": 200,
        "menus": 50,
        "photos": 30,
        "scans": 35,
        "sandbox requests": 140,
        "sandbox control": 100,
    }.items():
        assert counts[door] >= least, counts
