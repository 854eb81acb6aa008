"""A page on a phone in a basement: four times slower than this machine, 1.6 Mbit/s, 150 ms to anywhere.

    python -m tests.journeys.slow_phone [--demo DIR]

What a reader would get wrong: the first paint depends on how busy this machine is, weight and what moves do not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from playwright.sync_api import Browser, sync_playwright

from tests.browser import FLAGS, find

SLOWER = 4
BYTES_A_SECOND = 1_600_000 / 8
MILLISECONDS_AWAY = 150
_WATCH = """
window.seen = { paint: 0, moved: 0, what: [] };
new PerformanceObserver((list) => { for (const one of list.getEntries())
  if (one.name === 'first-contentful-paint') window.seen.paint = one.startTime;
}).observe({ type: 'paint', buffered: true });
new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) {
  window.seen.moved += one.value;
  for (const { node } of one.sources)
    window.seen.what.push(((node && (node.outerHTML || node.data)) || '?').slice(0, 80));
} }).observe({ type: 'layout-shift', buffered: true });
"""


@dataclass
class Seen:
    """What one visit showed: milliseconds to the first paint, what was moved (CLS) and by name, bytes on the wire."""

    paint: float
    moved: float
    what: list[str]
    weights: dict[str, int] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        """Everything that came, heads and photos too."""
        return sum(self.weights.values())

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind} {size / 1000:.1f}" for kind, size in sorted(self.weights.items()))
        return f"first paint {self.paint:.0f} ms, {self.weight / 1000:.1f} kB ({kinds}), moved {self.moved:.4f}"


def visit(browser: Browser, url: str, *, tap: str = "") -> Seen:
    """Open `url` on a new slow phone, wait until nothing more comes, tap `tap`, wait again."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, device_scale_factor=2, is_mobile=True, has_touch=True, locale="en-US"
    )
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    kinds: dict[str, str] = {}
    weights: dict[str, int] = {}

    def came(event: dict[str, object]) -> None:
        kind = kinds.get(str(event["requestId"]), "other")
        weights[kind] = weights.get(kind, 0) + int(float(str(event["encodedDataLength"])))

    def answered(event: dict[str, object]) -> None:
        kinds[str(event["requestId"])] = str(event["type"]).lower()

    wire.on("Network.responseReceived", answered)
    wire.on("Network.loadingFinished", came)
    wire.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": MILLISECONDS_AWAY,
            "downloadThroughput": BYTES_A_SECOND,
            "uploadThroughput": BYTES_A_SECOND / 2,
        },
    )
    wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(_WATCH)
    page.goto(url, wait_until="load")
    # The live connection stays open for good, so "nothing more comes" is: no photo on its way any more.
    page.wait_for_function("() => [...document.images].every((one) => one.complete || one.loading === 'lazy')")
    page.wait_for_timeout(1_000)
    if tap:
        page.locator(tap).first.click()
        page.wait_for_timeout(1_500)
    seen = page.evaluate("window.seen")
    context.close()
    return Seen(seen["paint"], seen["moved"], seen["what"], weights)


def best_of(browser: Browser, url: str, tries: int, enough: float) -> Seen:
    """The quickest of at most so many visits; no more once one was quick enough: a busy machine is no slow page."""
    seen = visit(browser, url)
    for _ in range(tries - 1):
        if seen.paint < enough:
            break
        again = visit(browser, url)
        seen = again if again.paint < seen.paint else seen
    return seen


def main(words: Sequence[str] | None = None) -> int:
    """Print what each page that strangers open first weighs and takes."""
    from tests.journeys.screens import a_demo

    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--demo", default="", help="folder of a demo that runs already")
    asked = reader.parse_args(words)
    with a_demo(asked.demo) as house, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=list(FLAGS))
        for merchant in ("Noodle House", "Burrito Bar"):
            print(f"{merchant}, table: {best_of(browser, house.table(merchant, 0)['url'], 3, 1_000)}", flush=True)
        for name, url in strangers(house.told):
            print(f"{name}: {best_of(browser, url, 3, 1_000)}", flush=True)
        browser.close()
    return 0


def strangers(told: dict[str, object]) -> list[tuple[str, str]]:
    """Other pages that somebody opens who has never been here, as far as this demo has them."""
    found = []
    for name in ("order_pages", "kiosks"):
        rows = told.get(name, [])
        found += [(name, str(row["url"])) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return found


if __name__ == "__main__":
    sys.exit(main())
