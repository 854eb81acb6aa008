"""Headers, assets, health and live updates around every page."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from litestar.testing import AsyncTestClient, TestClient

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.live import Live
from saoma.web import assets
from saoma.web.live import Stopping, _stream
from saoma.web.page import Reader, render
from saoma.web.security import content_policy
from saoma.web.topics import sign_topics
from tests.web.make import SECRET, server


@pytest.mark.parametrize("path", ["/form", "/no/such/page", "/raise/broken", "/healthz", "/assets/icon.svg"])
def test_every_answer_tells_the_browser_to_trust_nothing_foreign(path: str) -> None:
    with TestClient(server(), raise_server_exceptions=False) as client:
        headers = client.get(path).headers
    assert "script-src 'self';" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "camera=(self)" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers


def test_only_a_house_on_https_asks_for_https_for_good() -> None:
    with TestClient(server(secure=True)) as client:
        assert "max-age=31536000" in client.get("/healthz").headers["strict-transport-security"]


def test_a_screen_may_add_sources_to_the_policy() -> None:
    policy = content_policy({"script-src": ["'wasm-unsafe-eval'"], "frame-ancestors": ["'self'"]})
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "frame-ancestors 'self'" in policy and "frame-ancestors 'none'" not in policy


def test_styles_are_kept_for_a_year_and_come_in_the_smallest_form() -> None:
    with TestClient(server()) as client:
        url = assets.asset_url("saoma.css")
        small = client.get(url, headers={"Accept-Encoding": "gzip, br"})
        plain = client.get(url, headers={"Accept-Encoding": "identity"})
    assert small.headers["content-encoding"] == "br"
    assert "immutable" in small.headers["cache-control"]
    assert "content-encoding" not in plain.headers
    assert plain.headers["content-type"].startswith("text/css")
    assert len(plain.content) > 4 * int(small.headers["content-length"])


def test_a_page_names_its_styles_in_the_head_of_its_answer() -> None:
    with TestClient(server()) as client:
        page = client.get("/form")
        assert page.headers["link"] == f"<{assets.asset_url('saoma.css')}>; rel=preload; as=style"
        assert f'href="{assets.asset_url("saoma.css")}"' in page.text


def test_an_asset_outside_the_built_folder_is_not_there() -> None:
    with TestClient(server()) as client:
        for name in ("manifest.json", "..%2Fframe.py", "stamp"):
            assert client.get(f"/assets/{name}").status_code == 404


def test_without_built_styles_the_start_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(assets, "BUILT", tmp_path)
    assets.manifest.cache_clear()
    try:
        with pytest.raises(assets.NotBuilt, match="make setup"):
            assets.asset_url("saoma.css")
    finally:
        assets.manifest.cache_clear()


def test_a_page_is_packed_for_who_can_unpack_it() -> None:
    with TestClient(server()) as client:
        packed = client.get("/form", headers={"Accept-Encoding": "gzip"})
        plain = client.get("/form", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text.count("<") == plain.text.count("<")


def test_the_language_and_theme_asked_for_are_remembered() -> None:
    with TestClient(server()) as client:
        first = client.get("/form?lang=zh&theme=dark")
        assert 'lang="zh-CN" data-theme="dark"' in first.text
        second = client.get("/form")
        assert 'lang="zh-CN" data-theme="dark"' in second.text
        third = client.get("/form?theme=auto")
        assert "data-theme" not in third.text.split("<head>")[0]


def test_ready_says_which_part_is_missing() -> None:
    async def broken() -> bool:
        raise OSError("no route")

    async def fine() -> bool:
        return True

    with TestClient(server(checks={"wallet": broken, "lamp": fine})) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"wallet": False, "lamp": True}
        assert client.get("/healthz").json() == {"status": "ok"}


async def test_ready_asks_the_database(database: Database) -> None:
    async with AsyncTestClient(server(database)) as client:
        assert (await client.get("/readyz")).json() == {"status": "ready", "checks": {"database": True}}


def test_metrics_are_for_near_eyes_only() -> None:
    app = server()
    with TestClient(app) as client:
        assert client.get("/metrics", headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 404


async def test_a_signed_page_hears_what_happens_and_what_it_missed(database: Database, clock: MovableClock) -> None:
    live = Live(database, look_every=0.05)
    await live.start()
    try:
        since = live.mark
        async with database.transaction() as tx:
            await tx.tell("sitting:one", "basket", {"lines": 2})
            await tx.tell("sitting:two", "basket", {"lines": 9})
        heard = b""
        async with asyncio.timeout(30):
            async for chunk in _stream(live, ["sitting:one"], since, Stopping()):
                heard += chunk
                if b"event: live" in heard:
                    break
        assert b'"kind":"basket"' in heard and b'"lines":2' in heard and b'"lines":9' not in heard
        assert heard.startswith(b"retry: ")
        assert b"id: " in heard
    finally:
        await live.stop()


async def test_who_was_signed_for_nothing_hears_nothing(database: Database, clock: MovableClock) -> None:
    live = Live(database)
    async with AsyncTestClient(server(database, clock=clock, live=live)) as client:
        token = sign_topics(["till:one"], SECRET, clock.now())
        assert (await client.get("/live/check", params={"t": token})).status_code == 204
        assert (await client.get("/live/check")).status_code == 403
        assert (await client.get("/live", params={"t": token + "x"})).status_code == 403


def test_names_in_a_page_are_text_and_never_markup() -> None:
    html = render("web/toast.html", Reader(), text="<script>alert(1)</script>", code="")
    assert "<script>" not in html and "&lt;script&gt;" in html
