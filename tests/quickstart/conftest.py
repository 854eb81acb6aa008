"""One local Alipay, one pair of keys, and the tills of all pages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.quickstart.following import PARTNER, Alipay, sandbox


@pytest.fixture(scope="session")
def alipay() -> Iterator[Alipay]:
    """The sandbox as a process."""
    with sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def keys(alipay: Alipay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of step 4: a pair of keys made by the command of the page, handed in, and what came back."""
    folder = tmp_path_factory.mktemp("keys") / "keys"
    command = [sys.executable, "-m", "saoma.cli", "keys", "new", "--out", "keys"]
    subprocess.run(command, cwd=folder.parent, check=True, capture_output=True)
    sent = (folder / "public.pem").read_bytes()
    (folder / "alipay.pem").write_text(alipay.control("PUT", f"partners/{PARTNER}/public-key", sent))
    return folder
