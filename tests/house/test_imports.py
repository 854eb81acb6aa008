"""Who may import whom: the contracts of pyproject.toml, and two rules that no contract of the linter can say."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import grimp
import pytest

from tests.house.tables import ROOT

#: The sandbox is a server of its own and mounts its own screens.
MOUNTS_SCREENS = {"saoma.app", "saoma.sandbox.server"}


def test_the_drawing_of_the_floors_is_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    drawn = re.findall(r"^ +\d  ([a-z,| ]+?)   ", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert ", ".join(drawn) == ", ".join(layers)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import between our modules, those for types included."""
    return grimp.build_graph("saoma", cache_dir=None)


def test_every_import_contract_is_kept() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_screens_are_imported_by_the_composition_only(graph: grimp.ImportGraph) -> None:
    for module in graph.modules:
        room, found, _ = module.partition(".screens")
        if not found:
            continue
        for importer in graph.find_modules_that_directly_import(module):
            inside = importer.startswith(f"{room}.screens")
            assert inside or importer in MOUNTS_SCREENS, f"{importer} imports the screen {module}"


def test_no_modules_import_each_other_in_a_circle(graph: grimp.ImportGraph) -> None:
    assert list(circles(graph)) == []


def circles(graph: grimp.ImportGraph) -> Iterator[list[str]]:
    """Peel off whatever imports nothing that is left; circles are what can't be peeled."""
    left = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    while left:
        free = {module for module, imported in left.items() if not imported & left.keys()}
        if not free:
            yield sorted(left)
            return
        for module in free:
            del left[module]
