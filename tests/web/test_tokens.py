"""The colours keep enough contrast, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_TOKENS = Path(__file__).parents[2] / "frontend" / "styles" / "tokens.css"

_TEXT = [
    *[(ink, ground) for ink in ("ink", "soft-ink") for ground in ("paper", "raised", "sunken")],
    *[("ink", f"{tone}-wash") for tone in ("vermilion", "jade", "amber", "crimson")],
    *[(tone, ground) for tone in ("vermilion", "jade", "amber", "crimson") for ground in ("paper", "raised")],
    *[(f"on-{tone}", tone) for tone in ("vermilion", "jade", "amber", "crimson")],
    ("on-vermilion", "vermilion-deep"),
    ("paper", "ink"),
    *[("on-pane", f"{tone}-pane") for tone in ("jade", "amber", "crimson")],
    *[("on-person", f"person-{number}") for number in range(1, 9)],
]
_SHAPES = [
    *[("edge", ground) for ground in ("paper", "raised", "sunken")],
    ("vermilion", "sunken"),
    *[(tone, f"{tone}-wash") for tone in ("jade", "amber", "crimson")],
]


def _themes() -> dict[str, dict[str, str]]:
    text = _TOKENS.read_text()
    found = {}
    for name in ("light", "dark"):
        block = re.search(rf'\[data-theme="{name}"\] \{{([^}}]*)\}}', text)
        assert block
        found[name] = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block[1]))
    return found


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("front", "ground"), _TEXT)
def test_text_can_be_read_on_its_ground(theme: str, front: str, ground: str) -> None:
    colours = _themes()[theme]
    assert _contrast(colours[front], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("front", "ground"), _SHAPES)
def test_a_shape_can_be_told_from_its_ground(theme: str, front: str, ground: str) -> None:
    colours = _themes()[theme]
    assert _contrast(colours[front], colours[ground]) >= 3


def test_both_themes_name_the_same_colours() -> None:
    themes = _themes()
    assert themes["light"].keys() == themes["dark"].keys()
    assert len(themes["light"]) > 30
