"""The report of a real run in a real browser: read by keyboard in both languages, on a phone and a desk, and by axe."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from saoma.validator.command import Wish, run_validate
from tests.browser import chromium_running
from tests.journeys.looking import faults
from tests.validator.make import Bench

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.journey]
#: As it should be, wrong, and not asked of who sells tickets.
CASES = {"V3": "passed", "V8": "failed", "S14": "not applicable"}


def read(address: str) -> None:
    """As a developer would, on a phone and on a desk; the page opens in Chinese."""
    with chromium_running() as browser:
        for width, dark in ((360, False), (1200, True)):
            visitor = browser.new_page(
                viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light"
            )
            visitor.goto(address)
            assert visitor.title() == "Test shop 的验证"
            chinese, english = visitor.locator("main.zh"), visitor.locator("main.en")
            assert "撤销失败两次" in chinese.locator("[data-case=V8]").inner_text()
            assert not english.is_visible() and faults(visitor) == []
            assert visitor.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
            visitor.locator("#zh").focus()
            visitor.keyboard.press("ArrowLeft")
            assert english.get_by_role("heading", level=1).inner_text() == "Validation of Test shop"
            assert "Not fit to go live yet." in english.inner_text() and not chinese.is_visible()
            for case, outcome in CASES.items():
                assert outcome in english.locator(f"[data-case={case}] summary").inner_text()
            failed, passed = (english.locator(f"[data-case={case}]") for case in ("V8", "V3"))
            assert failed.locator("svg").is_visible() and failed.locator("pre b").count(), "what failed is open"
            assert not passed.locator("svg").is_visible()
            passed.locator("summary").focus()
            visitor.keyboard.press("Enter")
            assert passed.locator("svg").is_visible() and "WAIT_BUYER_PAY" in passed.locator("pre").inner_text()
            assert visitor.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
            assert faults(visitor) == []
            visitor.close()


async def test_the_report_is_read_on_a_phone_and_on_a_desk(bench: Bench, tmp_path: Path) -> None:
    bench.shop.wrong = {"cancels_twice"}
    page = tmp_path / "report.html"
    wish = Wish(
        target=f"{bench.shop.home}/adapter", sandbox=bench.control.url, cases=tuple(CASES), solutions=("ticket",),
        silence=0.02, page=page, lang="zh",
    )  # fmt: skip
    assert await asyncio.to_thread(run_validate, wish) == 1
    await asyncio.to_thread(read, page.as_uri())
