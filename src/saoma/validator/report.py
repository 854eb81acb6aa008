"""What a run found, and the two forms that machines read: JSON and JUnit XML.

The page is in `page`, the terminal in `terminal`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import msgspec

from saoma.validator.cases import Case
from saoma.validator.timeline import Timeline
from saoma.validator.verdict import Outcome, Verdict

_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Finding(msgspec.Struct, frozen=True):
    """One case, its verdict, what it was judged by, and how long it took (real seconds)."""

    case: Case
    verdict: Verdict
    timeline: Timeline
    took: float = 0.0


class Report(msgspec.Struct, frozen=True):
    """A whole run. `mode` is `drive` or `watch`, `began` the machine's time."""

    name: str
    partner: str
    mode: str
    sandbox: str
    solutions: tuple[str, ...]
    began: datetime
    findings: tuple[Finding, ...]

    def count(self, outcome: Outcome) -> int:
        """How many cases ended so."""
        return Counter(each.verdict.outcome for each in self.findings)[outcome]

    def exit_code(self, *, strict: bool = False) -> int:
        """0 when something passed and nothing failed (`strict`: and everything was seen), else 1."""
        if self.count(Outcome.FAILED) or not self.count(Outcome.PASSED):
            return 1
        return 1 if strict and self.count(Outcome.NOT_SEEN) else 0


def as_json(report: Report) -> bytes:
    """The run as JSON; what its fields mean is in docs/validator.md."""
    said: dict[str, Any] = {
        "name": report.name,
        "partner": report.partner,
        "mode": report.mode,
        "sandbox": report.sandbox,
        "solutions": report.solutions,
        "began": report.began.isoformat(timespec="seconds"),
        "summary": {outcome.value: report.count(outcome) for outcome in Outcome},
        "cases": [
            {
                "id": each.case.id,
                "title": each.case.title,
                "asks": each.case.asks,
                "source": each.case.source,
                "outcome": each.verdict.outcome.value,
                "reason": each.verdict.reason.key,
                "values": each.verdict.reason.values,
                "words": each.verdict.reason.say(),
                "seconds": round(each.took, 3),
                "lines": each.verdict.lines,
            }
            for each in report.findings
        ],
    }
    return msgspec.json.format(msgspec.json.encode(said), indent=2) + b"\n"


def as_junit(report: Report) -> bytes:
    """The run as JUnit XML: one suite, one test case per case; what was not seen or does not apply is skipped."""
    skipped = report.count(Outcome.NOT_SEEN) + report.count(Outcome.NOT_APPLICABLE)
    suite = Element(
        "testsuite",
        name=f"saoma validate {_clean(report.name)}",
        tests=str(len(report.findings)),
        failures=str(report.count(Outcome.FAILED)),
        errors="0",
        skipped=str(skipped),
        time=f"{sum(each.took for each in report.findings):.3f}",
        # the usual schema knows no offset
        timestamp=report.began.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    )
    for each in report.findings:
        case, verdict = each.case, each.verdict
        one = SubElement(
            suite,
            "testcase",
            classname=f"saoma.validate.{'wire' if case.id.startswith('V') else 'solutions'}",
            name=f"{case.id} {case.title}",
            time=f"{each.took:.3f}",
        )
        words = _clean(verdict.reason.say())
        match verdict.outcome:
            case Outcome.FAILED:
                failure = SubElement(one, "failure", message=words, type=verdict.reason.key)
                failure.text = _clean("\n".join([words, case.asks, case.source, "", *_lines(verdict)]))
            case Outcome.NOT_SEEN | Outcome.NOT_APPLICABLE:
                SubElement(one, "skipped", message=f"{verdict.outcome.value}: {words}")
            case Outcome.PASSED:
                SubElement(one, "system-out").text = _clean("\n".join([words, *_lines(verdict)]))
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    text: str = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _lines(verdict: Verdict) -> Iterable[str]:
    return (f"{'>' if line.wrong else ' '} {line.after:9.1f} s  {line.text}" for line in verdict.lines)


def _clean(text: str) -> str:
    return _NOT_XML.sub("?", text)
