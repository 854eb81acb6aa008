"""What a run leaves behind: page, picture, JUnit XML and JSON, each saying the same, and an exit code for CI."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from saoma.kit.i18n import texts
from saoma.validator.page import as_page
from saoma.validator.picture import picture
from saoma.validator.report import Finding, Report, as_json, as_junit
from saoma.validator.verdict import Outcome
from tests.validator.make import Bench, Right

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def report(bench: Bench, right: Right) -> Report:
    """A run of three: one passed, one failed, one not asked of this solution."""
    (wrong,) = await bench.drive(["cancels_twice"], ["V8"])
    passed = next(each for each in right.found if each.case.id == "V3")
    adapter_less = next(each for each in await _for_taxis(bench) if each.case.id == "S8")
    began = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    found = (passed, wrong, adapter_less)
    return Report("Noodles <&> 面馆", "2088000000000001", "drive", "http://localhost:8001", ("taxi",), began, found)


async def _for_taxis(bench: Bench) -> list[Finding]:
    return await bench.drive(only=["S8"], solutions=["taxi"])


async def test_junit_tells_ci_what_failed_with_the_log(bench: Bench, right: Right) -> None:
    suite = ElementTree.fromstring(as_junit(await report(bench, right)))[0]
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped", "errors")} == {
        "tests": "3", "failures": "1", "skipped": "1", "errors": "0",
    }  # fmt: skip
    passed, failed, skipped = suite
    assert passed.get("name") == "V3 Unknown, then paid" and passed.find("failure") is None
    failure = failed.find("failure")
    assert failure is not None and failure.get("type") == "cancel-given-up"
    assert failure.text and "> " in failure.text and "cancel P" in failure.text and "docs.antom.com" in failure.text
    skip = skipped.find("skipped")
    assert skip is not None and skip.get("message") == "not applicable: Not asked of this solution."


async def test_junit_is_as_the_usual_schema_wants_it(bench: Bench, right: Right) -> None:
    root = ElementTree.fromstring(as_junit(await report(bench, right)))
    (suite,) = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", "")), "no offset"
    assert all(
        re.fullmatch(r"\d+\.\d{3}", one.get("time", ""))
        for one in suite.iter()
        if one.tag != "testsuites" and "time" in one.attrib
    )
    for case in suite:
        assert case.tag == "testcase" and {"name", "classname", "time"} == set(case.attrib)
        inside = [child.tag for child in case]
        assert inside in (["failure"], ["skipped"], ["system-out"]), "one result, and nothing the schema does not know"
        assert all(set(child.attrib) <= {"message", "type"} for child in case)
    counted = {kind: len(suite.findall(f"testcase/{kind}")) for kind in ("failure", "skipped")}
    assert counted == {"failure": int(suite.get("failures", "")), "skipped": int(suite.get("skipped", ""))}


async def test_json_names_reasons_that_programs_can_rely_on(bench: Bench, right: Right) -> None:
    said = json.loads(as_json(await report(bench, right)))
    assert said["summary"] == {"passed": 1, "failed": 1, "not seen": 0, "not applicable": 1}
    wrong = said["cases"][1]
    assert (wrong["id"], wrong["outcome"], wrong["reason"], wrong["values"]) == (
        "V8", "failed", "cancel-given-up", {"cancels": 2},
    )  # fmt: skip
    assert [line["text"].split(" ")[0] for line in wrong["lines"] if line["wrong"]] == ["cancel", "cancel"]


async def test_the_page_says_everything_in_both_languages_and_draws_each_case(bench: Bench, right: Right) -> None:
    page = as_page(await report(bench, right), "zh").decode()
    assert page.count("<svg") == 4 and page.count('data-case="V8"') == 2
    assert "Cancel fails twice" in page and "撤销失败两次" in page
    assert "Noodles &lt;&amp;&gt; 面馆" in page and "<&>" not in page
    english, chinese = page.split('<main class="half zh"')
    assert "s  cancel P" in english and "s  撤销 P" in chinese and "s  cancel P" not in chinese
    assert ">query</text>" in english and ">查询</text>" in chinese and ">query</text>" not in chinese
    assert "planned: cancel meets system_error_before" in english
    assert "预设：撤销 遇到 system_error_before，共 2 次" in chinese
    assert '<html lang="zh-Hans">' in page and re.search(r'id="zh"[^>]*checked', page)
    assert not re.search(r"<script|\son\w+=|src=", page), "the page needs nothing and runs nothing"


async def test_a_picture_marks_what_is_wrong_and_bends_long_waits(right: Right) -> None:
    bent = next(each for each in right.found if each.case.id == "V9")
    drawn = picture(bent.timeline, bent.verdict, texts("en"))
    width = float(re.findall(r'viewBox="0 0 (\d+)', drawn)[0])
    assert "min" in drawn and width < 2400, "an hour of retries still fits"
    assert 'class="wrong"' not in drawn


async def test_the_exit_code_is_for_ci(right: Right, bench: Bench) -> None:
    good = next(each for each in right.found if each.case.id == "V3")
    failed = (await report(bench, right)).findings[1]
    unseen = (await bench.drive(only=["S8"], solutions=["fast_food"], without=["pay"]))[0]
    assert unseen.verdict.outcome is Outcome.NOT_SEEN and unseen.verdict.reason.key == "no-hook"

    def code(*found: Finding, strict: bool = False) -> int:
        run = Report("x", "p", "drive", "s", (), datetime(2026, 3, 2, tzinfo=UTC), found)
        return run.exit_code(strict=strict)

    assert [code(good), code(good, failed), code(good, unseen), code(unseen), code()] == [0, 1, 0, 1, 1]
    assert code(good, unseen, strict=True) == 1
