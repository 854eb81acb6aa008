"""The parts and the frame in a real browser: they fit a small phone, stay light, and do what the screens rely on."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from saoma.web.assets import assets, manifest
from tests.browser import chromium_running

pytestmark = pytest.mark.skipif(os.environ.get("SAOMA_NO_BROWSER") == "1", reason="no browser was asked for")
ROOT = Path(__file__).parents[2]
#: Set to a folder to keep pictures of every part for looking at.
PICTURES = os.environ.get("SAOMA_PICTURES", "")


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = _serve(port)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _serve(port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "tests.web.make:app"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1)
            break
        except OSError:
            time.sleep(0.1)
    return process


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium_running() as running:
        yield running


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, locale="en-GB")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    # What the tests themselves provoke: a refusal, and a live connection that is cut.
    provoked = ("status of 409", "/live", "ERR_INCOMPLETE_CHUNKED", "ERR_FAILED")
    assert [said for said in complaints if not any(part in said for part in provoked)] == []


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("width", "height", "theme"), [(360, 740, "light"), (360, 740, "dark"), (1440, 900, "dark")])
def test_every_part_fits_its_screen_without_a_word_from_the_console(
    phone: Page, base: str, lang: str, width: int, height: int, theme: str
) -> None:
    phone.set_viewport_size({"width": width, "height": height})
    phone.goto(f"{base}/_parts?lang={lang}&theme={theme}")
    expect(phone).to_have_title(re.compile("Saoma"))
    expect(phone.locator(".theme-room")).to_have_count(2)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wide = phone.evaluate(
        """[...document.querySelectorAll('main *')].filter(e => { const r = e.getBoundingClientRect();
        return r.width > 0 && r.right > innerWidth + 1 && !e.closest('.tabs, .table-frame, .sr, dialog, svg') })
        .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert wide == []
    if PICTURES:
        phone.screenshot(path=f"{PICTURES}/parts-{lang}-{width}-{theme}.png", full_page=True)


def test_everything_to_press_is_large_enough_for_a_thumb(phone: Page, base: str) -> None:
    phone.goto(f"{base}/_parts")
    small = phone.evaluate(
        """[...document.querySelectorAll('.button, .tabs a, .tabs button, select, .field input, label.option')]
        .filter(e => { const r = e.getBoundingClientRect(); return r.height > 0 && r.height < 44
          && !['checkbox', 'radio'].includes(e.type) }).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert small == []


def test_everything_to_press_has_a_name_for_those_who_do_not_see(phone: Page, base: str) -> None:
    phone.goto(f"{base}/_parts")
    unnamed = phone.evaluate(
        """[...document.querySelectorAll('button, a, input:not([type=hidden]), select, textarea, summary')]
        .filter(e => !(e.textContent || '').trim() && !e.getAttribute('aria-label') && !(e.labels && e.labels.length))
        .map(e => e.outerHTML.slice(0, 90))"""
    )
    assert unnamed == []


def test_the_frame_of_a_page_weighs_less_than_sixty_kilobytes(base: str) -> None:
    request = urllib.request.Request(f"{base}/form", headers={"Accept-Encoding": "gzip"})
    page = len(urllib.request.urlopen(request).read())
    style, script = (len(assets()[manifest()[name]].gzip) for name in ("saoma.css", "saoma.js"))
    assert page + style + script < 60_000, (page, style, script)


def test_a_sheet_opens_closes_and_gives_the_focus_back(phone: Page, base: str) -> None:
    phone.goto(f"{base}/_parts")
    opener = phone.locator('[data-open="sheet-light"]')
    opener.click()
    expect(phone.locator("#sheet-light")).to_be_visible()
    phone.keyboard.press("Escape")
    expect(phone.locator("#sheet-light")).to_be_hidden()
    expect(opener).to_be_focused()
    opener.click()
    phone.locator("#sheet-light [data-close]").click()
    expect(phone.locator("#sheet-light")).to_be_hidden()


def test_the_number_pad_writes_money_and_nothing_else(phone: Page, base: str) -> None:
    phone.goto(f"{base}/_parts")
    pad = phone.locator("#light [data-pad]")
    field = pad.locator("input")
    field.fill("")
    for key in ("1", "2", ".", "3", "4", "5", "."):
        pad.locator(f'[data-key="{key}"]').click()
    expect(field).to_have_value("12.34")
    pad.locator('[data-key="back"]').click()
    expect(field).to_have_value("12.3")
    field.press_sequentially("x9")
    expect(field).to_have_value("12.39")


def test_a_stepper_counts_within_its_limits(phone: Page, base: str) -> None:
    phone.goto(f"{base}/_parts")
    stepper = phone.locator("#light [data-stepper]").nth(1)
    less, more = stepper.locator('[data-step="-1"]'), stepper.locator('[data-step="1"]')
    expect(less).to_be_disabled()
    more.click()
    expect(stepper.locator("output")).to_have_text("1")
    expect(stepper.locator("input")).to_have_value("1")
    less.click()
    expect(less).to_be_disabled()


def test_language_and_theme_change_by_links_and_sound_by_a_switch(phone: Page, base: str) -> None:
    phone.goto(f"{base}/_parts")
    menu = phone.locator("details.choices")
    menu.locator("summary").click()
    menu.get_by_text("中文").click()
    expect(phone.locator("html")).to_have_attribute("lang", "zh-CN")
    menu.locator("summary").click()
    menu.get_by_text("深色").click()
    expect(phone.locator("html")).to_have_attribute("data-theme", "dark")
    assert phone.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 28)"
    menu.locator("summary").click()
    menu.locator('[data-sound-switch="off"]').click()
    phone.reload()
    menu.locator("summary").click()
    expect(menu.locator('[data-sound-switch="off"]')).to_have_attribute("aria-pressed", "true")


def test_a_live_event_makes_the_part_that_listens_fetch_itself(phone: Page, base: str) -> None:
    with phone.expect_request("**/live?*"):
        phone.goto(f"{base}/drum")
    phone.wait_for_timeout(300)
    heard = _beat(base, "beat")
    assert heard.endswith("1-1"), "the page listens from the mark it was rendered at"
    expect(phone.locator("#count")).not_to_have_text("0")
    expect(phone.locator("#live-lost")).to_be_hidden()


def test_a_page_that_was_cut_off_listens_again_from_its_last_mark(phone: Page, base: str) -> None:
    phone.goto(f"{base}/drum")
    phone.wait_for_timeout(300)
    _beat(base, "beat")
    expect(phone.locator("#count")).not_to_have_text("0")
    before = phone.locator("#count").inner_text()
    _beat(base, "hang-up")
    with phone.expect_request("**/live?*since=*", timeout=10_000):
        pass
    phone.wait_for_timeout(300)
    _beat(base, "beat")
    expect(phone.locator("#count")).not_to_have_text(before)


def test_when_live_updates_stop_a_banner_says_so_until_they_come_back(phone: Page, base: str) -> None:
    phone.goto(f"{base}/drum")
    phone.wait_for_timeout(300)
    phone.route("**/live?*", lambda route: route.abort())
    _beat(base, "hang-up")
    expect(phone.locator("#live-lost")).to_be_visible(timeout=10_000)
    phone.unroute("**/live?*")
    expect(phone.locator("#live-lost")).to_be_hidden(timeout=20_000)


def test_a_request_by_script_carries_the_token_and_a_plain_form_too(phone: Page, base: str) -> None:
    phone.goto(f"{base}/drum")
    phone.locator("#change").click()
    expect(phone.locator("#changed")).to_have_text("changed")
    phone.locator("#plain").click()
    expect(phone.locator("body")).to_have_text("changed")


def test_a_refusal_is_a_toast_and_leaves_the_page_as_it_was(phone: Page, base: str) -> None:
    phone.goto(f"{base}/drum")
    phone.locator("#refused").click()
    expect(phone.locator("#toasts .toast.failed")).to_have_text(re.compile("7 min"))
    expect(phone.locator("#changed")).to_have_text("")
    phone.locator("#toasts [data-dismiss]").click()
    expect(phone.locator("#toasts .toast")).to_have_count(0)


def test_a_part_that_arrives_with_a_sound_plays_it_once(phone: Page, base: str) -> None:
    phone.goto(f"{base}/drum")
    phone.evaluate(
        "document.body.addEventListener('saoma:sound', e => (window.heard = [...(window.heard || []), e.detail]))"
    )
    phone.locator("#paid").click()
    expect(phone.locator("#changed")).to_have_text("Paid")
    phone.locator("#change").click()
    expect(phone.locator("#changed")).to_have_text("changed")
    assert phone.evaluate("heard") == ["paid"]


def _beat(base: str, kind: str) -> str:
    return urllib.request.urlopen(f"{base}/beat/{kind}").read().decode()


def test_a_server_with_listening_pages_stops_at_once_when_told_to() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = _serve(port)
    page = urllib.request.urlopen(f"http://127.0.0.1:{port}/drum").read().decode()
    found = re.search(r'data-live="([^"]+)"', page)
    assert found
    stream = urllib.request.urlopen(f"http://127.0.0.1:{port}{found[1]}")
    assert stream.readline() == b"retry: 2000\n"
    process.terminate()
    assert process.wait(8) == 0
    stream.close()
