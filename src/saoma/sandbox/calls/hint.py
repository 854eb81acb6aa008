"""One sentence that helps: a key of the texts with its values, so that it is said in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hint:
    """One sentence: a key of the texts, with its values."""

    words: str
    values: Mapping[str, str] = field(default_factory=dict)
