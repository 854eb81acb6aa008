"""Signed requests and verified answers per core-second, ours beside the two Alipay packages of PyPI, in one run.

Each runner is a process of its own: both peers install a package called `alipay`, so they can't share a folder. All do
the same work in turn, one second at a time, several rounds; what is compared is CPU time, never the wall clock.

    python bench/sign_and_verify.py [--rounds 3] [--seconds 1.0] [--no-install]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parent / ".peers"
#: runner -> (what it is, the PyPI package it needs, or "")
RUNNERS = {
    "floor": ("bare cryptography: one signature, one verification, nothing else", ""),
    "saoma": ("saoma, Open API: form out, JSON in, RSA2", ""),
    "saoma-xml": ("saoma, gateway of the in-store services: form out, XML in, RSA2", ""),
    "saoma-md5": ("saoma, the same with MD5", ""),
    "official": ("alipay-sdk-python", "alipay-sdk-python"),
    "fzlee": ("python-alipay-sdk", "python-alipay-sdk"),
}
NODE = (
    '{"code":"10000","msg":"Success","buyer_logon_id":"ali***@example.com","buyer_pay_amount":"12.50",'
    '"out_trade_no":"POS-20240105-000001","total_amount":"12.50","trade_no":"2024010521001000000000000001",'
    '"trade_status":"TRADE_SUCCESS"}'
)


def saoma_keys() -> tuple[str, str, str, str]:
    """Our private and public key, Alipay's private and public key."""
    keys = json.loads(os.environ["SAOMA_BENCH_KEYS"])
    return keys[0], keys[1], keys[2], keys[3]


def floor() -> Callable[[], None]:
    """What no client can be faster than."""
    from saoma.alipay.signing import SignType, rsa_signatory

    ours, _, theirs, their_public = saoma_keys()
    mine = rsa_signatory(SignType.RSA2, ours, their_public)
    answer = rsa_signatory(SignType.RSA2, theirs, None).sign(NODE.encode())

    def pair() -> None:
        mine.sign(NODE.encode())
        assert mine.verify(NODE.encode(), answer)

    return pair


def saoma() -> Callable[[], None]:
    """The product's own path for `method=` calls."""
    from saoma.alipay.signing import SignType, rsa_signatory, string_to_sign
    from saoma.alipay.wire import form, read_openapi_answer, write_openapi_answer

    ours, _, theirs, their_public = saoma_keys()
    mine = rsa_signatory(SignType.RSA2, ours, their_public)
    body = write_openapi_answer("alipay_trade_query_response", NODE, rsa_signatory(SignType.RSA2, theirs, None))

    def pair() -> None:
        fields = {
            "app_id": "2016000000000000",
            "biz_content": '{"out_trade_no":"POS-20240105-000001"}',
            "charset": "utf-8",
            "format": "JSON",
            "method": "alipay.trade.query",
            "sign_type": "RSA2",
            "timestamp": "2024-01-05 12:15:30",
            "version": "1.0",
        }
        fields["sign"] = mine.sign(string_to_sign(fields, keep_sign_type=True).encode())
        form(fields, "utf-8")
        answer = read_openapi_answer(body)
        assert answer.is_signed_by(mine)
        assert answer.fields["trade_status"] == "TRADE_SUCCESS"

    return pair


def saoma_xml(sign_type: str = "RSA2") -> Callable[[], None]:
    """The product's own path for `service=` calls: a barcode payment."""
    from datetime import UTC, datetime

    from saoma.alipay.messages.paying import PayAnswer, SpotPay
    from saoma.alipay.signing import SignType, md5_signatory, rsa_signatory, string_to_sign
    from saoma.alipay.wire import form, read_answer, write_answer
    from saoma.gateway import SecondaryMerchant
    from saoma.kit.money import Money

    ours, _, theirs, their_public = saoma_keys()
    if sign_type == "MD5":
        mine = alipay = md5_signatory("abcdefghijklmnopqrstuvwxyz123456")
    else:
        mine = rsa_signatory(SignType.RSA2, ours, their_public)
        alipay = rsa_signatory(SignType.RSA2, theirs, None)
    request = SpotPay(
        order_number="POS-20240105-000001",
        amount=Money(1250, "USD"),
        subject="Noodle set",
        created_at=datetime(2024, 1, 5, 4, 15, tzinfo=UTC),
        payment_code="281234567890123456",
        shop=SecondaryMerchant("SM_1001", "Example Noodle Bar", "5812", "ST_01", "Harbour Branch", "T01"),
        seller_id="2088000000000001",
        notify_url="https://pos.example.com/alipay/notify",
    )
    said = {
        "alipay_buyer_login_id": "ali***@example.com",
        "alipay_buyer_user_id": "2088000000009999",
        "alipay_pay_time": "20240105121532",
        "alipay_trans_id": "2024010521001000000000000001",
        "currency": "USD",
        "partner_trans_id": "POS-20240105-000001",
        "result_code": "SUCCESS",
        "trans_amount": "12.50",
    }
    body = write_answer("alipay", said, request.fields(), alipay, "UTF-8")

    def pair() -> None:
        fields = {"service": request.service, "partner": "2088000000000001", "_input_charset": "UTF-8"}
        fields |= request.fields()
        fields["sign"] = mine.sign(string_to_sign(fields).encode())
        fields["sign_type"] = mine.sign_type.value
        form(fields, "utf-8")
        answer = read_answer(body)
        assert answer.is_signed_by(mine, "UTF-8")
        assert PayAnswer.read(answer.fields, "USD").amount == Money(1250, "USD")

    return pair


def bare(pem: str) -> str:
    """A PEM key on one line."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def answer_for_peers() -> str:
    """The same signed answer, as text."""
    from saoma.alipay.signing import SignType, rsa_signatory
    from saoma.alipay.wire import write_openapi_answer

    signatory = rsa_signatory(SignType.RSA2, saoma_keys()[2], None)
    return write_openapi_answer("alipay_trade_query_response", NODE, signatory).decode()


def official() -> Callable[[], None]:
    """Alipay's own package: build and sign a request, verify and read an answer."""
    from alipay.aop.api.AlipayClientConfig import AlipayClientConfig
    from alipay.aop.api.DefaultAlipayClient import DefaultAlipayClient
    from alipay.aop.api.domain.AlipayTradeQueryModel import AlipayTradeQueryModel
    from alipay.aop.api.request.AlipayTradeQueryRequest import AlipayTradeQueryRequest
    from cryptography.hazmat.primitives import serialization as s

    ours, _, _, their_public = saoma_keys()
    old = s.load_pem_private_key(ours.encode(), None).private_bytes(
        s.Encoding.PEM, s.PrivateFormat.TraditionalOpenSSL, s.NoEncryption()
    )
    config: Any = AlipayClientConfig()
    config.server_url = "https://openapi.alipaydev.com/gateway.do"
    config.app_id = "2016000000000000"
    config.app_private_key = bare(old.decode())
    config.alipay_public_key = bare(their_public)
    config.sign_type = "RSA2"
    client: Any = DefaultAlipayClient(alipay_client_config=config)
    text = answer_for_peers().encode()

    def pair() -> None:
        model: Any = AlipayTradeQueryModel()
        model.out_trade_no = "POS-20240105-000001"
        client._DefaultAlipayClient__prepare_request(AlipayTradeQueryRequest(biz_model=model))
        content = client._DefaultAlipayClient__parse_response(text)
        assert json.loads(content)["trade_status"] == "TRADE_SUCCESS"

    return pair


def fzlee() -> Callable[[], None]:
    """The community's package: the same."""
    from alipay import AliPay

    ours, _, _, their_public = saoma_keys()
    client: Any = AliPay(
        appid="2016000000000000",
        app_notify_url=None,
        app_private_key_string=ours,
        alipay_public_key_string=their_public,
        sign_type="RSA2",
    )
    text = answer_for_peers()

    def pair() -> None:
        client.sign_data(client.build_body("alipay.trade.query", {"out_trade_no": "POS-20240105-000001"}))
        said = client._verify_and_return_sync_response(text, "alipay_trade_query_response")
        assert said["trade_status"] == "TRADE_SUCCESS"

    return pair


MAKERS: dict[str, Callable[[], Callable[[], None]]] = {
    "floor": floor,
    "saoma": saoma,
    "saoma-xml": saoma_xml,
    "saoma-md5": lambda: saoma_xml("MD5"),
    "official": official,
    "fzlee": fzlee,
}


def work(name: str) -> None:
    """A runner's own process: says `ready`, then measures one slice for each line it is sent."""
    try:
        pair = MAKERS[name]()
    except ImportError as error:
        print(f"missing {error}", flush=True)
        return
    for _ in range(3):
        pair()
    print("ready", flush=True)
    for line in sys.stdin:
        seconds = float(line)
        pairs, began, ends = 0, time.process_time(), time.perf_counter() + seconds
        while time.perf_counter() < ends:
            pair()
            pairs += 1
        print(json.dumps(pairs / (time.process_time() - began)), flush=True)


def install(package: str) -> str:
    """Put a peer into a folder of its own; the reason why not, or nothing."""
    folder = PEERS / package
    if folder.exists():
        return ""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        return "uv is not found, so it can't be installed"
    print(f"installing {package} into {folder}", flush=True)
    done = subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder), package],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    shutil.rmtree(folder, ignore_errors=True)
    return (done.stderr.strip().splitlines() or ["the installation failed"])[-1]


def start(name: str, keys: str) -> subprocess.Popen[str]:
    """A runner's process; peers find their own folder before anything else."""
    package = RUNNERS[name][1]
    source = str(Path(__file__).parent.parent / "src")
    path = [str(PEERS / package), source] if package else [source]
    return subprocess.Popen(
        [sys.executable, __file__, "--runner", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "SAOMA_BENCH_KEYS": keys},
    )


def say(process: subprocess.Popen[str], line: str = "") -> str:
    """Send a line, if any, and read one."""
    assert process.stdin and process.stdout
    if line:
        process.stdin.write(line + "\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def main() -> None:
    """Run all in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--no-install", action="store_true", help="leave out peers that are not in bench/.peers yet")
    parser.add_argument("--runner", choices=MAKERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.runner:
        work(options.runner)
        return

    sys.path.insert(0, str(Path(__file__).parent.parent / "src"))
    from saoma.alipay.signing import new_rsa_key

    keys = json.dumps([*new_rsa_key(), *new_rsa_key()])
    running: dict[str, subprocess.Popen[str]] = {}
    absent: dict[str, str] = {}
    for name, (_, package) in RUNNERS.items():
        if package and not (PEERS / package).exists():
            why = "left out by --no-install" if options.no_install else install(package)
            if why:
                absent[name] = why
                continue
        process = start(name, keys)
        answer = say(process)
        if answer == "ready":
            running[name] = process
        else:
            absent[name] = answer or "it did not start"
    found: dict[str, list[float]] = {name: [] for name in running}
    for turn in range(options.rounds):
        order = list(running) if turn % 2 == 0 else list(reversed(running))
        for name in order:
            found[name].append(float(json.loads(say(running[name], str(options.seconds)))))
    for process in running.values():
        assert process.stdin
        process.stdin.close()
        process.wait()

    print(f"\nsigned request + verified answer, RSA 2048, pairs per core-second (median of {options.rounds} rounds)\n")
    middle = {name: statistics.median(values) for name, values in found.items()}
    for name, (title, _) in RUNNERS.items():
        if name in middle:
            ratio = (
                f"saoma is {middle['saoma'] / middle[name]:7.2f} x" if name in ("floor", "official", "fzlee") else ""
            )
            print(f"{middle[name]:>10,.0f}   {title:<68} {ratio}")
        else:
            print(f"{'-':>10}   {title:<68} not measured: {absent[name]}")


if __name__ == "__main__":
    main()
