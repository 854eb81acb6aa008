"""The console commands that do their work by themselves."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from saoma.alipay.signing import SignType, new_rsa_key, rsa_signatory
from saoma.cli import main
from saoma.identity import model
from saoma.kit.db import Database
from tests.identity import make as identity


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


def test_the_public_half_of_a_key_is_shown_and_never_the_private_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "keys", "new", "--bits", "1024", "--out", str(tmp_path))
    capsys.readouterr()
    private, public = (tmp_path / "private.pem").read_text(), (tmp_path / "public.pem").read_text()
    assert run(monkeypatch, "keys", "show", "--file", str(tmp_path / "private.pem")) == 0
    told = capsys.readouterr()
    assert told.out.strip() == public.strip() and told.err.startswith("SHA256:")
    assert run(monkeypatch, "keys", "show", "--file", str(tmp_path / "private.pem"), "--format", "line") == 0
    assert capsys.readouterr().out.strip() == "".join(public.splitlines()[1:-1])
    assert private.splitlines()[3] not in told.out + told.err
    assert run(monkeypatch, "keys", "show", "--file", str(tmp_path / "public.pem")) == 2
    assert "no private RSA key" in capsys.readouterr().err


def test_an_accounts_public_key_is_shown_by_its_pid_and_a_wrong_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    private, public = new_rsa_key(1024)
    account = replace(identity.account(partner="2088000000000777"), private_key=private, alipay_public_key=public)

    async def fill() -> None:
        db = await Database.open(database_url)
        async with db.transaction() as tx:
            await model.add_account(tx, identity.seal(), account, name="Noodles")
        await db.close()

    asyncio.run(fill())
    monkeypatch.setenv("SAOMA_DATABASE_URL", database_url)
    monkeypatch.setenv("SAOMA_SECRET", identity.SECRET)
    for words in ((), ("2088000000000777",), ("Noodles",)):
        assert run(monkeypatch, "keys", "show", *words) == 0
        assert capsys.readouterr().out.strip() == public.strip()
    assert run(monkeypatch, "keys", "show", "2088000000000778") == 2
    told = capsys.readouterr()
    assert told.out == "" and len(told.err.splitlines()) == 1 and "Noodles" in told.err
