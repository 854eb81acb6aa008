"""A case's timeline as a picture: three lanes over a bent axis of time, drawn as SVG. Pure.

Long waits are shortened (the axis says how long they were), so that an hour of retries fits beside seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final

from saoma.kit.i18n import Texts
from saoma.validator.lines import label as label_of
from saoma.validator.lines import line
from saoma.validator.timeline import Call, Event, Mark, Notice, Timeline, Told, Visit
from saoma.validator.verdict import Verdict

#: The lanes of a picture, keys of the texts.
LANES: Final = ("Alipay's side", "Requests", "Notifications", "It says")
_LEFT, _TOP, _LANE, _RIGHT = 112, 26, 40, 64
#: More than this, and the middle is left out.
_MOST: Final = 70
_LABEL: Final = 62.0


def picture(timeline: Timeline, verdict: Verdict, text: Texts) -> str:
    """The SVG, with words of one language; empty where nothing happened."""
    shown = _shown(timeline.events, verdict)
    if not shown:
        return ""
    places = _places([event for event, _ in shown])
    width, height = places[-1] + _RIGHT, _TOP + _LANE * len(LANES) + 26
    parts = [
        f'<svg class="picture" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" role="img" '
        f'aria-label="{escape(text("Timeline of {case}", case=verdict.case))}">'
    ]
    for row, name in enumerate(LANES):
        y = _y(row)
        parts.append(f'<text class="lane" x="0" y="{y + 4}">{escape(text(name))}</text>')
        parts.append(f'<line class="rail" x1="{_LEFT - 12}" y1="{y}" x2="{width - 12:.0f}" y2="{y}"/>')
    start, free, told_at = shown[0][0].at, [0.0] * len(LANES), 0.0
    words = [""] * len(LANES)
    for (event, wrong), x in zip(shown, places, strict=True):
        row = _row(event)
        y = _y(row)
        after = (event.at - start).total_seconds()
        kind = "wrong" if wrong else _mood(event)
        parts.append(f'<g class="{kind}"><title>{escape(f"{after:.1f} s  {line(event, text)}")}</title>')
        parts.append(f'<line class="drop" x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{height - 24}"/>')
        parts.append(_shape(kind, x, y))
        label = label_of(event, text)
        if (label != words[row] or wrong) and x >= free[row]:
            parts.append(f'<text class="what" x="{x:.1f}" y="{y - 9}">{escape(label)}</text>')
            free[row], words[row] = x + _width(label) + 8, label
        parts.append("</g>")
        if x >= told_at:
            parts.append(f'<text class="time" x="{x:.1f}" y="{height - 8}">{_time(after)}</text>')
            told_at = x + 44
    parts.append("</svg>")
    return "".join(parts)


def _shown(events: Sequence[Event], verdict: Verdict) -> list[tuple[Event, bool]]:
    both = [(event, line.wrong) for event, line in zip(events, verdict.lines, strict=False)]
    if len(both) <= _MOST:
        return both
    head, tail = both[: _MOST // 2], both[-_MOST // 2 :]
    return head + [each for each in both[_MOST // 2 : -_MOST // 2] if each[1]][:10] + tail


def _places(events: Sequence[Event]) -> list[float]:
    """Where each event stands: near ones apart enough to be seen, far ones no farther than their logarithm."""
    x, found = float(_LEFT), []
    for index, event in enumerate(events):
        if index:
            gap = max((event.at - events[index - 1].at).total_seconds(), 0.0)
            x += 15 + 26 * math.log10(1 + gap)
        found.append(x)
    return found


def _y(row: int) -> int:
    return _TOP + _LANE * row + 14


def _row(event: Event) -> int:
    match event:
        case Mark():
            return 0
        case Call() | Visit():
            return 1
        case Notice():
            return 2
        case Told():
            return 3


def _mood(event: Event) -> str:
    match event:
        case Call():
            if event.result in ("SUCCESS", "granted") and event.is_believable and event.status != "WAIT_BUYER_PAY":
                return "good"
            return "open" if event.is_unclear or event.status == "WAIT_BUYER_PAY" else "bad"
        case Notice():
            return "good" if event.is_accepted else "bad"
        case Told():
            moods = {"paid": "good", "waiting": "open", "closed": "plain", "needs_person": "open"}
            return moods.get(event.status, "plain")
        case _:
            return "plain"


def _shape(kind: str, x: float, y: int) -> str:
    """Colour never speaks alone: good is a disc, open a ring, bad a square, wrong a crossed square."""
    match kind:
        case "bad":
            return f'<rect x="{x - 5:.1f}" y="{y - 5}" width="10" height="10"/>'
        case "wrong":
            cross = f"M{x - 4:.1f} {y - 4}l8 8m0 -8l-8 8"
            return f'<rect x="{x - 7:.1f}" y="{y - 7}" width="14" height="14" rx="3"/><path class="cross" d="{cross}"/>'
        case _:
            return f'<circle cx="{x:.1f}" cy="{y}" r="5"/>'


def _width(label: str) -> float:
    """About how wide a label is: a Chinese letter takes the place of two others."""
    return sum(11.0 if letter > "\u2e80" else 6.6 for letter in label)


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
