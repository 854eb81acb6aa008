"""The run in a terminal: a line per case as it is judged, the log beneath what failed, a sum at the end."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from saoma.kit.i18n import Texts
from saoma.validator.cases import Case
from saoma.validator.lines import lines_of
from saoma.validator.page import OUTCOMES
from saoma.validator.report import Finding, Report
from saoma.validator.verdict import Line, Outcome

_COLOURS = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.NOT_SEEN: "yellow",
    Outcome.NOT_APPLICABLE: "bright_black",
}
#: What is said beside the cases; keys of the texts.
REAL_TIME = "The adapter offers no advance, so this waits in real time: up to about {minutes} min."
CLOCK_AHEAD = (
    "The clock of {sandbox} is {hours} h ahead of the real time now. It never goes back: for today's date, "
    "start that sandbox anew, or give each run its own (--own-sandbox)."
)
#: So many lines of a log are shown around what is wrong.
_LINES = 14


class Terminal:
    """Shows a run; `text` is the language."""

    def __init__(self, console: Console, text: Texts) -> None:
        self._console = console
        self._text = text
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self.progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._bar: TaskID | None = None
        self._title = ""

    def expect(self, cases: int) -> None:
        """So many cases are to come."""
        self._bar = self.progress.add_task("", total=cases)

    def real_time(self, seconds: float) -> None:
        """Nothing can be skipped: say how long it takes at most."""
        said = self._text(REAL_TIME, minutes=max(1, round(seconds / 60)))
        self._console.print(f"[yellow]{escape(said)}[/]", soft_wrap=True)

    def clock_ahead(self, sandbox: str, seconds: float) -> None:
        """Somebody else may be using that sandbox, too."""
        said = self._text(CLOCK_AHEAD, sandbox=sandbox, hours=f"{seconds / 3600:.1f}".removesuffix(".0"))
        self._console.print(f"[bright_black]{escape(said)}[/]", soft_wrap=True)

    def begins(self, case: Case) -> None:
        """A case is being staged."""
        self._title = f"{case.id} {self._text(case.title)}"
        self.waiting("")

    def waiting(self, why: str) -> None:
        """What is being waited for."""
        if self._bar is not None:
            self.progress.update(self._bar, description=escape(f"{self._title} {why}".strip()))

    def found(self, finding: Finding) -> None:
        """A case was judged."""
        if self._bar is not None:
            self.progress.advance(self._bar)
        self.line(finding)

    def line(self, finding: Finding) -> None:
        """One case in one line; what failed with its log."""
        verdict, case, text = finding.verdict, finding.case, self._text
        colour, mark = _COLOURS[verdict.outcome], OUTCOMES[verdict.outcome][1]
        row = Table.grid(padding=(0, 1))
        for width in (1, 3, 34):
            row.add_column(width=width)
        row.add_column(ratio=1)
        title = escape(text(case.title))
        row.add_row(f"[{colour}]{mark}[/]", case.id, title, f"[{colour}]{escape(verdict.reason.say(text))}[/]")
        self._console.print(row)
        if verdict.outcome is Outcome.FAILED:
            for shown in _around(tuple(lines_of(finding.timeline, verdict, text))):
                self._console.print(shown, highlight=False, soft_wrap=True)

    def sum(self, report: Report) -> None:
        """How many of which, and whether it may go live."""
        parts = [
            f"[{_COLOURS[outcome]}]{mark} {report.count(outcome)} {self._text(title)}[/]"
            for outcome, (title, mark, _) in OUTCOMES.items()
            if report.count(outcome)
        ]
        self._console.print()
        self._console.print("   ".join(parts))

    def hints(self, findings: list[Finding]) -> None:
        """How to bring about what was not seen, and why the rest does not apply."""
        for each in findings:
            if each.verdict.outcome is Outcome.NOT_SEEN:
                self._console.print(
                    f"[yellow]{each.case.id}[/] {escape(self._text(each.case.by_hand))}", soft_wrap=True
                )
        apart: dict[str, list[str]] = {}
        for each in findings:
            if each.verdict.outcome is Outcome.NOT_APPLICABLE:
                apart.setdefault(each.verdict.reason.say(self._text), []).append(each.case.id)
        for why, cases in apart.items():
            self._console.print(f"[bright_black]– {', '.join(cases)}: {escape(why)}[/]", soft_wrap=True)


def _around(lines: tuple[Line, ...]) -> list[str]:
    wrong = [place for place, line in enumerate(lines) if line.wrong]
    if len(lines) > _LINES and wrong:
        near = {place for at in wrong for place in range(at - 2, at + 2)} | {0}
        keep = [place for place in range(len(lines)) if place in near][-_LINES:]
    else:
        keep = list(range(len(lines)))[-_LINES:]
    shown = []
    for before, place in zip([-1, *keep], keep, strict=False):
        if place > before + 1:
            shown.append("           [bright_black]...[/]")
        line = lines[place]
        mark, colour = (">", "red") if line.wrong else (" ", "bright_black")
        shown.append(f"[{colour}]     {mark} {line.after:8.1f} s  {escape(line.text)}[/]")
    return shown
