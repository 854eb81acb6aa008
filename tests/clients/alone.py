"""Saoma by itself: a place with what `pip install saoma` brings and nothing else, and the wheel of this tree in it.

The place is made by `make clients` and kept; only the wheel is put into it anew, so that its test takes seconds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

from tests.clients.installing import INSTALLED, NotInstalled, uv

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = INSTALLED / "saoma"
_STAMP: Final = FOLDER / ".saoma-pins"


def make_place() -> None:
    """Install the dependencies without extras, as requirements.txt pins them. Raises `NotInstalled`."""
    if _STAMP.exists() and _STAMP.read_text() == _wanted():
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    python = str(FOLDER / "bin" / "python")
    pins = ["--constraint", "requirements.txt", "--requirement", "pyproject.toml"]
    _run([uv(), "venv", "--quiet", "--python", sys.executable, str(FOLDER)])
    _run([uv(), "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *pins])
    _STAMP.write_text(_wanted())


def install_wheel() -> Path:
    """Build this tree's wheel, install it, and tell the folder of its programs. Raises `NotInstalled`."""
    if not _STAMP.exists() or _STAMP.read_text() != _wanted():
        raise NotInstalled("What Saoma needs by itself is not installed: run `make clients` first.")
    with tempfile.TemporaryDirectory() as folder:
        # the pages were built when this tree was installed; where they changed since, Node is beside the clients
        _run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
            PYTHONPATH=str(INSTALLED / "node"),
        )
        wheel = next(Path(folder).glob("*.whl"))
        into = ["--python", str(FOLDER / "bin" / "python")]
        _run([uv(), "pip", "install", "--quiet", "--no-deps", "--offline", "--reinstall", *into, str(wheel)])
    return FOLDER / "bin"


def _wanted() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = (ROOT / "requirements.txt").read_bytes()
    return hashlib.sha256(json.dumps(project["dependencies"]).encode() + pins).hexdigest()


def _run(command: list[str], **more: str) -> None:
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"} | more
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise NotInstalled(f"Saoma could not be installed by itself: {' '.join(command[:4])} said\n{said}")
