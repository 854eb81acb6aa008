"""The report as one page that needs nothing else: both languages, light and dark, a picture per case, no script."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from saoma.kit.i18n import LANGUAGES, texts
from saoma.validator.lines import lines_of
from saoma.validator.picture import picture
from saoma.validator.report import Finding, Report
from saoma.validator.verdict import Outcome

#: Title, mark and class of every outcome; the titles are keys of the texts.
OUTCOMES = {
    Outcome.FAILED: ("failed", "✗", "bad"),
    Outcome.PASSED: ("passed", "✓", "good"),
    Outcome.NOT_SEEN: ("not seen", "?", "open"),
    Outcome.NOT_APPLICABLE: ("not applicable", "–", "plain"),
}


@cache
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(
        "report.html"
    )


def as_page(report: Report, lang: str = "en") -> bytes:
    """The page, opening in `lang`; the other language is a press away."""
    halves = [_half(report, each) for each in LANGUAGES]
    return _template().render(halves=halves, first=lang, report=report, _=texts(lang)).encode()


def _half(report: Report, lang: str) -> dict[str, Any]:
    text = texts(lang)
    return {
        "lang": lang,
        "html_lang": "zh-Hans" if lang == "zh" else "en",
        "t": text,
        "counts": [
            (text(title), mark, kind, report.count(outcome))
            for outcome, (title, mark, kind) in OUTCOMES.items()
            if report.count(outcome)
        ],
        "verdict": text(_headline(report)),
        "groups": [
            (text(title), [_row(each, text) for each in report.findings if each.case.id.startswith(letter)])
            for title, letter in (("The wire", "V"), ("The solutions", "S"))
        ],
    }


def _headline(report: Report) -> str:
    if report.count(Outcome.FAILED):
        return "Not fit to go live yet."
    if report.count(Outcome.NOT_SEEN):
        return "Nothing failed; not everything was seen."
    return "Fit to go live."


def _row(finding: Finding, text: Any) -> dict[str, Any]:
    verdict, case = finding.verdict, finding.case
    title, mark, kind = OUTCOMES[verdict.outcome]
    return {
        "id": case.id,
        "title": text(case.title),
        "asks": text(case.asks),
        "source": case.source,
        "outcome": text(title),
        "mark": mark,
        "kind": kind,
        "reason": verdict.reason.say(text),
        "by_hand": text(case.by_hand) if verdict.outcome is Outcome.NOT_SEEN else "",
        "lines": tuple(lines_of(finding.timeline, verdict, text)),
        # the picture's own text is escaped where it is drawn
        "picture": Markup(picture(finding.timeline, verdict, text)),
        "open": verdict.outcome is Outcome.FAILED,
    }
