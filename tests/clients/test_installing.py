"""What the tests of others' clients say where those can't be had: which, and why, and not a page of a program's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.clients import installing
from tests.clients.installing import HERE, PYTHON, NotInstalled


def test_a_registry_out_of_reach_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "INSTALLED", tmp_path)
    monkeypatch.setattr(installing, "uv", lambda: sys.executable)
    with pytest.raises(NotInstalled, match="Is its package registry reachable") as told:
        installing.install()
    assert str(told.value).startswith(f"The client {PYTHON[0]}, which the tests drive")


def test_a_client_with_other_pins_than_ours_is_not_driven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "INSTALLED", tmp_path)
    (tmp_path / "alipay").mkdir()
    (tmp_path / "alipay" / ".saoma-pins").write_text("of another day")
    with pytest.raises(NotInstalled, match="make clients"):
        installing.folder_of("alipay")


def test_every_client_is_pinned_with_its_hashes() -> None:
    for name in PYTHON:
        pins = (HERE / f"{name}.txt").read_text()
        assert pins.count("==") <= pins.count("--hash=sha256:")
    assert '"integrity"' in (HERE / "npm" / "package-lock.json").read_text()
