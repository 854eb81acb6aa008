"""The local Alipay, the validator and the keys stand alone: `pip install saoma` without `[platform]` is all they need.

The linter's contract says that they import nothing of the platform; these say that the contract names all of it, that
what they do import comes with the installation, and what the other commands say when they are asked all the same."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions, requires
from typing import Any

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from saoma.cli import PLATFORM, main
from tests.house.tables import ROOT


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """The project's own file."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def contract(project: dict[str, Any]) -> dict[str, Any]:
    """The linter's contract."""
    contracts = project["tool"]["importlinter"]["contracts"]
    return next(dict(one) for one in contracts if "extra `platform`" in one["name"])


def brought(requirements: list[str]) -> set[str]:
    """The names of all packages that these requirements bring, with theirs."""
    found: set[tuple[str, str]] = set()
    todo = [(Requirement(text), "") for text in requirements]
    while todo:
        requirement, of_extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": of_extra}):
            continue
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in found:
                found.add((name, extra))
                todo += [(Requirement(text), extra) for text in requires(name) or []]
    return {name for name, _ in found}


def modules_of(packages: set[str]) -> set[str]:
    """What can be imported where these are installed."""
    return {module for module, names in givers().items() if packages & names}


@cache
def givers() -> dict[str, set[str]]:
    """Which packages each module here comes from."""
    return {module: {canonicalize_name(name) for name in names} for module, names in packages_distributions().items()}


def test_the_platform_is_named_the_same_everywhere(project: dict[str, Any], contract: dict[str, Any]) -> None:
    extra = brought(project["project"]["optional-dependencies"]["platform"])
    alone = brought(project["project"]["dependencies"])
    assert set(contract["forbidden_modules"]) == PLATFORM
    assert modules_of(extra) >= PLATFORM and modules_of(alone).isdisjoint(PLATFORM)
    named = {
        canonicalize_name(Requirement(one).name) for one in project["project"]["optional-dependencies"]["platform"]
    }
    assert all(modules_of({name}) & PLATFORM for name in named)


def test_what_they_import_is_installed_with_them(project: dict[str, Any], contract: dict[str, Any]) -> None:
    graph = grimp.build_graph("saoma", include_external_packages=True, cache_dir=None)
    todo = [one for one in graph.modules for root in contract["source_modules"] if f"{one}.".startswith(f"{root}.")]
    seen: set[str] = set()
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            todo += graph.find_modules_directly_imported_by(module)
    theirs = {module for module in seen if not module.startswith("saoma")} - sys.stdlib_module_names
    assert {"litestar", "rich", "lxml"} <= theirs
    assert theirs <= modules_of(brought(project["project"]["dependencies"])), "name it in pyproject's dependencies"


def test_commands_of_the_platform_say_what_to_install() -> None:
    words = [
        "demo",
        "serve",
        "worker",
        "replay orders.tsv",
        "doctor",
        "audit",
        "reconcile --date 2026-03-02",
        "keys show",
    ]
    done = subprocess.run([sys.executable, "-c", WITHOUT_PLATFORM, *words], capture_output=True, text=True, timeout=60)
    said = dict(zip(words, done.stderr.splitlines(), strict=True))
    for word, line in said.items():
        assert line.startswith("saoma: ") and "pip install 'saoma[platform]'" in line, word
    assert (done.stdout.split(), done.returncode) == (["2"] * len(words), 0)


#: Uses each command that it is given, in a Python that has nothing of the platform, and tells their exit codes.
WITHOUT_PLATFORM = """
import sys
from saoma.cli import PLATFORM, main
sys.modules.update(dict.fromkeys(PLATFORM))
for words in sys.argv[1:]:
    sys.argv = ["saoma", *words.split()]
    try:
        main()
    except SystemExit as end:
        print(end.code)
"""


def test_another_missing_module_is_a_fault_and_is_not_explained_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "saoma.app", None)
    monkeypatch.setattr("sys.argv", ["saoma", "serve"])
    with pytest.raises(ModuleNotFoundError, match=r"saoma\.app"):
        main()
