"""What breaks processes from outside: SIGKILL for a whole family, a disk that is full, clocks that jump.

A full disk is a limit on the length of files (`RLIMIT_FSIZE`), which an ordinary user may set for processes of their
own: every write to a file fails, whoever makes it, and no other program of the machine notices."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from pathlib import Path


def family(pid: int) -> list[int]:
    """A process and all that descend from it, as far as this machine tells (`/proc`)."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # the name before it may hold anything, brackets too
            words = stat.read_text(errors="replace").rpartition(")")[2].split()
            parents.setdefault(int(words[1]), []).append(int(stat.parent.name))
    found, new = [], [pid]
    while new:
        found += new
        new = [child for parent in new for child in parents.get(parent, [])]
    return found


def kill(pid: int, *, whole: bool) -> None:
    """SIGKILL: no handler runs, nothing is flushed. `whole` takes its children at the same moment."""
    for each in family(pid) if whole else [pid]:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(each, signal.SIGKILL)


def can_fill_disks() -> bool:
    """Whether this system lets one process limit another (Linux does)."""
    return hasattr(resource, "prlimit")


def fill_disk(pid: int, *, full: bool) -> None:
    """Let no file of this family grow any more, or take that back."""
    for each in family(pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            _, most = resource.prlimit(each, resource.RLIMIT_FSIZE)
            resource.prlimit(each, resource.RLIMIT_FSIZE, (0 if full else most, most))


def full_disk_here() -> None:
    """The same for this very process: for `preexec_fn`."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
