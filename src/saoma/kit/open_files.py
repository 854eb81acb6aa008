"""How many files a process may have open: each waiting payment's question is a connection, and so is each screen.

Systems give a process few unless it asks for what it is allowed; nothing happens where it is allowed no more."""

from __future__ import annotations

import contextlib
import resource
from typing import Final

_ENOUGH: Final = 65_536


def allow_many_open_files() -> None:
    """Raise this process's own limit as far as the system lets it, or to what is enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(_ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
