"""The habits of the house, held by reading the code: purposes stated, times aware, money whole, names that say much.

Every file is read once for all rules: a test for each file and rule took longer to be counted than to be run."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
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


Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A file as rules look at it."""

    path: Path

    @cached_property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))


def opens_by_saying_what_it_is_for(module: Module) -> Iterator[str]:
    if module.path.name == "__init__.py" and not module.text.strip():
        return
    purpose = ast.get_docstring(module.tree)
    if not purpose:
        yield "no docstring"
        return
    first = purpose.splitlines()[0]
    if not (first.rstrip().endswith((".", "!", "?", ":")) and len(first) <= 125):
        yield first


def hides_behind_no_empty_word(module: Module) -> Iterator[str]:
    yield from EMPTY_WORDS & set(module.path.with_suffix("").relative_to(SOURCE).parts)


def is_one_subject(module: Module) -> Iterator[str]:
    lines = len(module.text.splitlines())
    if lines > (600 if "versions" in module.path.parts or module.name in LONG_ON_PURPOSE else 420):
        yield f"{lines} lines: two subjects, give the second a name"


def takes_its_time_from_a_clock_and_never_sleeps_in_a_request(module: Module) -> Iterator[str]:
    if module.path.parent.name in {"kit", "demo"} or "sandbox" in module.path.parts:
        return
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            called = (node.value.id, node.attr)
            if called in {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "sleep")}:
                yield f"line {node.lineno} takes the time instead of being given it"


def public_names(body: Sequence[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """What others may use of a module: its functions, classes and their methods, as far as no underscore hides them."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_names(node.body)


def explains_what_others_may_use(module: Module) -> Iterator[str]:
    for node in public_names(module.tree.body):
        if not ast.get_docstring(node):
            yield f"line {node.lineno} {node.name} has no docstring"


def gives_a_yes_or_no_by_name(module: Module) -> Iterator[str]:
    if module.path.name == "cli.py":
        return
    for node in module.nodes:
        if not isinstance(node, Function):
            continue
        for argument in (*node.args.posonlyargs, *node.args.args):
            kind = argument.annotation
            if isinstance(kind, ast.Name) and kind.id == "bool":
                yield f"line {node.lineno} {node.name}({argument.arg}: bool): what would a bare True mean?"


def makes_no_naive_time(module: Module) -> Iterator[str]:
    """Beside ruff's DTZ: nothing of ours gets its zone from the machine either."""
    for node in module.nodes:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        named = {keyword.arg for keyword in node.keywords}
        match node.func.attr:
            case "utcnow" | "utcfromtimestamp" | "today":
                yield f"line {node.lineno} makes a time without a zone"
            case "fromtimestamp" if not (len(node.args) == 2 or "tz" in named):
                yield f"line {node.lineno} makes a time without a zone"
            case "astimezone" if not (node.args or named):
                yield f"line {node.lineno} takes the machine's zone"
            case "now" if isinstance(node.func.value, ast.Name) and node.func.value.id == "datetime":
                if not (node.args or named):
                    yield f"line {node.lineno} makes a time without a zone"


FLOATS = re.compile(
    r"\b(amount|price|total|minor|balance|fee|refunded|paid|due|money)\w*\s*:\s*float\b|float\((amount|price|total)"
)


def keeps_no_money_in_a_float(module: Module) -> Iterator[str]:
    for number, line in enumerate(module.text.splitlines(), start=1):
        if FLOATS.search(line):
            yield f"line {number}: {line.strip()}"


def replaces_nothing_of_ours_and_waits_for_nothing(module: Module) -> Iterator[str]:
    if module.path == Path(__file__):
        return
    if 'patch("saoma' in module.text or "patch('saoma" in module.text:
        yield "replaces a part of ours"
    if re.search(r"\btime\.sleep\((?!0\.)", module.text):
        yield "a test sleeps for whole seconds"


def names_its_tests_by_sentences(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, Function) and node.name.startswith("test_") and node.name.count("_") < 3:
            yield f"{node.name} is no sentence"


Rule = Callable[[Module], Iterator[str]]
FOR_ALL: tuple[Rule, ...] = (opens_by_saying_what_it_is_for,)
FOR_THE_SOURCE: tuple[Rule, ...] = (
    hides_behind_no_empty_word,
    is_one_subject,
    takes_its_time_from_a_clock_and_never_sleeps_in_a_request,
    explains_what_others_may_use,
    gives_a_yes_or_no_by_name,
    makes_no_naive_time,
    keeps_no_money_in_a_float,
)
FOR_TESTS: tuple[Rule, ...] = (replaces_nothing_of_ours_and_waits_for_nothing, names_its_tests_by_sentences)


@cache
def complaints() -> dict[str, list[str]]:
    """What each rule has to say about all files that it is for."""
    found: dict[str, list[str]] = {rule.__name__: [] for rule in (*FOR_ALL, *FOR_THE_SOURCE, *FOR_TESTS)}
    for paths, rules in ((MODULES, FOR_THE_SOURCE), (TESTS, FOR_TESTS)):
        assert len(paths) > 200
        for module in map(Module, paths):
            for rule in (*FOR_ALL, *rules):
                found[rule.__name__] += [f"{module.name}: {complaint}" for complaint in rule(module)]
    return found


@pytest.mark.parametrize("rule", [rule.__name__ for rule in (*FOR_ALL, *FOR_THE_SOURCE, *FOR_TESTS)])
def test_every_file_keeps_the_rule_that_it(rule: str) -> None:
    found = complaints()[rule]
    assert not found, "\n".join(found)
