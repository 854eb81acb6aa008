"""Whose clusters are cleared away: those of temporary folders that are gone, and nobody else's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from saoma.kit.postgres import clear_away_left_clusters, copied_binaries, find_binaries


@pytest.mark.parametrize(
    ("made_for", "postmaster", "stays"),
    [
        ("{tmp}/gone", "", False),
        ("{tmp}/gone", "2147483600", False),
        ("{tmp}/gone", "our own", True),
        ("{tmp}/there", "", True),
        ("/srv/on-a-disk-that-is-not-mounted", "", True),
    ],
)
def test_only_a_cluster_nobody_uses_of_a_temporary_folder_that_is_gone_is_removed(
    tmp_path: Path, made_for: str, postmaster: str, *, stays: bool
) -> None:
    (tmp_path / "there").mkdir()
    cluster = tmp_path / "rooms" / "cluster-0123456789ab"
    (cluster / "data").mkdir(parents=True)
    (cluster / "made-for.txt").write_text(made_for.format(tmp=tmp_path))
    if postmaster:
        number = os.getpid() if postmaster == "our own" else postmaster
        (cluster / "data" / "postmaster.pid").write_text(f"{number}\n{cluster}\n")
    clear_away_left_clusters(tmp_path / "rooms")
    assert cluster.exists() is stays


def test_a_copy_of_the_binaries_finds_its_own_libraries(tmp_path: Path) -> None:
    # Root's checkout may be in a folder that nobody else may walk into, as `mktemp -d` makes them.
    copy = copied_binaries(find_binaries(), tmp_path / "server")
    for program in ("postgres", "initdb", "pg_isready"):
        told = subprocess.run([copy / "bin" / program, "--version"], capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stderr
    assert copied_binaries(find_binaries(), tmp_path / "server") == copy
