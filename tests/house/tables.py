"""The tables that documents are printed from and that rules are asked of, found in the code, never listed twice."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

from saoma.kit.lifecycle import Lifecycle

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "saoma"
DOCS = ROOT / "docs"


def module_name(path: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def lifecycles() -> list[tuple[str, Lifecycle[Any, Any]]]:
    """Every lifecycle of every room with the path of its file, in the order of the rooms and of their files."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        if not re.search(r"^\w+: Final.*= Lifecycle\b", path.read_text(encoding="utf-8"), re.MULTILINE):
            continue
        module = importlib.import_module(module_name(path))
        found += [(str(path.relative_to(ROOT)), one) for one in vars(module).values() if isinstance(one, Lifecycle)]
    return found
