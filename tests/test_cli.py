"""The console commands that do their work by themselves."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from saoma.alipay.signing import SignType, rsa_signatory
from saoma.cli import main


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["saoma", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_a_new_pair_of_keys_signs_and_is_kept_from_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run(monkeypatch, "keys", "new", "--out", str(tmp_path / "keys")) == 0
    private, public = tmp_path / "keys" / "private.pem", tmp_path / "keys" / "public.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    ours = rsa_signatory(SignType.RSA2, private.read_text(), None)
    theirs = rsa_signatory(SignType.RSA2, None, public.read_text())
    assert theirs.verify(b"a=1", ours.sign(b"a=1"))
    assert not theirs.verify(b"a=2", ours.sign(b"a=1"))


def test_a_key_that_is_there_is_never_overwritten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "keys", "new", "--bits", "1024", "--out", str(tmp_path))
    before = (tmp_path / "private.pem").read_text()
    capsys.readouterr()
    assert run(monkeypatch, "keys", "new", "--bits", "1024", "--out", str(tmp_path)) == 2
    assert "not overwritten" in capsys.readouterr().err
    assert (tmp_path / "private.pem").read_text() == before
