"""The report's page in a real browser: read by keyboard in both languages, fit for a phone, and looked at by axe."""

from __future__ import annotations

import asyncio

import pytest

from saoma.validator.page import as_page
from tests.browser import chromium_running
from tests.journeys.looking import faults
from tests.validator.make import Bench, Right
from tests.validator.test_reports import report

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.journey]
ADDRESS = "http://report.test/"


def read(page: bytes) -> None:
    """As a developer would, on a phone and on a desk."""
    with chromium_running() as browser:
        for width, dark in ((360, False), (1200, True)):
            visitor = browser.new_page(
                viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light"
            )
            visitor.route(ADDRESS, lambda route: route.fulfill(body=page, content_type="text/html; charset=utf-8"))
            visitor.goto(ADDRESS)
            assert visitor.get_by_role("heading", level=1).inner_text() == "Validation of Noodles <&> 面馆"
            failed, passed = (visitor.locator(f"main.en [data-case={case}]") for case in ("V8", "V3"))
            assert failed.locator("svg").is_visible(), "what failed is open"
            assert not passed.locator("svg").is_visible()
            passed.locator("summary").focus()
            visitor.keyboard.press("Enter")
            assert passed.locator("svg").is_visible() and "WAIT_BUYER_PAY" in passed.locator("pre").inner_text()
            assert visitor.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
            assert faults(visitor) == []
            visitor.locator("#en").focus()
            visitor.keyboard.press("ArrowRight")
            assert "撤销失败两次" in visitor.locator("main.zh [data-case=V8]").inner_text()
            assert not visitor.locator("main.en").is_visible()
            visitor.close()


async def test_the_report_is_read_on_a_phone_and_on_a_desk(bench: Bench, right: Right) -> None:
    await asyncio.to_thread(read, as_page(await report(bench, right)))
