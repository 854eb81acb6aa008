"""`pip install saoma` and nothing else: the local Alipay, the validator and the keys work."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from saoma.cli import PLATFORM
from tests.clients.alone import install_wheel
from tests.sandbox.make import free_port

#: A till in another program: it pays by a code, and says what became of it.
HOOKS = r"""
import hashlib, json, re, sys, time, urllib.parse, urllib.request
asked = json.load(sys.stdin)
if asked["hook"] == "hello":
    print(json.dumps({"name": "A till", "hooks": ["pay", "query", "advance"], "currency": "USD"}))
elif asked["hook"] == "advance":
    print(json.dumps({"next_in": None}))
elif asked["hook"] == "query":
    print(open(sys.argv[0] + "." + asked["order"]).read())
else:
    shop = {"secondary_merchant_id": "S1", "secondary_merchant_name": "Noodles", "secondary_merchant_industry": "5812",
            "store_id": "ST1", "store_name": "Main street", "terminal_id": "T1"}
    order = "ALONE-" + asked["code"]
    fields = {
        "service": "alipay.acquire.overseas.spot.pay", "partner": "2088000000000001", "_input_charset": "UTF-8",
        "alipay_seller_id": "2088000000000001", "trans_name": "Noodles", "partner_trans_id": order,
        "currency": asked["currency"], "trans_amount": asked["amount"], "buyer_identity_code": asked["code"],
        "identity_code_type": "barcode", "biz_product": "OVERSEAS_MBARCODE_PAY",
        "trans_create_time": time.strftime("%Y%m%d%H%M%S"), "extend_info": json.dumps(shop),
    }
    signed = "&".join(f"{name}={fields[name]}" for name in sorted(fields)) + "abcdefghijklmnopqrstuvwxyz123456"
    fields |= {"sign_type": "MD5", "sign": hashlib.md5(signed.encode()).hexdigest()}
    gateway = sys.argv[1] + "/gateway.do?_input_charset=UTF-8"
    said = urllib.request.urlopen(gateway, urllib.parse.urlencode(fields).encode()).read().decode()
    paid = "<result_code>SUCCESS</result_code>" in said
    standing = {"order": order, "status": "paid" if paid else "failed", "receipts": int(paid), "message": said}
    open(sys.argv[0] + "." + order, "w").write(json.dumps(standing))
    print(json.dumps(standing))
"""


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder with `saoma` and its Python."""
    return install_wheel()


def said(programs: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What a program there answers, outside of this tree."""
    command = [str(programs / words[0]), *words[1:]]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=_own(), cwd=programs)


def _own(**more: str) -> dict[str, str]:
    ours = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if name not in ours} | more


@contextmanager
def alipay(programs: Path, *words: str) -> Iterator[str]:
    """`saoma sandbox` from there; its address."""
    port = free_port()
    process = subprocess.Popen(
        [str(programs / "saoma"), "sandbox", "--port", str(port), *words],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=_own(SAOMA_FOLLOW_STDIN="1"), cwd=programs,
    )  # fmt: skip
    try:
        for _ in range(1000):
            assert process.poll() is None, "the sandbox ended"
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
                break
            except urllib.error.URLError:
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


def test_a_payment_is_made_and_judged_where_nothing_of_the_platform_is_installed(
    programs: Path, tmp_path: Path
) -> None:
    look = f"import importlib.util as u; print([n for n in {sorted(PLATFORM)} if u.find_spec(n)])"
    assert said(programs, "python", "-c", look).stdout.strip() == "[]"
    (tmp_path / "hooks.py").write_text(HOOKS)
    report = tmp_path / "report.json"
    with alipay(programs, "--state", str(tmp_path / "book.sqlite")) as url:
        judged = said(
            programs, "saoma", "validate", "--command", f"{programs / 'python'} {tmp_path / 'hooks.py'} {url}",
            "--sandbox", url, "--case", "V1", "--json", str(report), "--page", str(tmp_path / "report.html"),
        )  # fmt: skip
    assert judged.returncode == 0, judged.stdout + judged.stderr
    found = json.loads(report.read_text())
    assert [(case["id"], case["outcome"]) for case in found["cases"]] == [("V1", "passed")]
    assert (tmp_path / "book.sqlite").stat().st_size > 0


def test_keys_are_made_and_the_rest_says_what_to_install(programs: Path, tmp_path: Path) -> None:
    made = said(programs, "saoma", "keys", "new", "--bits", "1024", "--out", str(tmp_path))
    assert made.returncode == 0 and (tmp_path / "public.pem").exists()
    shown = said(programs, "saoma", "keys", "show", "--file", str(tmp_path / "private.pem"))
    assert shown.stdout == (tmp_path / "public.pem").read_text()
    served = said(programs, "saoma", "serve")
    assert served.returncode == 2 and "pip install 'saoma[platform]'" in served.stderr
