"""Pictures of every screen: `make screens` (or with words: `make screens ARGS="till kitchen"`) fills `screens/`.

Each screen in three widths, both languages, light and dark: look at them. `--demo DIR` uses a demo that runs
already; `--langs zh`, `--sizes phone`, `--light` make fewer. A scene is played once, then the window changes size."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser import FLAGS, find
from tests.journeys.conftest import House, Person, start_demo
from tests.journeys.looking import faults
from tests.journeys.measuring import slips

OUT = Path(__file__).resolve().parents[2] / "screens"
SIZES = {"small": (360, 740), "phone": (390, 844), "desk": (1440, 900)}
PHONES = ("small", "phone")
_DRAW_ALL = """() => { const all = new CSSStyleSheet();
  all.replaceSync("* { content-visibility: visible !important }"); document.adoptedStyleSheets = [all]; }"""


@dataclass
class Wanted:
    """Which pictures to take: no words means all screens."""

    words: list[str]
    langs: list[str]
    sizes: list[str]
    schemes: list[str]
    look: bool = False


class Tour:
    """Takes the pictures."""

    def __init__(self, browser: Browser, house: House, wanted: Wanted) -> None:
        self.browser = browser
        self.house = house
        self.wanted = wanted
        self.taken = 0

    def wants(self, name: str) -> bool:
        """Whether somebody asked for this screen."""
        return not self.wanted.words or any(word in name for word in self.wanted.words)

    def take(self, name: str, steps: Callable[[Person], object], *, sizes: tuple[str, ...] = tuple(SIZES)) -> None:
        """One screen: `steps` lead a new person to it."""
        if not self.wants(name):
            return
        for lang in self.wanted.langs:
            context = self.browser.new_context(
                viewport={"width": 390, "height": 844},
                locale={"en": "en-US", "zh": "zh-CN"}[lang],
                reduced_motion="reduce",
            )
            person = Person(context, self.house)
            person.page.set_default_timeout(10_000)
            first = SIZES[sizes[0]]
            person.page.set_viewport_size({"width": first[0], "height": first[1]})
            try:
                steps(person)
                person.page.wait_for_load_state("load")
            except Exception as error:  # a picture of what went wrong is worth more than none
                print(f"{name} ({lang}): {str(error).splitlines()[0]}", flush=True)
            person.page.wait_for_timeout(300)
            self._pictures(name, lang, person, sizes)
            if person.complaints:
                print(f"{name} ({lang}): {person.complaints}", flush=True)
            context.close()

    def narrowest(self, sizes: tuple[str, ...]) -> str:
        """The first of the sizes that somebody asked for."""
        return next((size for size in sizes if size in self.wanted.sizes), "")

    def _pictures(self, name: str, lang: str, person: Person, sizes: tuple[str, ...]) -> None:
        page = person.page
        framed = page.locator("iframe[name=page]").count() > 0
        for size in sizes:
            if size not in self.wanted.sizes:
                continue
            page.set_viewport_size({"width": SIZES[size][0], "height": SIZES[size][1]})
            # What sticks to the top would be drawn in the middle of a picture of the whole page.
            page.evaluate("scrollTo(0, 0)")
            # What is not drawn before somebody scrolls there would be missing in one.
            page.evaluate(_DRAW_ALL)
            for scheme in self.wanted.schemes:
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.wait_for_timeout(120)
                dark = "-dark" if scheme == "dark" else ""
                page.screenshot(path=str(OUT / f"{name}-{size}-{lang}{dark}.png"), full_page=not framed)
                self.taken += 1
                if self.wanted.look and (size == "desk" or size == self.narrowest(sizes)):
                    # Another theme changes colours alone, and another phone some pixels.
                    first, narrowest = scheme == self.wanted.schemes[0], size == self.narrowest(sizes)
                    told = faults(page, colours_only=not first) if narrowest or first else []
                    told += slips(page, thumbs=size in PHONES) if first else []
                    for fault in told:
                        print(f"{name} ({lang}, {size}, {scheme}): {fault}", flush=True)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wide > 0:
                print(f"{name} ({lang}, {size}): {wide} px wider than the window", flush=True)


@contextlib.contextmanager
def a_demo(folder: str) -> Iterator[House]:
    """The demo that runs in `folder`, or one of our own for as long as this takes."""
    if folder:
        yield House(Path(folder))
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as own:
        process = start_demo(Path(own))
        try:
            yield House(Path(own))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def main() -> int:
    """Start a demo, play a little, take the pictures."""
    from tests.journeys import scenes

    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("words", nargs="*", help="parts of names of screens; none means all")
    reader.add_argument("--demo", default="", help="folder of a demo that runs already")
    reader.add_argument("--langs", nargs="*", default=["en", "zh"])
    reader.add_argument("--sizes", nargs="*", default=list(SIZES))
    reader.add_argument("--light", action="store_true", help="no dark pictures")
    reader.add_argument("--look", action="store_true", help="let axe and a ruler look at each page as well")
    asked = reader.parse_args()
    OUT.mkdir(exist_ok=True)
    with a_demo(asked.demo) as house, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=list(FLAGS))
        tour = Tour(
            browser,
            house,
            Wanted(asked.words, asked.langs, asked.sizes, ["light"] if asked.light else ["light", "dark"], asked.look),
        )
        try:
            scenes.play(tour)
        finally:
            browser.close()
    print(f"{tour.taken} pictures in {OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
