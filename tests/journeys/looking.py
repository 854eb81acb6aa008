"""axe-core looks at a page as somebody with a screen reader, a keyboard or weak eyes has to: WCAG 2.2 A and AA.

What a reader would get wrong: axe sees one state of one page, and finds perhaps half of what a person would."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: Frames are asked one by one; a scene's frame of the toy wallet is a page of its own.
_LOOK = """async ([type, rules]) => {
  const options = { runOnly: { type, values: rules }, iframes: false, resultTypes: ["violations"] };
  const found = await axe.run(document, options);
  const why = (node) => (node.any[0] || {}).message || "";
  const where = (node) => [node.target.join(" "), node.html.slice(0, 140), why(node)].join("  ");
  return found.violations.map((one) => ({
    id: one.id, impact: one.impact, help: one.help, where: one.nodes.slice(0, 3).map(where),
  }));
}"""


@cache
def axe() -> str:
    """The script, from the package that ships it."""
    package = find_spec("axe_playwright_python")
    assert package is not None and package.origin is not None, "run: make setup"
    return (Path(package.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def faults(page: Page, *, colours_only: bool = False) -> list[str]:
    """What is wrong with the page as it stands, and with the shop's page in the toy wallet's frame.

    `colours_only` looks at contrast alone: all that another theme can change."""
    what = ["rule", ["color-contrast"]] if colours_only else ["tag", RULES]
    told = []
    for frame in page.frames:
        if not frame.url.startswith("http"):
            continue
        # The pages allow no foreign script: this one comes through the browser's own door.
        if not frame.evaluate("typeof axe === 'object'"):
            frame.evaluate(axe())
        found: list[dict[str, Any]] = frame.evaluate(_LOOK, what)
        told += [f"{one['impact']} {one['id']}: {one['help']}\n    " + "\n    ".join(one["where"]) for one in found]
    return told
