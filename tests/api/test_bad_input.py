"""Whatever is thrown at the partner API: a clear problem, nothing changed, never a 500."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saoma.api.problems import KINDS
from saoma.kit.clock import MovableClock
from saoma.kit.i18n import LANGUAGES, texts
from tests.api.make import Deployment, Program, barcode, deployment

JUNK: list[Any] = [
    None,
    True,
    0,
    1.5,
    -1,
    "",
    " ",
    "\x00",
    "x" * 70_000,
    [],
    {},
    [1],
    {"a": 1},
    "日本",
    "\ud800",
    "1e3",
]
AMOUNTS = [
    *("", "0", "0.00", "-1", "+1", "1,00", "1.", ".5", "1.001", "1e2", " 1", "1 ", "NaN", "Infinity", "0x10"),
    *("9999999999", "١٢", "1.2.3", "$1", "12.50\n", "00000000001.00"),
]
BODIES = [
    *(b"", b"{", b"[]", b"null", b'"x"', b"{}", b"\xff\xfe{}", b'{"a":', b"{}{}", b"\x00", b"[" * 20_000, b"{'a':1}"),
    *(b"\xef\xbb\xbf{}", b'{"method":"\\ud800"}', b"<xml/>", b"a=1&b=2", b'{"amount": 12.50}', b"1" * 5000),
]


def mistakes() -> list[tuple[str, Any]]:
    """Single mistakes in an otherwise good body, one per line."""
    found: list[tuple[str, Any]] = []
    for name, junk in itertools.product(("method", "amount", "currency", "payment_code", "subject"), JUNK):
        if not (name == "subject" and junk in ("日本", "1e3")):
            found.append((name, junk))
    found += [("amount", amount) for amount in AMOUNTS]
    for name, junk in itertools.product(("store", "terminal", "reference"), JUNK):
        if junk not in ("",) and not (name == "reference" and junk in (" ", "日本", "1e3")):
            found.append((name, junk))
    found += [("currency", each) for each in ("usd", "US", "USDX", "XXX", "JPY", "CNY", "12A")]
    found += [("payment_code", each) for each in ("12345", "2" * 30, "http://a.example", "6901234567892", "281234x")]
    found += [("method", each) for each in ("cash", "card_terminal", "merchant_code", "BARCODE", "barcode ")]
    found += [
        (name, "x") for name in ("Amount", "amonut", "id", "status", "refunded", "merchant", "__proto__", "a" * 99)
    ]
    found += [("buyer_id", each) for each in ("2088", "x", 1, None)]
    return found


def raw(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


async def check_problem(answer: Any) -> dict[str, Any]:
    """It is a problem below 500 with words for everybody."""
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code and found["docs"] and found["request_id"].startswith("req_")
    for message in (found["message"], *found["messages"].values()):
        assert message["cashier"] and message["customer"]
    assert set(found["messages"]) == set(LANGUAGES)
    return found


async def test_no_single_mistake_in_a_payment_takes_money(house: Deployment, till: Program) -> None:
    wrong = mistakes()
    assert len({(name, repr(junk)) for name, junk in wrong}) >= 150
    for name, junk in wrong:
        body = raw(barcode() | {name: junk})
        answer = await till.http.post(
            "/api/v1/payments", content=body, headers=till.headers({"Content-Type": "application/json"})
        )
        await check_problem(answer)
    for name in ("method", "amount", "currency", "subject"):
        found = await check_problem(await till.post("/payments", barcode(**{name: None})))
        assert found["errors"][0]["field"] == name
    assert await house.count("SELECT count(*) FROM payments") == 0 and house.alipay.calls == []


@pytest.mark.parametrize("path", ["/payments", "/stores", "/terminals", "/webhooks", "/payments/{id}/refunds"])
async def test_no_broken_body_is_read_as_anything(house: Deployment, till: Program, path: str) -> None:
    payment = await till.pays()
    for body in BODIES:
        headers = till.headers({"Content-Type": "application/json"})
        answer = await till.http.post(f"/api/v1{path.format(id=payment['id'])}", content=body, headers=headers)
        await check_problem(answer)
    for media in ("", "text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded"):
        headers = till.headers({"Content-Type": media})
        answer = await till.http.post(
            f"/api/v1{path.format(id=payment['id'])}", content=raw(barcode()), headers=headers
        )
        assert (await check_problem(answer))["status"] == 415
    large = raw(barcode(subject="x" * 70_000))
    headers = till.headers({"Content-Type": "application/json"})
    answer = await till.http.post(f"/api/v1{path.format(id=payment['id'])}", content=large, headers=headers)
    assert (await check_problem(answer))["status"] == 413
    assert await house.count("SELECT count(*) FROM payments") == 1


async def test_no_guessed_id_finds_anything(till: Program) -> None:
    await till.pays()
    ids = [
        "x",
        "pay_",
        "pay_1",
        "pay_" + "0" * 25,
        "PAY_" + "0" * 25,
        "pay_" + "z" * 26,
        "..",
        "%00",
        "pay_%2e%2e",
        "日本",
    ]
    ids += ["sto_" + "0" * 25, "' OR 1=1 --", "pay_" + "o" * 25, "ref_" + "0" * 25]
    paths = ["/payments/{}", "/payments/{}/refunds", "/refunds/{}", "/stores/{}", "/terminals/{}", "/merchants/{}"]
    for path, each in itertools.product([*paths, "/webhooks/{}", "/webhooks/{}/deliveries"], ids):
        answer = await till.http.get(f"/api/v1{path.format(each)}", headers=till.headers())
        assert answer.status_code in (404, 200 if each == ".." else 404), (path, each)


async def test_strange_headers_change_nothing(till: Program) -> None:
    for name, value in (
        *(("Prefer", each) for each in ("", "wait", "wait=", "wait=x", "wait=1e9", "wait=99999999999", ",,,", "=;=")),
        *(("Accept-Language", each) for each in ("", "x" * 5000, "zh;q=nan", "*;q=2", ";;;", "zh-Hant-TW-x-a")),
        *(("Accept", each) for each in ("", "text/html", "application/xml", "*/*;q=0")),
        *(("Cookie", each) for each in ("saoma_session=x", "saoma_csrf=1; saoma_lang=zh", "=;=")),
    ):
        answer = await till.http.get("/api/v1/payments", headers=till.headers({name: value}))
        assert answer.status_code == 200, (name, value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["method", "amount", "currency", "payment_code", "subject", "store", "reference", "buyer_id"])


async def test_two_hundred_random_bodies_and_headers_never_break_it(
    database_url: str, clock: MovableClock, tmp_path: Path
) -> None:
    async with deployment(database_url, clock, tmp_path) as house:
        till = await house.program()
        cases: list[tuple[bytes, dict[str, str]]] = []

        @settings(max_examples=260, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(
            st.one_of(
                st.binary(max_size=60),
                JSON.map(lambda value: json.dumps(value).encode()),
                st.dictionaries(FIELDS, JSON, max_size=4).map(lambda wrong: raw(barcode() | wrong)),
            ),
            st.dictionaries(
                st.sampled_from(["Idempotency-Key", "Prefer", "Accept-Language", "Content-Type"]),
                st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
                max_size=2,
            ),
        )
        def collect(body: bytes, headers: dict[str, str]) -> None:
            cases.append((body, headers))

        collect()
        distinct = {(body, tuple(sorted(headers.items()))) for body, headers in cases}
        assert len(distinct) >= 200
        for body, extra in distinct:
            headers = till.headers({"Content-Type": "application/json", **dict(extra)})
            if "wait" in headers.get("Prefer", ""):
                continue
            answer = await till.http.post("/api/v1/payments", content=body, headers=headers)
            if answer.status_code not in (200, 201, 202):
                await check_problem(answer)


@pytest.mark.parametrize("kind", KINDS)
def test_every_problem_is_explained_to_everybody(kind: str) -> None:
    told = KINDS[kind]
    assert told.advice
    for text in (told.title, told.cashier, told.customer):
        assert texts("zh")(text) != text


async def test_a_problem_leads_to_its_explanation(till: Program) -> None:
    found = (await till.post("/payments", barcode(amount="0"))).json()
    page = await till.http.get(found["docs"])
    assert page.status_code == 200 and found["title"] in page.text
    assert (await till.http.get("/api/problems/nothing")).status_code == 404
