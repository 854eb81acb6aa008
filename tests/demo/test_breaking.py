"""Breaking from outside: a whole family dies, and a full disk is a process's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from saoma.demo.breaking import family, fill_disk, kill

_PARENT = """
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", "input()"], stdin=0).pid, flush=True)
input()
"""
_WRITER = """
import sys
for line in sys.stdin:
    try:
        with open(sys.argv[1], "a") as file:
            file.write("x")
        print("kept", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


def _started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_whole_family_is_killed_at_once() -> None:
    parent = _started("-c", _PARENT)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert family(parent.pid) == [parent.pid, child]
    kill(parent.pid, whole=True)
    assert parent.wait(10) == -9
    parent.communicate()
    assert not Path(f"/proc/{child}/cmdline").exists() or Path(f"/proc/{child}/cmdline").read_bytes() == b""


def test_a_disk_is_full_for_one_process_and_free_again(tmp_path: Path) -> None:
    writer = _started("-c", _WRITER, str(tmp_path / "file"))
    assert writer.stdin is not None and writer.stdout is not None

    def tried() -> str:
        assert writer.stdin is not None and writer.stdout is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
        return writer.stdout.readline().strip()

    assert tried() == "kept"
    fill_disk(writer.pid, full=True)
    assert tried() == "File too large"
    (tmp_path / "ours").write_text("others write on")
    fill_disk(writer.pid, full=False)
    assert tried() == "kept"
    writer.communicate("", timeout=10)
