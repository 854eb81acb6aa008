"""Tables that stay readable on a phone: each cell carries the words of its column.

The columns come from the same list as the head: a row that becomes a card there still says what its values are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

_CELL: Final = re.compile(r"<(tr|td)\b")


def labelled(rows: str, head: Sequence[str | tuple[str, str]]) -> Markup:
    """The `<tr>`s of a table with `data-label` on each `<td>`; cells beyond the head, and columns without words, have
    none. A table inside a cell would be counted as well: there is none."""
    names = [each if isinstance(each, str) else each[0] for each in head]
    column = -1

    def label(found: re.Match[str]) -> str:
        nonlocal column
        if found[1] == "tr":
            column = -1
            return found[0]
        column += 1
        name = names[column] if column < len(names) else ""
        return str(Markup('<td data-label="{}"').format(name)) if name else found[0]

    return Markup(_CELL.sub(label, rows))
