"""What the pages say to those who use a client of others: its few changed lines, in the client's own folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.clients.installing import NPM, folder_of, node
from tests.quickstart.following import Alipay, Page
from tests.quickstart.languages import ENV

#: The one client that reaches port 80 only is led to the sandbox's port, as its page leads the sandbox to port 80.
LED = """
import socket
_connect = socket.create_connection
socket.create_connection = lambda where, *rest, **named: _connect(
    ("127.0.0.1", PORT) if where[1] == 80 else where, *rest, **named)
"""


def with_pkcs1(keys: Path) -> None:
    """What the page's `openssl rsa -traditional` does."""
    private = serialization.load_pem_private_key((keys / "private.pem").read_bytes(), password=None)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    older = private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (keys / "pkcs1.pem").write_bytes(older)


@pytest.mark.parametrize(
    ("page", "file", "client"),
    [
        ("python", "community.py", "python-alipay-sdk"),
        ("python", "official.py", "alipay-sdk-python"),
        ("node", "sdk.mjs", NPM),
    ],
)
def test_the_changed_lines_lead_a_client_here(
    page: str, file: str, client: str, alipay: Alipay, keys: Path, tmp_path: Path
) -> None:
    (tmp_path / file).write_text(Page(page, alipay).file(file))
    shutil.copytree(keys, tmp_path / "keys")
    with_pkcs1(tmp_path / "keys")
    (tmp_path / "sitecustomize.py").write_text(LED.replace("PORT", str(alipay.port)))
    if client == NPM:
        (tmp_path / "node_modules").symlink_to(folder_of(NPM) / "node_modules")
        command, env = [str(node()), file], ENV
    else:
        command, env = [sys.executable, file], {**ENV, "PYTHONPATH": f"{tmp_path}:{folder_of(client)}"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert "10000" in done.stdout, done.stdout + done.stderr
    assert alipay.control("GET", "calls?limit=1")["calls"][0]["service"] == "alipay.trade.pay"
