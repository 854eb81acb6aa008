"""The key doctor against the real sandbox: each fault is planted alone, and exactly that one is named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
import pytest_asyncio
from aiohttp import web

from saoma.alipay.examining import Draft, Examination, Neighbour
from saoma.alipay.findings import Finding, Mark
from saoma.alipay.key_texts import one_line, read_key
from saoma.alipay.probing import Probe
from saoma.alipay.signing import new_rsa_key
from saoma.kit.clock import MovableClock, SystemClock
from saoma.sandbox.book.model import Partner
from tests.sandbox import make
from tests.sandbox.make import Running

pytestmark = pytest.mark.asyncio(loop_scope="module")

RSA2, MD5, RSA = "2088000000000011", "2088000000000012", "2088000000000013"
MD5_KEY = "abcdefghijklmnopqrstuvwxyz123456"


@cache
def pair(number: int) -> tuple[str, str]:
    """Key pairs made once for all tests: 0 is the account's, 1 another account's, 2 nobody's."""
    return new_rsa_key(2048)


def partners() -> list[Partner]:
    ours = pair(0)[1]
    return [
        Partner(RSA2, "2016000000000011", sign_type="RSA2", public_key=ours),
        Partner(MD5, "2016000000000012", sign_type="MD5", md5_key=MD5_KEY, public_key=ours),
        Partner(RSA, "2016000000000013", sign_type="RSA", public_key=ours),
    ]


def draft(at: Running, of: str = RSA2, **changes: str) -> Draft:
    """An account in order, and what is changed in it."""
    made = Draft(
        partner=of,
        app_id=f"2016{of[4:]}",
        sign_type={RSA2: "RSA2", MD5: "MD5", RSA: "RSA"}[of],
        md5_key=MD5_KEY if of == MD5 else "",
        private_key=pair(0)[0],
        alipay_public_key=make.alipay_keys()[1],
        gateway_url=f"{at.url}/gateway.do",
        openapi_url=f"{at.url}/gateway.do",
        auth_url=f"{at.url}/oauth2/publicAppAuthorize.htm",
    )
    return replace(made, **changes)


async def examined(typed: Draft, *neighbours: Neighbour, clock: MovableClock | None = None) -> list[Finding]:
    async with Probe(connect_seconds=2, read_seconds=2) as probe:
        looked = Examination(typed, probe, clock or SystemClock(), neighbours)
        return [finding async for finding in looked.findings()]


def wrongs(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.check, one.fault) for one in findings if one.mark is Mark.WRONG]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Running]:
    async with make.running(at=None, config=make.settings(partners=partners())) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def alipay(running: Running) -> Running:
    """The sandbox, with the partners every test begins with."""
    for partner in partners():
        running.sandbox.partners.add(partner)
    return running


@pytest.mark.parametrize("partner", [RSA2, MD5, RSA])
async def test_an_account_in_order_is_found_in_order(alipay: Running, partner: str) -> None:
    findings = await examined(draft(alipay, partner))
    assert {one.check: one.mark for one in findings} == dict.fromkeys(
        ("addresses", "partner", "charset", "our_key", "gateway", "clock", "signature", "answer", "letters", "sign_in"),
        Mark.WELL,
    )
    assert alipay.book.all_trades() == [], "nothing was left behind"


def spoiled(text: str) -> str:
    """A key whose plus signs a form has turned into blanks."""
    line = one_line(text)
    assert "+" in line
    return line.replace("+", " ")


PLANTED: dict[str, tuple[Callable[[Running], Draft], tuple[str, str]]] = {
    "another private key": (lambda at: draft(at, private_key=pair(2)[0]), ("signature", "our_key_unknown")),
    "another MD5 key": (lambda at: draft(at, MD5, md5_key="x" * 32), ("signature", "key_wrong_other_works")),
    "another MD5 key, and no pair": (
        lambda at: draft(at, MD5, md5_key="x" * 32, private_key="", app_id=""),
        ("signature", "md5_key_wrong"),
    ),
    "an MD5 key with a line end": (lambda at: draft(at, MD5, md5_key=f"{MD5_KEY}\n"), ("our_key", "md5_blank")),
    "an MD5 key with a blank": (lambda at: draft(at, MD5, md5_key=f" {MD5_KEY}"), ("our_key", "md5_blank")),
    "an MD5 key in quotes": (lambda at: draft(at, MD5, md5_key=f'"{MD5_KEY}"'), ("our_key", "md5_quoted")),
    "an invisible letter in the MD5 key": (
        lambda at: draft(at, MD5, md5_key=f"\ufeff{MD5_KEY}"),
        ("our_key", "md5_invisible"),
    ),
    "RSA instead of RSA2": (lambda at: draft(at, sign_type="RSA"), ("signature", "sign_type_other")),
    "RSA2 instead of RSA": (lambda at: draft(at, RSA, sign_type="RSA2"), ("signature", "sign_type_other")),
    "MD5 instead of RSA2": (lambda at: draft(at, sign_type="MD5", md5_key="y" * 32), ("signature", "sign_type_other")),
    "our own public key as Alipay's": (
        lambda at: draft(at, alipay_public_key=pair(0)[1]),
        ("answer", "alipay_key_is_ours"),
    ),
    "a stranger's key as Alipay's": (
        lambda at: draft(at, alipay_public_key=pair(2)[1]),
        ("answer", "alipay_key_wrong"),
    ),
    "half of Alipay's key": (
        lambda at: draft(at, alipay_public_key=make.alipay_keys()[1][:200]),
        ("answer", "alipay_key_unreadable"),
    ),
    "a private key as Alipay's": (lambda at: draft(at, alipay_public_key=pair(2)[0]), ("answer", "alipay_key_private")),
    "the public half as our private key": (lambda at: draft(at, private_key=pair(0)[1]), ("our_key", "key_other_half")),
    "a private key cut off": (lambda at: draft(at, private_key=pair(0)[0][:900]), ("our_key", "key_cut_off")),
    "text after the private key": (
        lambda at: draft(at, private_key=one_line(pair(0)[0]).rstrip("=") + "AAAA"),
        ("our_key", "key_junk_after"),
    ),
    "line ends written out": (
        lambda at: draft(at, private_key=pair(0)[0].replace("\n", "\\n")),
        ("our_key", "key_escaped"),
    ),
    "plus signs lost": (lambda at: draft(at, private_key=spoiled(pair(0)[0])), ("our_key", "key_plus_lost")),
    "a wrong armour": (
        lambda at: draft(at, private_key=pair(0)[0].replace("PRIVATE", "PUBLIC")),
        ("our_key", "key_label"),
    ),
    "a PID nobody has": (lambda at: draft(at, partner="2088999999999999"), ("signature", "partner_unknown")),
    "blanks in the PID": (lambda at: draft(at, partner=f"{RSA2[:8]} {RSA2[8:]}"), ("partner", "partner_blanks")),
    "PID and APPID exchanged": (
        lambda at: draft(at, partner="2016000000000011", app_id=RSA2),
        ("partner", "partner_is_app_id"),
    ),
    "a charset Alipay does not take": (lambda at: draft(at, charset="Big5"), ("charset", "charset_unknown")),
    "an APPID nobody has": (lambda at: draft(at, app_id="2016999999999999"), ("sign_in", "app_id_unknown")),
    "another key in the application": (
        lambda at: draft(at, MD5, private_key=pair(2)[0]),
        ("sign_in", "app_key_unknown"),
    ),
    "no key pair for signing in": (lambda at: draft(at, MD5, private_key=""), ("sign_in", "sign_in_no_key")),
    "another path": (
        lambda at: draft(at, gateway_url=f"{at.url}/gateway", openapi_url=f"{at.url}/gateway.do"),
        ("gateway", "not_alipay"),
    ),
    "an address where nobody listens": (
        lambda at: draft(at, gateway_url=f"http://127.0.0.1:{make.free_port()}/gateway.do"),
        ("gateway", "not_reached"),
    ),
    "a sandbox account at production's address": (
        lambda at: draft(at, gateway_url="https://intlmapi.alipay.com/gateway.do"),
        ("addresses", "address_production"),
    ),
    "a production account at the sandbox": (
        lambda at: draft(at, environment="production"),
        ("addresses", "address_sandbox"),
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
async def test_a_planted_fault_is_named_and_no_other(alipay: Running, fault: str) -> None:
    typed, expected = PLANTED[fault]
    findings = await examined(typed(alipay))
    assert wrongs(findings) == [expected], [(one.check, one.mark, one.fault, one.tried) for one in findings]


async def test_keys_of_two_accounts_that_were_exchanged_are_found(alipay: Running) -> None:
    known = alipay.sandbox.partners
    known.add(Partner("2088000000000014", "2016000000000014", sign_type="RSA2", public_key=pair(1)[1]))
    mine = draft(alipay)
    theirs = replace(mine, partner="2088000000000014", private_key=pair(1)[0])
    findings = await examined(
        replace(mine, private_key=pair(1)[0]), Neighbour("Bar", replace(theirs, private_key=pair(0)[0]))
    )
    assert wrongs(findings) == [("signature", "key_of_other_account")]
    findings = await examined(replace(theirs, partner="2088000000000099"), Neighbour("Bar", theirs))
    assert wrongs(findings) == [("signature", "partner_of_other_key")]


async def test_a_pair_that_was_uploaded_and_not_put_to_use_is_found(alipay: Running) -> None:
    alipay.sandbox.partners.add(Partner(RSA2, "2016000000000011", sign_type="RSA2", public_key=pair(1)[1]))
    spare = Neighbour("the pair of today", replace(draft(alipay), private_key=pair(1)[0]), spare=True)
    findings = await examined(draft(alipay), spare)
    assert wrongs(findings) == [("signature", "key_is_spare")]


async def test_an_account_of_the_other_environment_is_found_there(alipay: Running) -> None:
    async with make.running(at=None, config=make.settings(partners=[])) as production:
        elsewhere = Neighbour("Sandbox", draft(alipay, MD5))
        findings = await examined(draft(alipay, gateway_url=f"{production.url}/gateway.do"), elsewhere)
    assert wrongs(findings) == [("signature", "partner_elsewhere")]


async def test_a_partner_without_the_product_is_told_from_a_wrong_key(alipay: Running) -> None:
    alipay.sandbox.partners.add(
        Partner(RSA2, "2016000000000011", sign_type="RSA2", public_key=pair(0)[1], services=[make.CREATE])
    )
    assert wrongs(await examined(draft(alipay))) == [("signature", "product_missing")]


@pytest.mark.parametrize("minutes", [-45, 7])
async def test_a_wrong_clock_is_told_by_the_gateways_own(alipay: Running, minutes: int) -> None:
    clock = MovableClock(datetime.now(UTC) + timedelta(minutes=minutes))
    (finding,) = [one for one in await examined(draft(alipay), clock=clock) if one.mark is Mark.WRONG]
    assert (finding.check, finding.fault) == ("clock", "clock_slow" if minutes < 0 else "clock_fast")
    assert finding.values == {"minutes": str(abs(minutes))}


async def test_a_gateway_that_is_busy_or_silent_is_no_fault_of_the_keys(alipay: Running) -> None:
    plan = {"service": make.QUERY, "times": 1, "seconds": 0.02}
    await alipay.control("POST", "faults", plan | {"fault": "system_error_before"})
    assert wrongs(await examined(draft(alipay))) == [("signature", "busy")]
    await alipay.control("POST", "faults", plan | {"fault": "silence_before"})
    assert wrongs(await examined(draft(alipay))) == [("gateway", "silent")]


async def test_a_forged_answer_is_not_taken_for_a_good_key(alipay: Running) -> None:
    await alipay.control(
        "POST", "faults", {"service": make.QUERY, "times": 1, "seconds": 0.02, "fault": "bad_signature"}
    )
    assert wrongs(await examined(draft(alipay))) == [("answer", "alipay_key_wrong")]


@asynccontextmanager
async def between(alipay: Running, change: Callable[[str], str]) -> AsyncIterator[str]:
    """A proxy that changes the query of what passes."""

    async def pass_on(request: web.Request) -> web.Response:
        body = await request.read()
        url = f"{alipay.url}{request.path}{change(request.query_string)}"
        async with alipay.client.post(
            url, data=body, headers={"Content-Type": request.headers["Content-Type"]}
        ) as said:
            return web.Response(body=await said.read(), status=said.status, content_type=said.content_type)

    app = web.Application()
    app.router.add_post("/{path:.*}", pass_on)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_proxy_that_cuts_the_address_or_changes_the_charset_is_found(alipay: Running) -> None:
    async with between(alipay, lambda query: "") as url:
        findings = await examined(draft(alipay, gateway_url=f"{url}/gateway.do"))
        assert wrongs(findings) == [("signature", "query_lost")]
    async with between(alipay, lambda query: "?" + query.replace("=UTF-8", "=GBK")) as url:
        findings = await examined(draft(alipay, gateway_url=f"{url}/gateway.do"))
        assert wrongs(findings) == [("signature", "charset_other")]


async def test_the_open_api_at_the_gateways_place_is_recognised(alipay: Running) -> None:
    async def say(_: web.Request) -> web.Response:
        return web.Response(body=b'{"error_response":{"code":"40002"}}', content_type="text/html")

    app = web.Application()
    app.router.add_post("/gateway.do", say)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/gateway.do"
        assert wrongs(await examined(draft(alipay, gateway_url=url))) == [("gateway", "is_openapi")]
    finally:
        await runner.cleanup()


async def test_no_finding_holds_a_key(alipay: Running) -> None:
    secrets = [MD5_KEY, *one_line(pair(0)[0])[40:].split("\n")]
    for partner in (RSA2, MD5):
        for typed in (draft(alipay, partner), draft(alipay, partner, sign_type="RSA")):
            said = repr((await examined(typed), typed))
            assert not any(secret in said for secret in secrets)


async def test_a_mended_draft_is_what_an_account_takes(alipay: Running) -> None:
    typed = draft(alipay, private_key=pair(0)[0].replace("\n", "\\n"), partner=f" {RSA2} ")
    mended = typed.mended()
    assert read_key(mended.private_key, "private").flaw == "" and mended.partner == RSA2
    assert wrongs(await examined(mended)) == []
