"""Two languages: English is the key, Chinese comes from the rooms' catalogs, and nothing fails over a missing word."""

from __future__ import annotations

from pathlib import Path

import pytest

from saoma.kit.i18n import read_catalog, texts

_PO = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Soup"
msgstr "汤"

#, fuzzy
msgid "Tea"
msgstr "差"

msgid "Rice"
msgstr ""

msgid "{count} dish"
msgid_plural "{count} dishes"
msgstr[0] "{count} 道菜"
"""


def test_a_catalog_leaves_out_what_is_unsure_or_empty(tmp_path: Path) -> None:
    path = tmp_path / "zh.po"
    path.write_text(_PO, encoding="utf-8")
    assert read_catalog(path) == {"Soup": "汤", "{count} dish": "{count} 道菜"}


def test_a_missing_text_shows_in_english_and_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    zh = texts("zh")
    assert zh("No room says {word}", word="this") == "No room says this"
    assert zh("No room says {word}", word="that") == "No room says that"
    said = capsys.readouterr()
    assert (said.out + said.err).count("No room says") == 1


def test_numbers_choose_the_english_form_and_chinese_has_one() -> None:
    assert texts("en").plural("{count} day", "{count} days", 1) == "1 day"
    assert texts("en").plural("{count} day", "{count} days", 0) == "0 days"
    assert texts("zh").plural("{count} day", "{count} days", 3) == "3 天"


def test_an_unknown_language_is_english() -> None:
    assert texts("fr").lang == "en"


def test_a_text_without_values_may_hold_braces() -> None:
    assert texts("en")("a {brace} stays") == "a {brace} stays"
