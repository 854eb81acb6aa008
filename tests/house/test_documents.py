"""What the documents say is there: printed pages equal their tables, links lead somewhere, commands and files exist."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from saoma.settings import Settings
from tests.house.printed_docs import PAGES
from tests.house.tables import DOCS, ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
#: Settings of tools and tests, which no deployment needs.
TOOL_SETTINGS = {
    *("SAOMA_FOLLOW_STDIN", "SAOMA_NO_BROWSER", "SAOMA_BROWSER", "SAOMA_CHROMIUM"),
    *(f"SAOMA_SANDBOX_{name}" for name in ("URL", "PORT", "GATEWAY_URL", "PLUS_URL", "AUTHORIZE_URL", "CONTROL_URL")),
    *("SAOMA_PICTURES", "SAOMA_TEST_POSTGRES", "SAOMA_BENCH_KEYS"),
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def anchors_of(path: Path) -> set[str]:
    """The anchors a reader's browser makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    bare = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in bare}


@cache
def names_of_tests() -> set[str]:
    """Every test function there is."""
    return {name for path in (ROOT / "tests").rglob("*.py") for name in re.findall(r"def (test_\w+)", text_of(path))}


@cache
def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))


@pytest.mark.parametrize("name", PAGES)
def test_a_printed_page_equals_its_table(name: str) -> None:
    assert text_of(DOCS / name) == PAGES[name](), "run: make docs"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_no_link_leads_nowhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(path)):
        if "://" in target:
            continue
        there, _, anchor = target.partition("#")
        file = (path.parent / there).resolve() if there else path
        assert file.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in anchors_of(file), f"{name_of(file)} has no heading #{anchor}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_a_file_or_test_that_is_named_is_there(path: Path) -> None:
    said = re.sub(r"```.*?```", "", text_of(path), flags=re.DOTALL)
    for named in re.findall(r"`((?:src|tests|docs|frontend|bench|deploy)/[\w./*-]+)`", said):
        assert list(ROOT.glob(named.rstrip("/"))), f"{named} does not exist"
    for named in re.findall(r"`(test_\w+)`", said):
        assert named in names_of_tests(), f"there is no test {named}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_a_command_that_is_named_is_there(path: Path) -> None:
    from saoma.cli import app

    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    known |= {group.name or "" for group in app.registered_groups}
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text_of(path), flags=re.DOTALL))
    for target in re.findall(r"\bmake ([a-z]+)", code):
        assert target in make_targets(), f"make {target} does not exist"
    for command in re.findall(r"(?:^|[`$ /])saoma ([a-z]+)", code, re.MULTILINE):
        assert command in known, f"saoma {command} does not exist"
    for setting in re.findall(r"\bSAOMA_[A-Z_]+\b", text_of(path)):
        field = setting.removeprefix("SAOMA_").lower()
        assert field in Settings.__struct_fields__ or setting in TOOL_SETTINGS, f"{setting} is no setting"


def test_the_two_commands_of_the_readme_come_first() -> None:
    assert re.findall(r"^make (\w+)", text_of(ROOT / "README.md"), re.MULTILINE)[:2] == ["run", "test"]
    assert {"setup", "run", "test", "check", "bench", "docs", "chaos"} <= make_targets()


@pytest.mark.parametrize("path", DECISIONS, ids=name_of)
def test_a_decision_is_one_screen_and_names_its_guards(path: Path) -> None:
    text = text_of(path)
    for part in ("Context", "Decision", "Consequences", "Alternatives", "Guarded by"):
        assert f"**{part}" in text, f"no {part}"
    assert len(text.splitlines()) <= 45
    guarded = text.partition("**Guarded by")[2]
    assert re.search(r"`tests/[\w/]+\.py`", guarded), "no test stands behind it"
    assert re.search(r"`test_\w+`", guarded), "name the test, not only its file"


@cache
def own_files() -> tuple[Path, ...]:
    """Every text file of the repository, as git knows it; without git, what lies under the known folders."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
        found = [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        found = [path for folder in ("src", "tests", "docs", "bench") for path in (ROOT / folder).rglob("*.*")]
    kinds = {".py", ".md", ".toml", ".ts", ".mjs", ".json", ".html", ".css", ".scss", ".po", ".txt", ".yml", ""}
    return tuple(path for path in found if path.suffix in kinds and path.is_file())


def test_no_file_names_a_registry_or_somebodys_scratch_folder() -> None:
    hosts = ["pypi." + "org", "pythonhosted" + ".org", "npmjs." + "org", "npmjs." + "com", "/tm" + "p/"]
    for path in own_files():
        text = text_of(path)
        named = [host for host in hosts if host in text]
        assert not named, f"{name_of(path)} names {named}: packages come from wherever the machine's own settings say"


def test_every_document_begins_with_one_title() -> None:
    for path in DOCUMENTS:
        code_free = re.sub(r"```.*?```", "", text_of(path), flags=re.DOTALL)
        assert len(re.findall(r"^# ", code_free, re.MULTILINE)) == 1, name_of(path)
        assert code_free.startswith("# "), name_of(path)


def test_each_setting_is_explained_and_used() -> None:
    code = "\n".join(text_of(path) for path in (ROOT / "src").rglob("*.py"))
    from saoma.settings import describe

    for name in Settings.__struct_fields__:
        assert len(describe(name)) > 15, f"{name} is not explained"
        assert re.search(rf"settings\.{name}\b", code), f"nobody reads {name}"
    read = set(re.findall(r"\"(SAOMA_[A-Z_]+)\"", code))
    assert read <= {f"SAOMA_{name.upper()}" for name in Settings.__struct_fields__} | TOOL_SETTINGS


def test_the_page_of_the_local_alipay_names_every_service_fault_path_and_setting() -> None:
    from saoma.sandbox.book.model import Partner
    from saoma.sandbox.choices import Choices
    from saoma.sandbox.config import BuyerSetting, Config
    from saoma.sandbox.control.router import control_router
    from saoma.sandbox.faults.faults import NOTIFY_VERIFY, FaultKind
    from saoma.sandbox.mapi.gateway import OPERATIONS
    from saoma.sandbox.openapi.gateway import METHODS
    from saoma.sandbox.openapi_choices import OpenApiChoices

    page = text_of(DOCS / "sandbox.md")
    for service in (*OPERATIONS, NOTIFY_VERIFY, *METHODS):
        short = re.sub(r"^.*qrcode(?=\.modify)", "", service)
        assert f"`{short}`" in page or f"`{service}`" in page, service
    named = set(re.findall(r"`(alipay\.[a-zA-Z.]+)`", page))
    assert named <= {*OPERATIONS, *METHODS}
    assert all(f"`{kind.value}`" in page for kind in FaultKind)
    settings = {*Config.__struct_fields__, *Partner.__struct_fields__, *BuyerSetting.__struct_fields__}
    settings |= {*Choices.__struct_fields__}
    for setting in settings | {*OpenApiChoices.__struct_fields__}:
        assert re.search(rf"\b{setting}\b", page), f"the setting {setting} is not explained"
    for route in control_router().routes:
        word = re.sub(r"\{.*?\}", "", route.path).rstrip("/").split("/")[-1]
        assert word in page, f"{route.path} is not shown"


def test_no_code_cites_a_paper_that_is_not_here() -> None:
    for path in own_files():
        if path.suffix not in {".py", ".ts", ".html", ".css"} or path == Path(__file__):
            continue
        for named in re.findall(r"(?<![\w/:.-])([\w./-]+\.md)\b", text_of(path)):
            places = (ROOT / named, DOCS / named, DOCS / "decisions" / named)
            assert any(place.is_file() for place in places), f"{name_of(path)} cites {named}"
