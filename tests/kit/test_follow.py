"""Whoever was started to follow its parent ends with it, whole: nothing of a killed demo stays behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request

from tests.journeys.conftest import free_port


def test_a_server_ends_with_the_one_that_started_it_and_is_not_brought_back(database_url: str) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "saoma.cli", "serve", "--port", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ
        | {
            "SAOMA_DATABASE_URL": database_url,
            "SAOMA_SECRET": "a secret of thirty-two characters",
            "SAOMA_STORAGE_URL": "memory:",
            "SAOMA_FOLLOW_STDIN": "1",
        },
    )
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
