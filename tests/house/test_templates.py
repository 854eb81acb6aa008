"""Every template loads, has a title, and says everything in both languages."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from jinja2 import nodes

from saoma.kit.i18n import read_catalog
from saoma.web.page import environment

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "saoma"
TEMPLATES = sorted(SOURCE.rglob("*.html"))
#: Longer than a line of code may be: attributes of htmx are long. A break after a block tag, before `{%-` and
#: `{{-`, or between attributes changes nothing on the page. A sentence stays on one line, however long it is.
LONGEST_LINE = 160
SENTENCE = re.compile(r'"[^"]{80,}"')
CHINESE = {text for path in SOURCE.glob("*/zh.po") for text in read_catalog(path)}


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def template_name(path: Path) -> str:
    return "/".join(part for part in path.relative_to(SOURCE).parts if part != "screens")


def test_a_template_compiles_and_a_page_has_a_title() -> None:
    assert len(TEMPLATES) > 50
    pages = environment()
    for path in TEMPLATES:
        pages.get_template(template_name(path))
        text = path.read_text(encoding="utf-8")
        if "{% extends" in text:
            assert "{% block title" in text or "set title" in text, f"{name_of(path)}: a page without a title"


def test_a_template_is_readable_without_scrolling_sideways() -> None:
    long = [
        f"{name_of(path)}:{number}"
        for path in TEMPLATES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(SENTENCE.sub("", line)) > LONGEST_LINE
    ]
    assert not long, " ".join(long)


def test_pages_run_no_script_of_their_own() -> None:
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        inline = re.search(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>", text)
        assert not inline, f"{name_of(path)}: an inline script"
        handler = re.search(r"\son(click|load|submit|change|input)=", text)
        assert not handler, f"{name_of(path)}: an inline handler"


def said_in_templates() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    pages = environment()
    for path in TEMPLATES:
        tree = pages.parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in {"_", "gettext", "ngettext"}:
                found.update((name_of(path), arg.value) for arg in call.args[:1] if isinstance(arg, nodes.Const))
    return found


#: Rooms whose refusals reach people on pages; the others' are read by developers and operators, in English.
SPEAKS_TO_PEOPLE = {
    "web",
    "identity",
    "checkout",
    "food",
    "delivery",
    "restaurant",
    "fastfood",
    "online",
    "payments",
    "practice",
}
#: Refusals of these are about how rooms call each other; no page can bring them about.
BETWEEN_ROOMS = {"payments/take.py", "payments/drive.py", "payments/patience.py"}


def refusals() -> Iterator[tuple[str, ast.expr]]:
    """Where people are refused something, and the expression of the text."""
    names = {"Refused", "Invalid", "NotFound", "NotAllowed", "Conflict", "SoldOut", "PriceChanged", "TooMany"}
    for path in sorted(SOURCE.rglob("*.py")):
        where = path.relative_to(SOURCE)
        if where.parts[0] not in SPEAKS_TO_PEOPLE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
                yield str(where), node.args[0]


def said_in_code() -> set[tuple[str, str]]:
    """Texts that reach people through refusals, also those that have a name of their own (`SITTING_OVER`)."""
    found = set()
    for where, text in refusals():
        if isinstance(text, ast.Constant):
            found.add((where, str(text.value)))
        elif isinstance(text, ast.Name):
            module = importlib.import_module("saoma." + where.removesuffix(".py").replace("/", "."))
            if isinstance(value := getattr(module, text.id, None), str):
                found.add((where, value))
    return found


def test_every_text_of_a_page_is_there_in_chinese() -> None:
    said = said_in_templates()
    assert len(said) > 1000
    missing = [
        f"{where}: {text}" for where, text in sorted(said) if text not in CHINESE and re.search("[A-Za-z]", text)
    ]
    assert not missing, "only in English:\n" + "\n".join(missing)


def test_every_refusal_is_there_in_chinese() -> None:
    said = said_in_code()
    assert len(said) > 100
    missing = [f"{where}: {text}" for where, text in sorted(said) if text not in CHINESE]
    assert not missing, "only in English:\n" + "\n".join(missing)


def test_a_refusal_is_one_text_with_values_given_by_name() -> None:
    """An f-string can't be looked up in another language."""
    mixed = {where for where, text in refusals() if isinstance(text, ast.JoinedStr)}
    assert mixed <= BETWEEN_ROOMS


def test_a_text_and_its_chinese_name_the_same_values() -> None:
    for path in SOURCE.glob("*/zh.po"):
        for english, chinese in read_catalog(path).items():
            ours, theirs = (set(re.findall(r"\{(\w+)\}", text)) for text in (english, chinese))
            # A name may stand in its Chinese form, and a count may be swallowed by the language.
            assert {value.removesuffix("_zh") for value in theirs} <= ours, f"{path.parent.name}: {english!r}"


def test_the_languages_of_every_catalog_agree_on_a_text() -> None:
    """One English text has one Chinese: rooms share a catalog, so the last one read would win."""
    said: dict[str, tuple[str, str]] = {}
    for path in sorted(SOURCE.glob("*/zh.po")):
        for english, chinese in read_catalog(path).items():
            room, before = said.setdefault(english, (path.parent.name, chinese))
            assert before == chinese, f"{room} and {path.parent.name} say {english!r} differently"


def test_chinese_says_ni_to_everybody() -> None:
    """One form of address in the whole product: the polite one beside the plain one reads as two houses."""
    kinds = {".po", ".py", ".html", ".ts", ".json", ".md"}
    folders = (SOURCE, ROOT / "frontend", ROOT / "docs")
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in kinds]
    ours = [path for path in files if not {"node_modules", "built"} & set(path.parts)]
    assert len(ours) > 300
    polite = "\N{CJK UNIFIED IDEOGRAPH-60A8}"
    assert [
        name_of(path) if path.is_relative_to(SOURCE) else path.name
        for path in ours
        if polite in path.read_text(encoding="utf-8")
    ] == []
