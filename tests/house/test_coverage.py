"""docs/coverage.md is true: each request of the published pages names a file and a test that exist, or "not yet"."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(
    r"^\| (?P<id>[RFTX]\d+) \| (?P<pages>[RFTX ]+) \| (?P<request>[^|]+) \| (?P<file>[^|]+) \| (?P<test>[^|]+) \|$"
)


def rows() -> list[dict[str, str]]:
    text = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    return [match.groupdict() for line in text.splitlines() if (match := ROW.match(line))]


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return found


def test_every_line_of_the_tables_is_read() -> None:
    text = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    tabled = [line for line in text.splitlines() if re.match(r"^\| [RFTX]\d", line)]
    assert len(tabled) == len(rows()) >= 90
    ids = [row["id"] for row in rows()]
    assert len(ids) == len(set(ids)), "an id stands for one request"


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["id"])
def test_a_request_is_answered_by_a_file_and_a_test_or_honestly_not_yet(row: dict[str, str]) -> None:
    file, test = row["file"].strip(), row["test"].strip()
    if "not yet" in (file, test):
        assert (file, test) == ("not yet", "not yet"), "half an answer is none"
        return
    assert (ROOT / file).is_file(), f"{file} does not exist"
    path, _, name = test.partition("::")
    assert (ROOT / path).is_file(), f"{path} does not exist"
    assert name in names_in(ROOT / path), f"{path} has no {name}"
