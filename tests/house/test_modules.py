"""The habits of the house, held by reading the code: purposes stated, times aware, money whole, names that say much."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "saoma"
MODULES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
EMPTY_WORDS = {"utils", "helpers", "common", "core", "base", "manager", "service", "schemas", "repository"}
#: Files that may be longer than the limit, with the reason.
LONG_ON_PURPOSE: dict[str, str] = {
    "src/saoma/alipay/wire.py": "the quick reader and the parser it is held against are read side by side",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=name_of)
def test_a_module_opens_by_saying_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.name == "__init__.py" and not text.strip():
        return
    purpose = ast.get_docstring(ast.parse(text))
    assert purpose, "no docstring"
    first = purpose.splitlines()[0]
    assert first.rstrip().endswith((".", "!", "?", ":")) and len(first) <= 125, first


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_hides_behind_an_empty_word(path: Path) -> None:
    assert not EMPTY_WORDS & set(path.with_suffix("").relative_to(SOURCE).parts)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_is_one_subject(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    limit = 600 if "versions" in path.parts or name_of(path) in LONG_ON_PURPOSE else 420
    assert lines <= limit, f"{lines} lines: two subjects, give the second a name"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_time_comes_from_a_clock_and_nobody_sleeps_in_a_request(path: Path) -> None:
    if path.parent.name in {"kit", "demo"} or "sandbox" in path.parts:
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            called = (node.value.id, node.attr)
            assert called not in {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "sleep")}, (
                f"{name_of(path)}:{node.lineno} takes the time instead of being given it"
            )


def public_names(body: Sequence[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """What others may use of a module: its functions, classes and their methods, as far as no underscore hides them."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_names(node.body)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_others_may_use_is_explained(path: Path) -> None:
    for node in public_names(ast.parse(path.read_text(encoding="utf-8")).body):
        assert ast.get_docstring(node), f"{name_of(path)}:{node.lineno} {node.name} has no docstring"


@pytest.mark.parametrize("path", [path for path in MODULES if path.name != "cli.py"], ids=name_of)
def test_a_yes_or_no_is_given_by_name(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for argument in (*node.args.posonlyargs, *node.args.args):
            kind = argument.annotation
            assert not (isinstance(kind, ast.Name) and kind.id == "bool"), (
                f"{name_of(path)}:{node.lineno} {node.name}({argument.arg}: bool): what would a bare True mean?"
            )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_time_is_naive(path: Path) -> None:
    """Beside ruff's DTZ: nothing of ours gets its zone from the machine either."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        where = f"{name_of(path)}:{node.lineno}"
        named = {keyword.arg for keyword in node.keywords}
        match node.func.attr:
            case "utcnow" | "utcfromtimestamp" | "today":
                raise AssertionError(f"{where} makes a time without a zone")
            case "fromtimestamp":
                assert len(node.args) == 2 or "tz" in named, f"{where} makes a time without a zone"
            case "astimezone":
                assert node.args or named, f"{where} takes the machine's zone"
            case "now" if isinstance(node.func.value, ast.Name) and node.func.value.id == "datetime":
                assert node.args or named, f"{where} makes a time without a zone"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_money_is_never_a_float(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        found = re.search(
            r"\b(amount|price|total|minor|balance|fee|refunded|paid|due|money)\w*\s*:\s*float\b|float\((amount|price|total)",
            line,
        )
        assert not found, f"{name_of(path)}:{number}: {line.strip()}"


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_tests_replace_nothing_of_ours_and_wait_for_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path == Path(__file__):
        return
    assert 'patch("saoma' not in text and "patch('saoma" not in text
    assert not re.search(r"\btime\.sleep\((?!0\.)", text), "a test sleeps for whole seconds"


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_test_names_are_sentences(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            assert node.name.count("_") >= 3, f"{node.name} is no sentence"
