"""Parts of a page that are drawn once and kept."""

from __future__ import annotations

from saoma.web.page import Reader, drawn, environment

TEMPLATE = """{% call kept("a test", version) %}{{ _("Sold out") }} {{ dishes.pop() }}{% endcall %}"""


def test_what_is_kept_is_drawn_once_for_each_language_and_version() -> None:
    template = environment().from_string(TEMPLATE)
    dishes = ["fourth", "<third>", "second", "first"]

    def draw(lang: str, version: str) -> str:
        return drawn(template, Reader(lang=lang), version=version, dishes=dishes)

    assert draw("en", "1") == "Sold out first"
    assert draw("en", "1") == "Sold out first"
    chinese = draw("zh", "1")
    assert "second" in chinese and "Sold out" not in chinese
    assert draw("en", "2") == "Sold out &lt;third&gt;", "what is kept was escaped once"
    assert draw("en", "1") == "Sold out first"
    assert dishes == ["fourth"]
