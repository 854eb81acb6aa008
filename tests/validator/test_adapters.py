"""Adapters as newcomers write them: the two of docs/validator.md as they stand, and every way to get one wrong."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from saoma.validator.adapter import Adapter, CommandAdapter, HookFailed, HttpAdapter, checked, meet
from saoma.validator.driving import drive
from tests.clients import installing
from tests.sandbox.make import free_port
from tests.validator.make import HELD, Bench, outcomes

pytestmark = pytest.mark.asyncio(loop_scope="session")

HERE = Path(__file__).parents[2]
PAGE = (HERE / "docs/validator.md").read_text()
#: What stands where a newcomer's own integration stands: it pays, and asks when it is asked.
SHOP_PY = """
import hashlib, itertools, os, re, time, types, urllib.error, urllib.parse, urllib.request
GATEWAY, PARTNER, KEY = os.environ["GATEWAY"], "2088000000000001", "abcdefghijklmnopqrstuvwxyz123456"
STORE = ('{"secondary_merchant_id":"SM_1","secondary_merchant_industry":"5812","secondary_merchant_name":"Noodles",'
         '"store_id":"ST_1","store_name":"Harbour"}')
NUMBERS, WORDS = itertools.count(int(time.time() * 1000)), {}
def call(service, **fields):
    fields |= {"service": service, "partner": PARTNER, "_input_charset": "UTF-8"}
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    fields |= {"sign_type": "MD5", "sign": hashlib.md5((text + KEY).encode()).hexdigest()}
    said = urllib.request.urlopen(f"{GATEWAY}?{urllib.parse.urlencode(fields)}").read().decode()
    return dict(re.findall("<(result_code|alipay_trans_status|error)>([A-Z_]+)<", said))
def pay(amount, code):
    order = f"PY{next(NUMBERS)}"
    said = call("alipay.acquire.overseas.spot.pay", alipay_seller_id=PARTNER, trans_name="Soup", partner_trans_id=order,
        currency="USD", trans_amount=amount, buyer_identity_code=code, identity_code_type="barcode",
        trans_create_time=time.strftime("%Y%m%d%H%M%S"), biz_product="OVERSEAS_MBARCODE_PAY", extend_info=STORE)
    WORDS[order] = "" if said.get("result_code") == "SUCCESS" else "Ask for another way to pay."
    return find(order)
def find(order):
    said = call("alipay.acquire.overseas.query", partner_trans_id=order).get("alipay_trans_status")
    status = {"TRADE_SUCCESS": "paid", "WAIT_BUYER_PAY": "waiting"}.get(said, "failed")
    return types.SimpleNamespace(order=order, status=status, message=WORDS.get(order, ""))
"""
SHOP_JS = """
const crypto = require("crypto");
const PARTNER = "2088000000000001", KEY = "abcdefghijklmnopqrstuvwxyz123456";
const STORE = JSON.stringify({ secondary_merchant_id: "SM_1", secondary_merchant_industry: "5812",
  secondary_merchant_name: "Noodles", store_id: "ST_1", store_name: "Harbour" });
async function call(service, fields) {
  Object.assign(fields, { service, partner: PARTNER, _input_charset: "UTF-8" });
  const text = Object.keys(fields).sort().map((name) => `${name}=${fields[name]}`).join("&");
  fields.sign = crypto.createHash("md5").update(text + KEY).digest("hex");
  fields.sign_type = "MD5";
  const said = await (await fetch(`${process.env.GATEWAY}?${new URLSearchParams(fields)}`)).text();
  return (/<(?:alipay_trans_status|result_code)>([A-Z_]+)</.exec(said.replace(/<result_code>SUCCESS<[^]*?(?=<alipay_trans_status)/, "")) || [])[1];
}
exports.pay = async (amount, code) => {
  const order = `JS${Date.now()}`;
  await call("alipay.acquire.overseas.spot.pay", { alipay_seller_id: PARTNER, trans_name: "Soup", partner_trans_id: order,
    currency: "USD", trans_amount: amount, buyer_identity_code: code, identity_code_type: "barcode",
    trans_create_time: "20260302120000", biz_product: "OVERSEAS_MBARCODE_PAY", extend_info: STORE });
  return exports.find(order);
};
exports.find = async (order) => {
  const said = await call("alipay.acquire.overseas.query", { partner_trans_id: order });
  return { order, status: said === "TRADE_SUCCESS" ? "paid" : "failed", message: "Ask for another way to pay." };
};
"""  # noqa: E501


def printed(language: str, begins: str = "", page: str = PAGE) -> str:
    """The one block of that language on the page that begins so."""
    (found,) = re.findall(rf"^```{language}\n({re.escape(begins)}.*?)^```", page, re.DOTALL | re.MULTILINE)
    return str(found)


async def judged(bench: Bench, adapter: Adapter) -> dict[str, str]:
    return outcomes(await drive(bench.control, adapter, await meet(adapter), only=["V1", "V14", "V11"], silence=HELD))


SEEN = {"V1": "passed: paid-once", "V14": "passed: plain-words", "V11": "not seen: no-hook"}


@asynccontextmanager
async def served(bench: Bench, folder: Path, shop: str) -> AsyncIterator[str]:
    """The adapter of the page in front of a shop: its address."""
    (folder / "hooks.py").write_text(printed("python", "# hooks.py"))
    (folder / "shop.py").write_text(shop)
    port = free_port()
    told = {"GATEWAY": f"{bench.control.url}/gateway.do", "PORT": str(port), "PATH": "/usr/bin:/bin"}
    quiet = asyncio.subprocess.DEVNULL
    running = await asyncio.create_subprocess_exec(sys.executable, "hooks.py", cwd=folder, env=told, stderr=quiet)
    try:
        adapter = HttpAdapter(f"http://localhost:{port}/", bench.session)
        for _ in range(200):
            try:
                await adapter.call("hello", {})
                break
            except HookFailed:
                await asyncio.sleep(0.02)
        yield f"http://localhost:{port}/"
    finally:
        running.kill()
        await running.wait()


async def test_the_adapter_in_python_on_the_page_works_as_it_stands_there(bench: Bench, tmp_path: Path) -> None:
    async with served(bench, tmp_path, SHOP_PY) as address:
        assert await judged(bench, HttpAdapter(address, bench.session)) == SEEN
        async with bench.session.post(f"{address}notify", data="trade_status=TRADE_SUCCESS") as astray:
            assert astray.status == 404, "a notification that went to the wrong port"


async def test_the_till_of_the_quick_start_is_judged_as_the_page_says(bench: Bench, tmp_path: Path) -> None:
    till = printed("python", '"""A till', (HERE / "docs/quickstart/python.md").read_text())
    (tmp_path / "till.py").write_text(
        re.sub(r"(?m)^GATEWAY = .*", 'GATEWAY = os.environ["GATEWAY"]', f"import os\n{till}")
    )
    async with served(bench, tmp_path, printed("python", "# shop.py")) as address:
        adapter = HttpAdapter(address, bench.session)
        hello = await meet(adapter)
        found = await drive(bench.control, adapter, hello, only=["V1", "V2", "V3", "V14", "S8"], silence=HELD)
    assert outcomes(found) == {
        "V1": "passed: paid-once", "V2": "passed: whole-code", "V3": "failed: never-asked",
        "V14": "passed: plain-words",
        "S8": "not applicable: other-solution",
    }  # fmt: skip
    assert found[2].verdict.reason.say() in PAGE.replace("*", ".")


async def test_the_adapter_in_node_on_the_page_works_as_it_stands_there(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = installing.node() if installing.node().exists() else shutil.which("node")
    if node is None:
        pytest.skip("there is no Node here: make clients")
    (tmp_path / "hooks.js").write_text(printed("js"))
    (tmp_path / "shop.js").write_text(SHOP_JS)
    monkeypatch.setenv("GATEWAY", f"{bench.control.url}/gateway.do")
    assert await judged(bench, CommandAdapter(f"{node} {tmp_path / 'hooks.js'}")) == SEEN


# --- what can be wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "text", "says"),
    [
        ("pay", "<!doctype html><h1>Oops</h1>", "did not answer JSON but: <!doctype html><h1>Oops</h1>"),
        ("pay", "", "did not answer JSON but: nothing"),
        ("pay", '["paid"]', 'did not answer a JSON object such as {"status": "waiting"} but: ["paid"]'),
        ("query", '{"status": "done"}', "answered the status 'done': it is one of waiting, paid, failed, closed"),
        ("query", '{"status": 1}', "answered status: 1, which should be a text"),
        ("query", '{"receipts": true}', "answered receipts: true, which should be a whole number"),
        ("query", '{"alarm": "yes"}', 'answered alarm: "yes", which should be true or false'),
        ("advance", '{"next_in": "soon"}', 'answered next_in: "soon", which should be a number of seconds, or null'),
        ("page", '{"url": null, "order": 7}', "answered order: 7, which should be a text"),
    ],
)
async def test_nonsense_from_a_hook_is_told_with_what_was_expected(hook: str, text: str, says: str) -> None:
    with pytest.raises(HookFailed, match=re.escape(f"my adapter {says}")):
        checked(hook, text, "my adapter")


@pytest.mark.parametrize(
    ("hello", "says"),
    [
        ({"hooks": ["payment"]}, "hello offers a hook 'payment', which nobody knows; is pay meant?"),
        ({"hooks": []}, "hello offers no hooks"),
        ({}, "hello offers no hooks"),
        ({"hooks": "pay"}, "hello: Expected `array`"),
        ({"hooks": ["pay"], "solutions": ["bakery"]}, "hello names a solution 'bakery'"),
        ({"hooks": ["pay"], "sign_type": "SHA1"}, "hello names the sign_type 'SHA1'"),
    ],
)
async def test_a_hello_that_can_not_be_understood_is_told_at_once(hello: dict[str, Any], says: str) -> None:
    class Greets:
        async def call(self, hook: str, body: dict[str, Any]) -> dict[str, Any]:
            return hello

    with pytest.raises(HookFailed, match=re.escape(says)):
        await meet(Greets())


@pytest_asyncio.fixture(loop_scope="session")
async def door() -> AsyncIterator[str]:
    """An adapter with faults of its own."""

    async def late(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.json_response({})

    async def wrong(_: web.Request) -> web.Response:
        return web.Response(status=500, text="KeyError: 'code'")

    async def gone(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    app = web.Application()
    app.router.add_post("/pay", late)
    app.router.add_post("/cancel", gone)
    app.router.add_post("/query", wrong)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_hook_over_http_that_is_missing_late_or_broken_is_told_in_one_line(door: str) -> None:
    async with aiohttp.ClientSession() as session:
        adapter = HttpAdapter(door, session, patience=0.4)
        nobody = HttpAdapter(f"http://127.0.0.1:{free_port()}", session)
        for asked, hook, says in (
            (adapter, "pay", "/pay did not answer within 0 s: let it return at once"),
            (adapter, "query", "/query was answered 500, not 200: KeyError: 'code'"),
            (adapter, "refund", "/refund was answered 404, not 200"),
            (adapter, "cancel", "/cancel: it hung up without an answer; its own log says why"),
            (nobody, "hello", "/hello: is your adapter running?"),
        ):
            with pytest.raises(HookFailed, match=re.escape(says)) as told:
                await asked.call(hook, {})
            assert "\n" not in str(told.value) and "Connect call" not in str(told.value)


async def test_a_command_that_is_missing_late_or_broken_is_told_in_one_line() -> None:
    for command, says in (
        ("/no/such/program", "the command '/no/such/program' can't be started: No such file"),
        ("", "can't be started"),
        ("sleep 5", "sleep with the hook pay did not end within 0 s"),
        ("sh -c 'echo broken >&2; exit 3'", "sh with the hook pay ended with 3: broken"),
        ("echo hello", "echo with the hook pay did not answer JSON but: hello"),
    ):
        with pytest.raises(HookFailed, match=re.escape(says)) as told:
            await CommandAdapter(command, patience=0.05 if "sleep" in command else 5).call("pay", {})
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("complaint", "names"),
    [
        (
            "/shop/hooks.js:3\nthrow new Error('no soup')\n^\n\nError: no soup\n    at pay\n\nNode.js v20",
            "Error: no soup",
        ),
        ("Traceback (most recent call last):\n  File \"hooks.py\", line 3\nKeyError: 'code'", "KeyError: 'code'"),
        (
            "PHP Fatal error:  Uncaught RuntimeException: no soup in hooks.php:3\nStack trace:\n#0 {main}\n  thrown",
            "PHP Fatal error:  Uncaught RuntimeException: no soup in hooks.php:3",
        ),
        (
            'Exception in thread "main" java.lang.IllegalStateException: no soup\n\tat Hooks.main(Hooks.java:3)',
            'Exception in thread "main" java.lang.IllegalStateException: no soup',
        ),
        ("warming up\nno such order", "no such order"),
    ],
)
async def test_of_a_programs_complaints_the_line_that_names_the_error_is_told(
    complaint: str, names: str, tmp_path: Path
) -> None:
    (tmp_path / "said").write_text(complaint)
    with pytest.raises(HookFailed, match=re.escape(f"ended with 1: {names}") + "$"):
        await CommandAdapter(f"sh -c 'cat {tmp_path / 'said'} >&2; exit 1'").call("pay", {})
