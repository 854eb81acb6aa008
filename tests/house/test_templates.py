"""Every template loads, has a title, and says everything in both languages."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from jinja2 import nodes

from saoma.kit.i18n import read_catalog
from saoma.web.page import environment

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "saoma"
TEMPLATES = sorted(SOURCE.rglob("*.html"))
CHINESE = {text for path in SOURCE.glob("*/zh.po") for text in read_catalog(path)}


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def template_name(path: Path) -> str:
    return "/".join(part for part in path.relative_to(SOURCE).parts if part != "screens")


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_compiles_and_a_page_has_a_title(path: Path) -> None:
    environment().get_template(template_name(path))
    text = path.read_text(encoding="utf-8")
    if "{% extends" in text:
        assert "{% block title" in text or "set title" in text, "a page without a title"


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_pages_run_no_script_of_their_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>", text), "an inline script"
    assert not re.search(r"\son(click|load|submit|change|input)=", text), "an inline handler"


def said_in_templates() -> set[tuple[str, str]]:
    found = set()
    for path in TEMPLATES:
        tree = environment().parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in {"_", "gettext", "ngettext"}:
                found.update((name_of(path), arg.value) for arg in call.args[:1] if isinstance(arg, nodes.Const))
    return found


def said_in_code() -> set[tuple[str, str]]:
    """Texts that reach people through refusals: the first words of Refused and its children, where they are literal."""
    refusals = {"Refused", "Invalid", "NotFound", "NotAllowed", "Conflict", "SoldOut", "PriceChanged"}
    found = set()
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] in {"sandbox", "demo", "kit", "alipay", "cli.py", "settings.py"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                call = node.exc
                name = call.func.id if isinstance(call.func, ast.Name) else ""
                if name in refusals and call.args and isinstance(call.args[0], ast.Constant):
                    found.add((str(path.relative_to(SOURCE)), str(call.args[0].value)))
    return found


@pytest.mark.parametrize(("where", "text"), sorted(said_in_templates()))
def test_every_text_of_a_page_is_there_in_chinese(where: str, text: str) -> None:
    assert not re.search("[A-Za-z]", text) or text in CHINESE, f"{where} says {text!r} only in English"


@pytest.mark.parametrize(("where", "text"), sorted(said_in_code()))
def test_every_refusal_is_there_in_chinese(where: str, text: str) -> None:
    assert text in CHINESE, f"{where} refuses with {text!r} only in English"
