"""The classic holes of payment integrations, one test each, named after the hole, against the whole composed house.

Each was seen to fail with its guard taken out. An object of another merchant has a file of its own:
`test_other_merchants.py`."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import hashlib
import hmac
import itertools
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from litestar.routes import HTTPRoute

import saoma
from saoma.alipay.client import AlipayClient
from saoma.alipay.direct import Direct
from saoma.alipay.signing import SignType, md5_signatory, new_rsa_key, rsa_signatory, string_to_sign
from saoma.alipay.wire import form
from saoma.api.openapi import OPERATIONS
from saoma.gateway import Paid
from saoma.identity.api_keys import Scope
from saoma.identity.links import LinkPurpose, Links
from saoma.identity.roles import Role
from saoma.identity.wallet_sign_in import new_state, take_state
from saoma.kit.errors import Refused
from saoma.kit.ids import new_id
from saoma.notifications.postman import Postman
from saoma.notifications.signing import holds, signature
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment
from saoma.web.topics import read_topics
from tests.api.make import barcode
from tests.hostile.make import ANNA, FORM, REFUSED, TRACES, World, changed

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOURCE: Final = Path(saoma.__file__).parent


async def is_refused(of: World, payment: Payment, body: bytes, kind: str = f"{FORM}; charset=utf-8") -> None:
    """Posted, it is answered `fail`, nothing but its trace changes, and the payment still waits."""
    before = await of.state(REFUSED)
    answer = await of.notify(body, kind)
    assert (answer.status_code, answer.text) == (200, "fail")
    assert changed(before, await of.state(REFUSED)) == []
    assert (await of.payment(payment.id)).status is Status.PENDING


async def ends_paid(of: World, payment: Payment) -> dict[str, str]:
    """The true notification still does its work; what was posted."""
    of.house.alipay.buyer_pays(payment.order_number)
    true = of.signed(of.genuine(payment))
    assert (await of.notify(form(true, "utf-8"))).text == "success"
    assert (await of.payment(payment.id)).status is Status.SUCCEEDED
    return true


# --- notifications ----------------------------------------------------------------------------------------------------


async def test_unsigned_notify_is_refused(of: World) -> None:
    payment = await of.waiting()
    bare = of.genuine(payment)
    for fields in (
        bare,
        {**bare, "sign_type": "MD5"},
        {**bare, "sign_type": "MD5", "sign": ""},
        {**bare, "sign_type": "", "sign": ""},
        {**bare, "sign_type": "MD5", "sign": "0" * 32},
        {**bare, "sign_type": "MD5", "sign": of.account.md5_key},
        of.signed(bare, "a stranger's key"),
    ):
        await is_refused(of, payment, form(fields, "utf-8"))
    await ends_paid(of, payment)


async def test_amount_unchecked_is_no_hole_here(of: World) -> None:
    payment = await of.waiting()
    for wrong in (
        *({"total_fee": amount} for amount in ("0.01", "12.49", "12.51", "1250", "0.00", "-12.50", "12.5O")),
        *({"currency": currency} for currency in ("CNY", "HKD", "usd", "XXX")),
        {"total_fee": "0.01", "forex_total_fee": "0.01"},
        {"total_fee": "12.50", "forex_total_fee": "0.01"},
    ):
        await is_refused(of, payment, form(of.signed(of.genuine(payment, **wrong)), "utf-8"))
    silent = of.signed(of.genuine(payment, total_fee=""))
    await of.notify(form(silent, "utf-8"))
    left = await of.payment(payment.id)
    assert left.status is Status.PENDING and not left.booked, "it tells of money and not of how much: ask"
    await ends_paid(of, payment)


async def test_replay_of_a_notify_changes_nothing(of: World) -> None:
    first, second = await of.waiting(), await of.waiting()
    true = await ends_paid(of, first)
    before = await of.state(REFUSED)
    for _ in range(3):
        assert (await of.notify(form(true, "utf-8"))).text == "success"
    assert changed(before, await of.state(REFUSED)) == [], "a repetition counts for nothing"
    await is_refused(of, second, form(true | {"out_trade_no": second.order_number}, "utf-8"))
    await is_refused(of, second, form(true | {"notify_id": "another"}, "utf-8"))
    await of.house.rooms.payments.refund(first.id, first.money, "cold soup", "stf_boss", "k")
    before = await of.state(REFUSED)
    assert (await of.notify(form(true, "utf-8"))).text == "success"
    assert changed(before, await of.state(REFUSED)) == [], "money that went back is not taken again"
    await ends_paid(of, second)


async def test_sign_type_downgrade(of: World) -> None:
    private, public = new_rsa_key(2048)
    known = of.house.alipay.account  # type: ignore[attr-defined]
    of.house.alipay.account = replace(  # type: ignore[attr-defined]
        known, sign_type=SignType.RSA2, md5_key="", private_key=private, alipay_public_key=public
    )
    try:
        payment = await of.waiting()
        bare = of.genuine(payment)
        text = string_to_sign(bare)
        bare_key = "".join(line for line in public.splitlines() if "-----" not in line)
        for key in ("", public, bare_key, of.account.md5_key):
            digest = _md5(f"{text}{key}")
            for called in ("MD5", "RSA2", "RSA", "md5", ""):
                await is_refused(of, payment, form({**bare, "sign": digest, "sign_type": called}, "utf-8"))
        weak = rsa_signatory(SignType.RSA, private, None).sign(text.encode())
        for called in ("RSA", "RSA2"):
            await is_refused(of, payment, form({**bare, "sign": weak, "sign_type": called}, "utf-8"))
        strong = rsa_signatory(SignType.RSA2, private, None).sign(text.encode())
        await is_refused(of, payment, form({**bare, "sign": strong, "sign_type": "RSA"}, "utf-8"))
        of.house.alipay.buyer_pays(payment.order_number)
        assert (await of.notify(form({**bare, "sign": strong, "sign_type": "RSA2"}, "utf-8"))).text == "success"
    finally:
        of.house.alipay.account = known  # type: ignore[attr-defined]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


async def test_parameter_pollution_is_refused_whole(of: World) -> None:
    payment = await of.waiting()
    true = form(of.signed(of.genuine(payment)), "utf-8")
    for more in (b"&total_fee=0.01", b"&total_fee=12.50", b"&trade_status=TRADE_SUCCESS", b"&sign_type=MD5"):
        await is_refused(of, payment, true + more)
    await ends_paid(of, payment)


async def test_client_side_success(of: World) -> None:
    payment = await of.waiting()
    before = await of.state(TRACES | {"wallet_reports", "payment_events"})
    async with of.browser(buyer=ANNA) as phone:
        for code in ("9000", "8000", "success", "TRADE_SUCCESS"):
            answer = await phone.post(f"/pay/{payment.id}/reported", {"result_code": code})
            assert answer.status_code == 200
    left = await of.payment(payment.id)
    assert left.status is Status.PENDING and not left.booked
    moved = changed(before, await of.state(TRACES | {"wallet_reports", "payment_events"}))
    assert set(moved) <= {"payments"}, "it was asked about, and nothing else happened"
    await ends_paid(of, payment)


# --- XML --------------------------------------------------------------------------------------------------------------


@dataclass
class EvilGateway:
    """Answers every call with `body`; counts who asks it for anything else."""

    body: bytes = b""
    asked_elsewhere: list[str] = field(default_factory=list)
    url: str = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[EvilGateway]:
        """Behind a socket."""

        async def answer(request: web.Request) -> web.Response:
            if request.path != "/gateway.do":
                self.asked_elsewhere.append(request.path)
            return web.Response(body=self.body, content_type="text/xml")

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()


def _answer(subject: str, dtd: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{dtd}<alipay><is_success>T</is_success><response><alipay>'
        f"<result_code>SUCCESS</result_code><alipay_trans_status>TRADE_SUCCESS</alipay_trans_status>"
        f"<subject>{subject}</subject></alipay></response><sign>x</sign><sign_type>MD5</sign_type></alipay>"
    ).encode()


async def _asked(of: World, body_of: Callable[[str], bytes]) -> tuple[EvilGateway, Payment, str]:
    """A payment is asked about at a gateway that answers so; the payment after it, and all that was kept of it."""
    payment = await of.waiting()
    kept = of.house.rooms.gateways[of.ours.account_id]
    async with EvilGateway().serving() as evil, AlipayClient(of.house.clock, read_seconds=5) as client:
        evil.body = body_of(evil.url)
        account = replace(of.account, gateway_url=f"{evil.url}/gateway.do", openapi_url=f"{evil.url}/gateway.do")
        of.house.rooms.gateways[of.ours.account_id] = Direct(account, client, of.house.clock)
        try:
            of.house.clock.advance(timedelta(seconds=5))
            await of.house.rooms.payments.nudge(payment.id)
        finally:
            of.house.rooms.gateways[of.ours.account_id] = kept
    events = await of.house.rooms.payments.story(payment.id)
    return evil, await of.payment(payment.id), " ".join(str(event) for event in events)


@pytest.mark.parametrize("kind", ["general", "parameter", "doctype", "xinclude"])
async def test_xxe_reads_no_file_of_ours(of: World, tmp_path: Path, kind: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("THE-HOUSE-SECRET")

    def body(url: str) -> bytes:
        match kind:
            case "general":
                return _answer("&x;", f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]>')
            case "parameter":
                return _answer("x", f'<!DOCTYPE a [<!ENTITY % x SYSTEM "{url}/evil.dtd"> %x;]>')
            case "doctype":
                return _answer("x", f'<!DOCTYPE a SYSTEM "{url}/evil.dtd">')
            case _:
                include = (
                    f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{secret}" parse="text"/>'
                )
                return _answer(include, "")

    evil, payment, story = await _asked(of, body)
    assert payment.status is Status.PENDING and payment.code == "unreadable"
    assert evil.asked_elsewhere == [], "nothing was fetched for it"
    assert "THE-HOUSE-SECRET" not in story


async def test_billion_laughs_are_refused_unread(of: World) -> None:
    names = [f"l{number}" for number in range(12)]
    lines = ['<!ENTITY l0 "ha">']
    lines += [f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in itertools.pairwise(names)]
    began = asyncio.get_running_loop().time()
    _, payment, story = await _asked(of, lambda _: _answer(f"&{names[-1]};", f"<!DOCTYPE l [{''.join(lines)}]>"))
    assert payment.status is Status.PENDING and payment.code == "unreadable"
    assert asyncio.get_running_loop().time() - began < 5
    assert len(story) < 50_000


# --- ids --------------------------------------------------------------------------------------------------------------


async def test_id_enumeration_finds_nothing(of: World) -> None:
    made = [new_id("pay") for _ in range(2000)]
    assert len(set(made)) == 2000
    tails = [int(re.sub("[^0-9a-z]", "", each[14:])[-5:], 36) for each in made]
    steps = {later - earlier for earlier, later in itertools.pairwise(tails)}
    assert len(steps) > 1900, "no two neighbours tell the next"
    known = of.ids["api_payment"]
    till = await of.house.program(at=of.theirs)
    nothing = (await till.get(f"/payments/{new_id('pay')}")).json()
    for tried in (known, known[:-1] + ("0" if known[-1] != "0" else "1"), new_id("pay")):
        answer = await till.get(f"/payments/{tried}")
        assert answer.status_code == 404
        found = answer.json()
        assert {name: found[name] for name in ("detail", "title", "type", "messages")} == {
            name: nothing[name] for name in ("detail", "title", "type", "messages")
        }
    for public in (of.restaurant.tables[0].code, of.ids["code"]):
        assert not public.rpartition("_")[2].isdigit() and len(public) >= 16, "printed codes are no numbers to count"


# --- addresses --------------------------------------------------------------------------------------------------------

#: What leads to this machine, its network or its cloud, in every dress.
AT_HOME: Final = (
    *(
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://LOCALHOST.:{port}/",
        "http://a.localhost:{port}/",
    ),
    *("http://127.1:{port}/", "http://127.0.1:{port}/", "http://0:{port}/", "http://0.0.0.0:{port}/"),
    *("http://2130706433:{port}/", "http://0x7f000001:{port}/", "http://0x7f.1:{port}/", "http://0177.0.0.1:{port}/"),
    *("http://017700000001:{port}/", "http://127.0.0.1.:{port}/", "http://[::1]:{port}/", "http://[::]:{port}/"),
    *(
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::ffff:7f00:1]:{port}/",
        "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
    ),
    *("http://[64:ff9b::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/", "http://[fe80::1%25lo]:{port}/"),
    *("http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://10.0.0.5/", "http://192.168.0.1/"),
    *("http://172.16.0.1/", "http://100.64.0.1/", "http://metadata.google.internal/", "http://printer/"),
    *("http://router.local/", "http://\uff11\uff12\uff17.0.0.1:{port}/", "http://127\u30020\u30020\u30021:{port}/"),
    *("file:///etc/passwd", "gopher://127.0.0.1:{port}/", "ftp://127.0.0.1/", "dict://127.0.0.1:{port}/", "data:,x"),
    *("http://a@127.0.0.1:{port}/", "http://shop.example@127.0.0.1:{port}/", "http://shop.example\\@127.0.0.1:{port}/"),
    *("http://127.0.0.1:22/", "https://127.0.0.1:6379/../", "//127.0.0.1:{port}/", "http:/127.0.0.1:{port}/"),
)


@dataclass
class Doorbell:
    """A server at home that nobody outside may make us ring; with `leads_to`, it sends whoever rings elsewhere."""

    port: int = 0
    rings: list[str] = field(default_factory=list)
    leads_to: str = ""

    @asynccontextmanager
    async def hung(self) -> AsyncIterator[Doorbell]:
        """Behind a socket."""

        async def ring(request: web.Request) -> web.Response:
            self.rings.append(request.path)
            return web.Response(status=307 if self.leads_to else 200, headers={"Location": self.leads_to or "/"})

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", ring)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = int(runner.addresses[0][1])
        try:
            yield self
        finally:
            await runner.cleanup()


@pytest.fixture
def strict(of: World) -> Iterator[None]:
    """As in production: webhooks don't go to this machine."""
    of.house.rooms.hooks.loopback = False
    yield
    of.house.rooms.hooks.loopback = True


async def _sent(of: World, url: str, *, loopback: bool = False) -> str:
    """One event goes to that address, however it came to be registered; what became of the attempt."""
    rooms = of.house.rooms
    async with rooms.db.transaction() as tx:
        marks = {"url": url, "id": of.ids["webhook"], "delivery": of.ids["delivery"], "now": of.house.clock.now()}
        await tx.run("UPDATE webhooks SET url = %(url)s, deleted_at = NULL WHERE id = %(id)s", marks)
        sql = "UPDATE webhook_deliveries SET status = 'pending', due_at = %(now)s, begun_at = %(now)s"
        await tx.run(f"{sql} WHERE id = %(delivery)s", marks)
    async with Postman(rooms.db, of.house.clock, rooms.seal, loopback=loopback) as postman:
        await postman.deliver(of.ids["delivery"])
    async with rooms.db.reading() as rows:
        sql = "SELECT outcome FROM webhook_attempts WHERE delivery_id = %(id)s ORDER BY id DESC LIMIT 1"
        return str(await rows.value(sql, {"id": of.ids["delivery"]}))


@pytest.mark.usefixtures("strict")
async def test_ssrf_through_webhook_addresses(of: World) -> None:
    till = await of.house.program(at=of.ours)
    async with Doorbell().hung() as bell:
        for written in AT_HOME:
            url = written.format(port=bell.port)
            before = await of.state()
            answer = await till.post("/webhooks", {"url": url, "events": ["payment.succeeded"]})
            if answer.status_code == 422:
                assert answer.json()["detail"] and changed(before, await of.state()) == [], url
            outcome = await _sent(of, url)
            assert outcome == "forbidden" or ("{port}" in written and outcome == "unreachable"), (url, outcome)
            if answer.status_code == 201:
                assert (await till.delete(f"/webhooks/{answer.json()['id']}")).status_code == 204
        assert bell.rings == []


async def test_ssrf_through_dns_rebinding(of: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that was public when it was registered, and leads home when it is called; alone or among public ones."""
    loop = asyncio.get_running_loop()
    true = loop.getaddrinfo
    async with Doorbell().hung() as bell:
        for places in (["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"], ["10.0.0.7"]):

            async def told(host: Any, port: Any, *, places: list[str] = places, **more: Any) -> Any:
                if host != "rebind.example":
                    return await true(host, port, **more)
                family = [10 if ":" in place else 2 for place in places]
                return [(kind, 1, 6, "", (place, port)) for kind, place in zip(family, places, strict=True)]

            monkeypatch.setattr(loop, "getaddrinfo", told)
            assert await _sent(of, f"http://rebind.example:{bell.port}/") == "forbidden"
        monkeypatch.setattr(loop, "getaddrinfo", true)
        assert bell.rings == []


async def test_ssrf_through_redirects(of: World) -> None:
    async with Doorbell().hung() as home, Doorbell().hung() as front:
        front.leads_to = f"http://127.0.0.1:{home.port}/secret"
        assert await _sent(of, f"http://127.0.0.1:{front.port}/in", loopback=True) == "refused"
        assert (front.rings, home.rings) == (["/in"], []), "a redirect is an answer, not an errand"


async def test_open_redirect_leads_nowhere_else(of: World) -> None:
    elsewhere: tuple[str, ...] = (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
    )
    elsewhere += ("javascript:alert(1)", "http:evil.example", "/%0d%0aLocation:https://evil.example", "///evil.example")
    staff = await of.person(of.ours, Role.OWNER)
    link = Links(of.house.rooms.seal, of.house.clock)
    for where in elsewhere:
        async with of.browser() as browser:
            path = "/sign-in/link/" + link.make(LinkPurpose.SIGN_IN, staff.id, timedelta(hours=1))
            answers = [
                await browser.post(path, {"next": where}),
                await browser.http.get("/sign-in", params={"next": where}),
                await browser.http.get("/alipay/authorize", params={"next": where, "account": of.ours.account_id}),
                await browser.http.get(f"/till-payments/{of.ids['open_payment']}", params={"done": where}),
            ]
        for answer in answers:
            location = answer.headers.get("location", "")
            assert "evil" not in (urlsplit(location).hostname or "") and not location.startswith(("//", "/\\")), where
            assert "javascript" not in location, where
            assert not re.search(r'(href|action|content)="([/\\]{2,}|https?:/*)evil|="javascript:', answer.text), where


async def test_ssrf_through_return_urls(of: World) -> None:
    """Where a phone is sent after the wallet told us whose it is: web addresses, and nothing that could run or hide."""
    till = await of.house.program(at=of.ours)
    before = await of.state()
    for wrong in (
        *(
            "javascript:alert(document.cookie)",
            "data:text/html,<script>1</script>",
            "file:///etc/passwd",
            "//evil.example/x",
        ),
        *(
            "https://user:pw@shop.example/x",
            "https://shop.example@evil.example/",
            "https://shop.example/#x",
            "https:///x",
        ),
        *(
            "ftp://shop.example/x",
            "https://shop.example/\r\nLocation: x",
            "https://shop.example\\@evil.example/",
            "x" * 600,
        ),
    ):
        asked = {"return_url": wrong, "state": "a state of sixteen or more".replace(" ", "-"), "store": of.ids["store"]}
        answer = await till.post("/authorizations", asked)
        assert answer.status_code == 422, (wrong, answer.status_code, answer.text[:200])
    assert changed(before, await of.state()) == []


# --- timing -----------------------------------------------------------------------------------------------------------

_SECRET = re.compile(r"(^|_)(sign|signature|mac|digest|token|secret|password|pin|hash|hashed|md5_key|api_key)$")
#: What is compared by `==` and is no secret, with its reason.
NO_SECRETS: Final = {
    ("web/texts.py", "sign == 'US$'"): "a currency's sign",
    ("online/reckoning.py", "sign in '+0123456789'"): "a sign of a phone number",
    ("online/visits.py", "token != order.token"): "both are ours: which of this phone's orders is named twice",
    ("alipay/wire.py", "sign in text"): "a sign of punctuation",
    ("alipay/puzzle.py", "sign == sign.lower()"): "with itself",
    ("alipay/puzzle.py", "'%' in known['sign']"): "a percent sign",
    ("sandbox/gateway_pages.py", "code not in book.by_token"): "a toy's picture",
    ("sandbox/authorizing.py", "self.choices.other_apps_token == 'invalid'"): "a setting's word",
    ("sandbox/welcome.py", "partner.md5_key == _SAMPLE_KEY"): "which key is printed at the sandbox's own start",
    ("console/screens/console_sources.py", "said['drop_password'] == 'on'"): "a tick in a form",
}


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=value)):
            return str(value)
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=value), *_]):
            return str(value)
        case ast.Call(func=func):
            return _name(func)
    return ""


def plain_comparisons() -> set[tuple[str, str]]:
    """Where the source compares something named like a secret by `==`, `!=` or `in`."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and any(
                isinstance(how, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for how in node.ops
            ):
                sides = [node.left, *node.comparators]
                if any(_SECRET.search(_name(side)) for side in sides):
                    found.add((str(path.relative_to(SOURCE)), ast.unparse(node)))
    return found


async def test_timing_tells_nothing_of_secrets(of: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret is compared letter by letter: not in the source, and not on the way through any door."""
    assert plain_comparisons() == set(NO_SECRETS), "compare secrets with hmac.compare_digest, or say why it is none"
    compared: list[int] = []
    true = hmac.compare_digest

    def counted(one: Any, other: Any) -> bool:
        compared.append(len(one))
        return bool(true(one, other))

    monkeypatch.setattr(hmac, "compare_digest", counted)
    now = of.house.clock.now()
    links = Links(of.house.rooms.seal, of.house.clock)
    link = links.make(LinkPurpose.SIGN_IN, "stf_1", timedelta(hours=1))
    session: dict[str, Any] = {}
    new_state(session, "acc", "/", now)
    doors: dict[str, Callable[[], Any]] = {
        "an MD5 signature": lambda: md5_signatory("k").verify(b"x", "0" * 32),
        "a webhook's": lambda: holds("k", signature("l", b"x", now), b"x", now),
        "a link's": lambda: of.house.rooms.seal.unsign("link:sign_in", link[:-2] + "AA"),
        "an authorization's state": lambda: take_state(session, "another state", now),
        "live topics'": lambda: _ends_badly(lambda: read_topics("a.b.c", "secret", now)),
    }
    for door, knock in doors.items():
        compared.clear()
        knock()
        assert compared, f"{door} is compared in another way"
    monkeypatch.setattr(hmac, "compare_digest", true)
    async with of.house.rooms.db.reading() as rows:
        plans = await rows.connection.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'api_keys'")
        assert any("(hash)" in row["indexdef"] for row in await plans.fetchall()), "keys are found by their hash"


def _ends_badly(knock: Callable[[], Any]) -> None:
    with contextlib.suppress(Refused, ValueError):
        knock()


# --- forms ------------------------------------------------------------------------------------------------------------

#: Machines come here; what they send is signed, or carries a key that no browser sends by itself.
MACHINES: Final = {"/alipay/notify/{account_id:str}", "/acquirer/notify/{account_id:str}"}


def posts(of: World) -> list[tuple[str, str, bool]]:
    """Every route that changes something: method, path, whether it is exempt from tokens."""
    return [
        (str(method), route.path, bool(handler.opt.get("exclude_from_csrf")))
        for route in of.house.app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method not in ("GET", "HEAD", "OPTIONS")
    ]


async def test_csrf_changes_nothing_here(of: World) -> None:
    """Another site makes a signed-in owner's browser post anything anywhere: nothing happens."""
    owner, routes = await of.person(of.ours, Role.OWNER), posts(of)
    free = {path for _, path, exempt in routes if exempt and not path.startswith("/api/v1/")}
    assert free == MACHINES, "a form that needs no token"
    async with of.browser(owner, buyer=ANNA) as browser:
        await browser.get("/sign-in")
        before = await of.state()
        for method, path, exempt in routes:
            if exempt:
                continue
            where = re.sub(r"{(\w+):\w+}", lambda name: of.ids.get(name[1].removesuffix("_id"), "1"), path)
            for headers in (
                {"Origin": "https://evil.example"},
                {"Origin": "https://evil.example", "X-CSRF-Token": "0" * 128},
                {"Content-Type": "text/plain"},
            ):
                answer = await browser.http.request(method, where, headers=headers, content=b"name=x")
                assert answer.status_code == 403, (method, path)
            assert changed(before, await of.state()) == [], (method, path)
        for cookie in browser.http.cookies.jar:
            assert str(cookie.get_nonstandard_attr("SameSite")).lower() in ("lax", "strict"), cookie.name
        session = next(cookie for cookie in browser.http.cookies.jar if cookie.name == "saoma_session")
        assert session.has_nonstandard_attr("HttpOnly")


async def test_csrf_against_the_partner_api(of: World) -> None:
    """A browser that is signed in, but has no key, is nobody there; and a key in a cookie is none."""
    owner = await of.person(of.ours, Role.OWNER)
    till = await of.house.program(at=of.ours)
    async with of.browser(owner) as browser:
        before = await of.state()
        for method, path, _ in posts(of):
            if not path.startswith("/api/v1/"):
                continue
            where = re.sub(r"{(\w+):\w+}", lambda name: of.ids.get(name[1].removesuffix("_id"), "1"), path)
            answer = await browser.http.request(
                method, where, headers={"Cookie": f"api_key={till.secret}; Authorization=Bearer {till.secret}"}
            )
            assert answer.status_code == 401 and changed(before, await of.state()) == [], path


# --- who asks ---------------------------------------------------------------------------------------------------------


#: What opens to everybody: a guest's pages, machines' doors, ways in. Any other path without a guard is a hole.
PUBLIC: Final = re.compile(
    r"/$|/(sw\.js|(till|counter|tablet)\.webmanifest)$"
    r"|/(_parts|favicon\.ico|healthz|readyz|metrics|live|live/check|sign-in|sign-out|api/openapi\.json)$"
    r"|/(assets|photos|t|pay|receipt|pair|sign-in/link|alipay|acquirer/notify|api/problems|authorizations|be|staff-is|board|order)/"
)


async def test_missing_authorisation_on_a_path_without_a_guard(of: World) -> None:
    bare = {
        route.path
        for route in of.house.app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if not handler.resolve_guards() and handler.http_methods - {"OPTIONS"}
    }
    assert {path for path in bare if not PUBLIC.match(path)} == set(), "give it a guard, or say that it is public"


async def test_missing_authorisation_without_a_sign_in(of: World) -> None:
    guarded = 0
    before = await of.state()
    async with of.browser() as nobody:
        await nobody.get("/sign-in")
        for route in of.house.app.routes:
            if not isinstance(route, HTTPRoute):
                continue
            where = re.sub(r"{(\w+):\w+}", lambda name: of.ids.get(name[1].removesuffix("_id"), "1"), route.path)
            for handler in route.route_handlers:
                if not handler.resolve_guards():
                    continue
                for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                    guarded += 1
                    token = {"X-CSRF-Token": nobody.http.cookies["saoma_csrf"]}
                    answer = await nobody.http.request(str(method), where, headers=token)
                    wanted = (401,) if where.startswith("/api/") else (303, 401)
                    assert answer.status_code in wanted, (method, route.path, answer.status_code)
                    assert answer.headers.get("location", "/sign-in").startswith("/sign-in")
    assert guarded > 100
    assert changed(before, await of.state()) == []


async def test_missing_authorisation_by_a_lesser_key(of: World) -> None:
    for operation in OPERATIONS:
        others = [scope for scope in Scope if scope is not operation.scope]
        till = await of.house.program(*others, at=of.ours)
        before = await of.state()
        where = re.sub(r"{(\w+)}", lambda name: of.ids.get(name[1].removesuffix("_id"), "1"), operation.path)
        answer = await till.http.request(operation.method, where, headers=till.headers(), json=operation.example)
        assert answer.status_code == 403, operation.name
        assert changed(before, await of.state()) == [], operation.name


async def test_double_refund_gives_back_once(of: World) -> None:
    """Ten refunds of the whole amount at once give it back once."""
    till = await of.house.program(at=of.ours)
    payment = await till.pays()
    answers = await asyncio.gather(
        *(till.post(f"/payments/{payment['id']}/refunds", {"amount": "12.50"}) for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 9
    number = (await of.payment(payment["id"])).order_number
    assert of.house.alipay.trades[number].given_back == 1250


async def test_double_spend_takes_money_once(of: World) -> None:
    """Ten payments of one reference at once take it once; ten repetitions of one key are one payment."""
    till = await of.house.program(at=of.ours)
    known = len(of.house.alipay.trades)
    answers = await asyncio.gather(*(till.post("/payments", barcode(reference="once")) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    again = await asyncio.gather(*(till.post("/payments", barcode(), idempotency_key="the-same") for _ in range(10)))
    assert {answer.status_code for answer in again} <= {200, 201, 202}, [answer.text for answer in again]
    assert len({answer.json()["id"] for answer in again}) == 1
    assert len(of.house.alipay.trades) == known + 2


async def test_true_answer_to_another_question(of: World) -> None:
    """A notification that is genuine for one merchant's account, at another account's door."""
    payment = await of.waiting()
    of.house.alipay.buyer_pays(payment.order_number)
    true = of.signed(of.genuine(payment))
    before = await of.state(REFUSED)
    assert (await of.notify(form(true, "utf-8"), account_id="acc_" + "0" * 25)).text == "fail"
    assert (await of.notify(form(of.signed(of.genuine(payment, seller_id="2088999999999999")), "utf-8"))).text == "fail"
    assert changed(before, await of.state(REFUSED)) == []
    assert isinstance(of.house.alipay._query(payment.order_number), Paid)
    assert (await of.notify(form(true, "utf-8"))).text == "success"
