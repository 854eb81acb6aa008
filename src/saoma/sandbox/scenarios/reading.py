"""Scenario files, strictly read: YAML without tags, anchors and surprises, and an error that names line and key.

Scalars are taken as they are written: `partner: 2088000000000001` is a text, `1:30` no number of seconds, `on` no
truth."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from saoma.kit.errors import Invalid
from saoma.sandbox.book.planting import FileError, FileKind, check_possible
from saoma.sandbox.faults.faults import NOTIFICATION, OF_NOTIFICATIONS, SILENCE, Fault, FaultKind
from saoma.sandbox.scenarios.planning import checked
from saoma.sandbox.scenarios.scenario import Deed, Scenario, Start, Step, shipped

#: Which keys a step may have, by the one key that says what happens.
_WHEN: Final = ("at", "after")
_WHOSE: Final = ("partner", "number")
_OFTEN: Final = ("times", "chance", "for")
_LONG: Final = ("seconds", "jitter")
_ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {
    "fault": ("service", *_OFTEN, *_LONG, "code", "who", *_WHOSE),
    "notifications": (*_OFTEN, *_LONG, "changes", "spoil_signature", *_WHOSE),
    "outage": ("service", "times", "chance"),
    "buyer": ("who", *_WHOSE),
    "clock": (),
    "file": ("partner", "day", "kind", "number"),
}
_TOP: Final = ("name", "about", "seed", "start", "steps")
_DEEDS: Final = ("pays", "refuses")
_DAYS: Final = ("today", "yesterday")
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+|\d+(?:\.\d+)?")
_MOST_STEPS: Final = 500
_LARGEST: Final = 200_000
_ALWAYS: Final = "always"

Node: TypeAlias = yaml.Node


class _Loader(yaml.SafeLoader):
    """Composes a tree of nodes and builds no objects; what could hide something is refused."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            raise _wrong(event.start_mark.line, "aliases (*name) are not read here: write it out")
        if getattr(event, "anchor", None):
            raise _wrong(event.start_mark.line, "anchors (&name) are not read here: write it out")
        if getattr(event, "tag", None):
            raise _wrong(event.start_mark.line, f"the tag {event.tag} is not read here")
        return super().compose_node(parent, index)


def _wrong(line: int, text: str) -> Invalid:
    return Invalid(f"line {line + 1}: {text}")


def read_scenario(text: str | bytes, name: str = "scenario", seed: int | None = None) -> Scenario:
    """A scenario from YAML or JSON; `seed` wins over its own. Raises `Invalid` naming line and key."""
    if len(text) > _LARGEST:
        raise Invalid("A scenario is at most 200,000 characters long.")
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as trouble:
        mark: Any = trouble.problem_mark or trouble.context_mark
        raise _wrong(mark.line if mark else 0, f"this is no YAML: {trouble.problem or trouble.context}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as trouble:
        raise Invalid(f"This is no YAML: {' '.join(str(trouble).split())}.") from None
    except RecursionError:
        raise Invalid("This is nested too deeply to be read.") from None
    if root is None:
        raise Invalid("line 1: the scenario is empty; it has name, about, seed, start and steps.")
    top = _mapping(root, _TOP, "a scenario")
    if "steps" not in top:
        raise _wrong(root.start_mark.line, "steps are missing")
    listed = top["steps"]
    if not isinstance(listed, yaml.SequenceNode) or not listed.value:
        raise _wrong(listed.start_mark.line, "steps is a list with at least one step: lines that begin with a dash")
    if len(listed.value) > _MOST_STEPS:
        raise _wrong(listed.start_mark.line, f"a scenario has at most {_MOST_STEPS} steps")
    own = _given(top, "seed", _whole, 0)
    return Scenario(
        name=_given(top, "name", _text, name),
        steps=[_step(node) for node in listed.value],
        about=_given(top, "about", _text, ""),
        seed=own if seed is None else seed,
        start=Start(_given(top, "start", _one_of(tuple(Start)), Start.AT_ONCE.value)),
    )


def read_scenario_file(path: Path, seed: int | None = None) -> Scenario:
    """A scenario from a file. Raises `Invalid` naming file, line and key."""
    try:
        text = path.read_bytes()
    except OSError as trouble:
        raise Invalid(f"The scenario {path} can't be read: {trouble.strerror}.") from None
    try:
        return read_scenario(text, path.stem, seed)
    except Invalid as wrong:
        raise Invalid(f"The scenario {path} is wrong, {wrong}") from None


def told() -> str:
    """The scenarios that come with this sandbox, in words."""
    lines = []
    for name, path in shipped().items():
        lines.append(f"{name}\n    {read_scenario_file(path).about}")
    return "\n".join([*lines, "", "Play one: saoma sandbox --scenario NAME"])


# --- steps ---------------------------------------------------------------------------------------------------------


def _step(node: Node) -> Step:
    every = (*_ALLOWED, *_WHEN, *dict.fromkeys(key for keys in _ALLOWED.values() for key in keys))
    found = _mapping(node, every, "a step")
    line = node.start_mark.line
    named = [word for word in _ALLOWED if word in found]
    if len(named) != 1:
        said = f"it has {' and '.join(named)}" if named else "it has none"
        raise _wrong(line, f"a step says one thing that happens, {_listed(_ALLOWED)}; {said}")
    word = named[0]
    for key in found:
        if key not in (word, *_WHEN, *_ALLOWED[word]):
            allowed = _listed((*_WHEN, *_ALLOWED[word]))
            raise _wrong(found[key].start_mark.line, f"{key} means nothing beside {word}; allowed are {allowed}")
    step = Step(line=line + 1, deed=Deed.FAULT, at=_given(found, "at", _span, 0.0))
    if "after" in found:
        step.calls, step.calls_of = _after(found["after"])
    step.partner = _given(found, "partner", _text, "*")
    step.number = _given(found, "number", _text, "*")
    step.who = _given(found, "who", _text, "")
    match word:
        case "buyer":
            step.deed, step.word = Deed.BUYER, _one_of(_DEEDS)(word, found[word])
        case "clock":
            step.deed, step.seconds = Deed.CLOCK, _span(word, found[word])
        case "file":
            step.deed, step.word = Deed.FILE, _one_of(tuple(FileError))(word, found[word])
            step.day = _given(found, "day", _day, "yesterday")
            step.kind = _given(found, "kind", _one_of(tuple(FileKind)), FileKind.TRANSACTION.value)
            try:
                check_possible(FileError(step.word), FileKind(step.kind))
            except Invalid as wrong:
                raise _wrong(line, str(wrong)) from None
        case _:
            _plan(step, word, found)
    return step


def _plan(step: Step, word: str, found: Mapping[str, Node]) -> None:
    value, line = found[word], step.line - 1
    match word:
        case "fault":
            kinds = tuple(kind for kind in FaultKind if kind is not FaultKind.OUTAGE)
            kind = FaultKind(_one_of(kinds)(word, value))
            if "service" not in found:
                raise _wrong(line, "say of which service: a name as alipay.acquire.cancel, or a pattern as alipay.*")
            service = _text("service", found["service"])
        case "notifications":
            kind = FaultKind(_one_of(tuple(sorted(OF_NOTIFICATIONS)))(word, value))
            service = NOTIFICATION
        case _:
            kind, step.lasts = FaultKind.OUTAGE, _span(word, value)
            service = _given(found, "service", _text, "*")
    step.lasts = _given(found, "for", _span, step.lasts)
    if step.lasts == 0:
        raise _wrong(line, "what is over at once never happens: give it a length of time as 30s")
    if kind is FaultKind.HELD and step.lasts is None:
        raise _wrong(line, "say for how long notifications are held, as for: 30s")
    endless = step.lasts is not None or "chance" in found
    step.fault = Fault(
        service, kind,
        times=_given(found, "times", _times, None if endless else 1),
        seconds=_given(found, "seconds", _span, SILENCE),
        code=_given(found, "code", _text, ""),
        jitter=_given(found, "jitter", _span, 0.0),
        chance=_given(found, "chance", _chance, 1.0),
        partner=step.partner, number=step.number, who=step.who,
        changes=_changes(found["changes"]) if "changes" in found else {},
        spoil_signature=_given(found, "spoil_signature", _truth, False),
    )  # fmt: skip
    try:
        checked(step.fault)
    except Invalid as wrong:
        raise _wrong(line, str(wrong)) from None


def _after(node: Node) -> tuple[int, str]:
    found = _mapping(node, ("calls", "of"), "after")
    if "calls" not in found:
        raise _wrong(node.start_mark.line, "say after how many calls, as after: {calls: 3, of: alipay.acquire.cancel}")
    calls = _whole("calls", found["calls"])
    if calls < 1:
        raise _wrong(found["calls"].start_mark.line, "calls is at least 1")
    of = _given(found, "of", _text, "*")
    try:
        checked(Fault(of, FaultKind.OUTAGE))
    except Invalid as wrong:
        raise _wrong(found["of"].start_mark.line, str(wrong)) from None
    return calls, of


# --- values --------------------------------------------------------------------------------------------------------


def _mapping(node: Node, allowed: tuple[str, ...], what: str) -> dict[str, Node]:
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(node.start_mark.line, f"{what} is made of keys and values; its keys are {_listed(allowed)}")
    found: dict[str, Node] = {}
    for key, value in node.value:
        line = key.start_mark.line
        if not isinstance(key, yaml.ScalarNode):
            raise _wrong(line, "a key is a word")
        if key.value not in allowed:
            near = get_close_matches(key.value, allowed, 1)
            hint = f"did you mean {near[0]}?" if near else f"its keys are {_listed(allowed)}"
            raise _wrong(line, f"{what} has no {key.value}: {hint}")
        if key.value in found:
            first = found[key.value].start_mark.line + 1
            raise _wrong(line, f"{key.value} is there twice, first in line {first}")
        found[key.value] = value
    return found


def _given(found: Mapping[str, Node], key: str, read: Callable[[str, Node], Any], default: Any) -> Any:
    return read(key, found[key]) if key in found else default


def _text(key: str, node: Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _wrong(node.start_mark.line, f"{key} is one value, no list")
    value = str(node.value)
    if not value.strip() or (node.style is None and value in ("~", "null")):
        raise _wrong(node.start_mark.line, f"{key} has no value")
    return value


def _whole(key: str, node: Node) -> int:
    text = _text(key, node)
    if not re.fullmatch(r"\d{1,9}", text):
        raise _wrong(node.start_mark.line, f"{key} is a whole number, not {text!r}")
    return int(text)


def _times(key: str, node: Node) -> int | None:
    if _text(key, node) == _ALWAYS:
        return None
    try:
        return _whole(key, node)
    except Invalid:
        raise _wrong(node.start_mark.line, f"{key} is a whole number or always, not {_text(key, node)!r}") from None


def _chance(key: str, node: Node) -> float:
    text = _text(key, node)
    if not re.fullmatch(r"\d(\.\d+)?|\d{1,3}%", text):
        raise _wrong(node.start_mark.line, f"{key} is a part of one as 0.2, or 20%, not {text!r}")
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def _span(key: str, node: Node) -> float:
    text = _text(key, node).removeprefix("+")
    if not _SPAN.fullmatch(text):
        raise _wrong(node.start_mark.line, f"{key} is a length of time as 1500ms, 30s, 2m or 1h30m, not {text!r}")
    parts = re.findall(r"([\d.]+)(ms|[smhd])", text)
    seconds = sum(float(count) * _UNITS[unit] for count, unit in parts) if parts else float(text)
    if seconds > 366 * 86400:
        raise _wrong(node.start_mark.line, f"{key} is at most a year")
    return seconds


def _day(key: str, node: Node) -> str:
    text = _text(key, node)
    if text not in _DAYS:
        try:
            date.fromisoformat(text)
        except ValueError:
            said = f"{key} is today, yesterday or a day as 2026-03-02, not {text!r}"
            raise _wrong(node.start_mark.line, said) from None
    return text


def _truth(key: str, node: Node) -> bool:
    text = _text(key, node)
    if text not in ("true", "false"):
        raise _wrong(node.start_mark.line, f"{key} is true or false, not {text!r}")
    return text == "true"


def _one_of(words: tuple[str, ...]) -> Callable[[str, Node], str]:
    def read(key: str, node: Node) -> str:
        text = _text(key, node)
        if text not in words:
            near = get_close_matches(text, words, 1)
            hint = f"did you mean {near[0]}?" if near else f"it is {_listed(words, ' or ')}"
            raise _wrong(node.start_mark.line, f"{key} can't be {text!r}: {hint}")
        return text

    return read


def _changes(node: Node) -> dict[str, str]:
    if not isinstance(node, yaml.MappingNode) or not node.value:
        raise _wrong(node.start_mark.line, "changes are fields with their new values, as changes: {total_fee: 0.01}")
    names = tuple(str(key.value) for key, _ in node.value)
    return {name: _text(name, value) for name, value in _mapping(node, names, "changes").items()}


def _listed(words: Any, last: str = " and ") -> str:
    names = [str(word) for word in words]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])}{last}{names[-1]}"
