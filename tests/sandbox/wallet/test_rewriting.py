"""What the in-wallet browser changes on the way, and what it leaves alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.sandbox.wallet.addresses import Origin
from saoma.sandbox.wallet.agents import AGENTS, agent_of
from saoma.sandbox.wallet.rewriting import (
    Injector,
    answer_headers,
    bridge_tag,
    cookie_of_this_host,
    loosened,
    nonce_of,
    own_cookies,
    request_headers,
)

APP = Origin("http", "127.0.0.1", 8000)
PHONE = "http://amy.localhost:8001"
TAG = b"<script src=/wallet/bridge.js></script>"


def answered(*headers: tuple[str, str], length_changes: bool = False) -> list[tuple[str, str]]:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    changed = answer_headers(raw, APP, 8001, frozenset(), with_bridge=True, length_changes=length_changes)
    return [(name.decode(), value.decode()) for name, value in changed]


def test_the_partner_sees_its_own_host_and_origin_and_the_wallets_agent() -> None:
    sent = request_headers(
        [
            (b"host", b"amy.localhost:8001"),
            (b"user-agent", b"Chrome"),
            (b"origin", PHONE.encode()),
            (b"referer", f"{PHONE}/t/abc?x=1".encode()),
            (b"accept-encoding", b"gzip, br"),
            (b"connection", b"keep-alive"),
            (b"x-csrf-token", b"t0ken"),
        ],
        APP,
        PHONE,
        "toy AlipayClient/1",
    )
    assert sent == [
        (b"host", b"127.0.0.1:8000"),
        (b"origin", b"http://127.0.0.1:8000"),
        (b"referer", b"http://127.0.0.1:8000/t/abc?x=1"),
        (b"x-csrf-token", b"t0ken"),
        (b"user-agent", b"toy AlipayClient/1"),
        (b"accept-encoding", b"identity"),
    ]


def test_another_sites_origin_is_not_passed_off_as_the_partners() -> None:
    lookalike = f"{PHONE}.evil.test".encode()
    sent = dict(request_headers([(b"origin", lookalike), (b"referer", lookalike)], APP, PHONE, ""))
    assert sent[b"origin"] == lookalike and sent[b"referer"] == lookalike


def test_a_phone_outside_the_wallet_keeps_the_browsers_agent() -> None:
    assert (b"user-agent", b"Chrome") in request_headers([(b"user-agent", b"Chrome")], APP, PHONE, "")


def test_pages_speak_the_language_chosen_in_the_wallet() -> None:
    headers = [(b"accept-language", b"fr")]
    assert (b"accept-language", b"zh-CN,zh;q=0.9") in request_headers(headers, APP, PHONE, "", "zh")
    assert (b"accept-language", b"fr") in request_headers(headers, APP, PHONE, "", "")


def test_the_wallets_cookies_stay_with_the_wallet() -> None:
    headers = [(b"cookie", b"session=a; wallet_partner=http://x; wallet_answer=9000; theme=dark")]
    assert (b"cookie", b"session=a; theme=dark") in request_headers(headers, APP, PHONE, "")
    assert own_cookies(headers) == {"wallet_partner": "http://x", "wallet_answer": "9000"}
    assert all(name != b"cookie" for name, _ in request_headers([(b"cookie", b"wallet_lang=zh")], APP, PHONE, ""))


@pytest.mark.parametrize(
    ("given_cookie", "kept"),
    [
        (b"a=b; Domain=shop.example; Path=/; Secure; HttpOnly; SameSite=Lax", b"a=b; Path=/; HttpOnly; SameSite=Lax"),
        (b"a=b; SameSite=None; Secure", b"a=b"),
        (b"__Host-a=b; Path=/; Secure; SameSite=None", b"__Host-a=b; Path=/; Secure; SameSite=None"),
        (b"a=b=c; expires=Wed, 21 Oct 2026 07:28:00 GMT", b"a=b=c; expires=Wed, 21 Oct 2026 07:28:00 GMT"),
        (b"wallet_partner=http://evil.test", b""),
    ],
)
def test_a_cookie_becomes_one_of_the_phones_host(given_cookie: bytes, kept: bytes) -> None:
    assert cookie_of_this_host(given_cookie) == kept


def test_frames_are_allowed_and_redirects_stay_inside() -> None:
    assert answered(
        ("Content-Type", "text/html"),
        ("X-Frame-Options", "DENY"),
        ("Location", "http://127.0.0.1:8000/bill"),
        ("Set-Cookie", "a=1; Secure"),
        ("Set-Cookie", "b=2; Domain=x"),
        ("Strict-Transport-Security", "max-age=1"),
        ("Transfer-Encoding", "chunked"),
        ("ETag", '"v1"'),
    ) == [
        ("Content-Type", "text/html"),
        ("Location", "/bill"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("ETag", '"v1"'),
    ]


def test_a_body_that_changes_loses_its_length_and_others_keep_it() -> None:
    assert answered(("Content-Length", "10"), length_changes=True) == []
    assert answered(("Content-Length", "10")) == [("Content-Length", "10")]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("default-src 'self'; frame-ancestors 'none'", "default-src 'self'"),
        ("frame-ancestors 'none'", ""),
        (
            "default-src 'none'; img-src https:",
            "default-src 'none'; img-src https: 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
            "media-src 'self'",
        ),
        (
            "script-src 'nonce-abc'; upgrade-insecure-requests",
            "script-src 'nonce-abc' 'self'",
        ),
    ],
)
def test_a_policy_admits_the_bridge_and_stays_strict_otherwise(policy: str, expected: str) -> None:
    assert loosened(policy, with_bridge=True) == expected


def test_the_bridge_carries_the_pages_nonce() -> None:
    headers = [(b"Content-Security-Policy", b"default-src 'self'; script-src 'nonce-a1B2+/=' 'strict-dynamic'")]
    assert nonce_of(headers) == "a1B2+/="
    assert b' nonce="a1B2+/="' in bridge_tag(APP, nonce_of(headers), "x")
    assert b"nonce" not in bridge_tag(APP, "", "x")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<!doctype html><html><head>", b"<script>1</script></head><body></body></html>"),
        (b"<!DOCTYPE html><HTML><HEAD><title>a <script> in a title</title>", b"<SCRIPT src=x></SCRIPT></HEAD>"),
        (b"<!doctype html><html><head><!-- <script> --><style>a{}</style>", b"</head><body><script></script></body>"),
        (b"\xef\xbb\xbf\n<!-- hello --><html><head><title>x</title>", b"</head><body></body></html>"),
        (b"<!doctype html><p>no head at all</p>", b""),
        (b"<html>", b"<body>x</body></html>"),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_the_bridge_comes_before_the_first_script_or_at_the_end_of_the_head(
    before: bytes, after: bytes, step: int
) -> None:
    injector, whole = Injector(TAG), before + after
    out = b"".join(injector.feed(whole[at : at + step]) for at in range(0, len(whole), step)) + injector.finish()
    assert out == before + TAG + after


@given(st.lists(st.sampled_from([b"<p>", b"<script>", b"<!--", b"-->", b"</head>", b" ", b"x" * 70, b"<html"])))
def test_taking_the_bridge_out_again_gives_the_partners_bytes(parts: list[bytes]) -> None:
    injector = Injector(TAG)
    out = b"".join(injector.feed(part) for part in parts) + injector.finish()
    assert out.count(TAG) <= 1
    assert out.replace(TAG, b"") == b"".join(parts)


@pytest.mark.parametrize(
    "body", [b"<p>hello</p><script>1</script>", b"", b'{"a":1}', b"<div hx-swap-oob=true></div>" * 9]
)
def test_a_fragment_stays_byte_for_byte(body: bytes) -> None:
    injector = Injector(TAG)
    assert injector.feed(body) + injector.finish() == body


def test_every_phone_says_what_it_plays() -> None:
    for name in ("ios", "android"):
        assert "AliApp(AP/" in agent_of(name, "en").text and " AlipayClient/" in agent_of(name, "en").text
    assert "AlipayClientHK/" in agent_of("hk", "en").text and "AlipayClient/" not in agent_of("hk", "en").text
    assert "AlipayClient/" in agent_of("hk-mixed", "en").text and "AlipayClientHK/" in agent_of("hk-mixed", "en").text
    assert "MicroMessenger/" in agent_of("wechat", "en").text and not agent_of("wechat", "en").bridge
    assert agent_of("browser", "en").text == "" and agent_of("what?", "en").name == AGENTS[0].name
    assert "Language/zh-Hans" in agent_of("ios", "zh").text and "Language/en" in agent_of("ios", "en").text
