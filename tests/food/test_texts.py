"""Whatever food says to people, it says in Chinese too."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from saoma.food.dayparts import CHANNELS
from saoma.food.model import ALLERGEN_NAMES, TAG_NAMES
from saoma.kit.i18n import texts

ROOM = Path(__file__).resolve().parents[2] / "src" / "saoma" / "food"
#: Calls that carry a text for people, and which of their arguments it is.
SAYING = {
    **dict.fromkeys(("Conflict", "Invalid", "NotFound", "NotAllowed", "SoldOut", "NotNow", "PriceChanged"), 0),
    **dict.fromkeys(("_unreadable", "Unreadable"), 0),
    **dict.fromkeys(("Fault", "problem", "text_fault"), 1),
    "add": 2,
}
_QUOTED = r'"((?:[^"\\]|\\.)*)"'


def _in_templates() -> set[str]:
    found: set[str] = set()
    for path in ROOM.glob("screens/*.html"):
        text = path.read_text()
        found |= {match[1] for match in re.finditer(r"(?<![\w.])_\(" + _QUOTED, text)}
        found |= {match[1] for match in re.finditer(r"(?<![\w.])_n\(" + _QUOTED, text)}
    return found


def _in_code() -> set[str]:
    found: set[str] = set()
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = SAYING.get(name)
            if place is None or len(node.args) <= place:
                continue
            for part in ast.walk(node.args[place]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value.strip():
                    found.add(part.value)
        # Texts chosen before they are raised are assigned to a plain name first.
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("text", "says"):
                for part in ast.walk(node.value):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value.strip():
                        found.add(part.value)
    return found


SAID = sorted(
    _in_templates() | _in_code() | set(ALLERGEN_NAMES.values()) | set(CHANNELS.values()) | set(TAG_NAMES.values())
)


def test_texts_were_found_at_all() -> None:
    assert len(SAID) > 150
    assert "“{dish}” is sold out. Please choose something else." in SAID


@pytest.mark.parametrize("text", SAID)
def test_every_text_has_its_chinese_with_the_same_values(text: str) -> None:
    values = {name: f"<{name}>" for name in re.findall(r"{(\w+)}", text)}
    both = values | {f"{name}_zh": f"<{name}>" for name in values}
    said = texts("zh")(text, **both)
    assert said != text.format(**values) and re.search("[一-鿿]", said), "no Chinese yet"
    for value in values.values():
        assert value in said
