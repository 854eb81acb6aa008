"""How the program of each page is run here; where a runtime is missing, a plain reason.

Starting Java, or a PHP that has to be unpacked first, takes a second each time: so the one stays, and the other
is asked less."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.clients.installing import node as node_program
from tests.quickstart.following import Till
from tests.quickstart.php import PHP_IN_NODE, own_php

HERE: Final = Path(__file__).resolve().parent
#: No proxy between a test and this machine.
ENV: Final = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


class Java(Till):
    """Java's program; after the first time it is compiled once, in a machine that stays."""

    _machine: subprocess.Popen[str] | None = None

    def does(self, *words: str) -> list[str]:
        """One of its commands, in that machine."""
        if self._machine is None:
            command = [*self.run[:-1], str(HERE / "Driver.java"), str(self.folder)]
            self._machine = subprocess.Popen(
                command, cwd=self.folder, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
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
        if self._machine is not None:
            self._machine.communicate(timeout=20)


@dataclass(frozen=True)
class Language:
    """A page, the file it says to save, how that is run in a folder, and what the language writes for nothing."""

    page: str
    file: str
    till: Callable[[Path], Till]
    nothing: str


def python(folder: Path) -> Till:
    """The Python that runs these tests."""
    run = [sys.executable, "till.py"]
    return Till(folder, run, [*run, "listen"], ENV)


def node(folder: Path) -> Till:
    """Node as the clients of others have it, else the machine's own."""
    found = str(node_program()) if node_program().exists() else shutil.which("node")
    if not found:
        pytest.skip("there is no Node here: run `make clients`")
    run = [found, "till.mjs"]
    return Till(folder, run, [*run, "listen"], ENV)


def php(folder: Path) -> Till:
    """The machine's PHP when it has what the page asks for, else one that runs in Node."""
    if own_php():
        return Till(folder, ["php", "till.php"], ["php", "-S", "localhost:PORT", "till.php"], ENV)
    if not PHP_IN_NODE.exists():
        pytest.skip("there is no PHP with curl, openssl and SimpleXML here, nor the one of `make clients`")
    run = [str(node_program()), str(PHP_IN_NODE)]
    listen = [*run, "-S", "localhost:PORT", "till.php"]
    return Till(folder, [*run, "till.php"], listen, {**ENV, "PHP": "8.3"}, is_slow=True)


def java(folder: Path) -> Till:
    """The machine's Java, from version 17 on, when it has a compiler."""
    found = shutil.which("java")
    if not found or not shutil.which("javac"):
        pytest.skip("there is no Java with a compiler here")
    version = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    if (number := re.search(r'version "(\d+)', version)) is None or int(number[1]) < 17:
        pytest.skip("the Java here is older than 17")
    quick = [found, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
    run = [*quick, "Till.java"]
    return Java(folder, run, [*run, "listen"], ENV)


LANGUAGES: Final = {
    "python": Language("python", "till.py", python, "None"),
    "node": Language("node", "till.mjs", node, "undefined"),
    "php": Language("php", "till.php", php, "null"),
    "java": Language("java", "Till.java", java, "null"),
}
