"""SSRF through the addresses of alarms: Apprise calls whatever host it is told, by dozens of schemes.

Judged when they are kept and where the connection goes; each test was seen to ring the bell without its guard."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from saoma.identity.roles import Role
from saoma.kit.addresses import AddressRefused
from saoma.kit.errors import Invalid
from saoma.payments.alarm_sending import check_target, send_by_apprise
from tests.hostile.make import World, changed
from tests.hostile.test_classic_holes import Doorbell

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Schemes that call a host somebody typed, in the ways a path or a parameter may hold it.
CALLS_A_TYPED_HOST: Final = (
    *("json://{host}:{port}/x", "xml://{host}:{port}/x", "form://{host}:{port}/x", "jsons://{host}:{port}/x"),
    *(
        "xmls://{host}:{port}/x",
        "forms://{host}:{port}/x",
        "apprise://{host}:{port}/token",
        "gotify://{host}:{port}/abcdefghijklmno",
    ),
    *("ntfy://{host}:{port}/topic", "mmost://{host}:{port}/3ccdd113474722377935511fc85d3dd4", "kodi://{host}:{port}/"),
    *("rocket://u:p@{host}:{port}/channel", "hassio://{host}:{port}/accesstoken", "matrix://u:p@{host}:{port}/room"),
    *(
        "mailto://u:p@{host}:{port}?to=x@shop.example&from=x@shop.example",
        "mailto://u:p@shop.example:{port}?smtp={host}&to=x@shop.example",
    ),
    *(
        "rsyslog://{host}:{port}",
        "bark://{host}:{port}/key",
        "ncloud://u:p@{host}:{port}/user",
        "enigma2://{host}:{port}",
    ),
)
#: This machine, its network and its cloud. The later ones name no address to a reader: they are caught on the way.
LITERAL: Final = (
    "127.0.0.1",
    "169.254.169.254",
    "10.0.0.5",
    "192.168.0.1",
    "100.100.100.200",
    "localhost",
    "a.localhost",
)
IN_DISGUISE: Final = ("127.1", "2130706433", "0x7f000001", "127.0.0.1.", "017700000001")


@pytest_asyncio.fixture(loop_scope="session")
async def bell() -> AsyncIterator[Doorbell]:
    async with Doorbell().hung() as one:
        yield one


async def _send(url: str, *, loopback: bool = False) -> str:
    """What became of an alarm to that address."""
    try:
        return "taken" if await asyncio.to_thread(send_by_apprise, url, "t", "b", loopback=loopback) else "not taken"
    except AddressRefused:
        return "refused"


async def test_ssrf_through_alarm_addresses_is_refused_when_one_is_kept(of: World) -> None:
    operator = await of.person(None, Role.OPERATOR)
    async with of.browser(operator) as desk:
        for url in ("json://192.168.0.1/", "xml://169.254.169.254/", "mailto://u:p@shop.example?smtp=10.0.0.5"):
            before = await of.state()
            answer = await desk.post("/console/alarms/targets", {"name": "Spy", "url": url, "level": "0"})
            assert answer.status_code == 422 and changed(before, await of.state()) == [], url
    for host in LITERAL:
        for form in CALLS_A_TYPED_HOST:
            with pytest.raises(Invalid):
                check_target(form.format(host=host, port=8080), loopback=False)
    for form in CALLS_A_TYPED_HOST:
        check_target(form.format(host="alerts.example", port=8080), loopback=False)
        check_target(form.format(host="127.0.0.1", port=8080), loopback=True)
        with pytest.raises(Invalid):
            check_target(form.format(host="169.254.169.254", port=8080), loopback=True)
    check_target("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#shop", loopback=False)


async def test_ssrf_through_alarm_addresses_ends_where_the_connection_would_begin(bell: Doorbell) -> None:
    for form in CALLS_A_TYPED_HOST:
        url = form.format(host="127.0.0.1", port=bell.port)
        assert await _send(url) == "refused", url
    for host in (*IN_DISGUISE, "localhost"):
        assert await _send(f"json://{host}:{bell.port}/") in ("refused", "not taken"), host
    assert bell.rings == []
    assert await _send(f"json://127.0.0.1:{bell.port}/in", loopback=True) == "taken"
    assert bell.rings == ["/in"], "where the settings allow this machine, it is reached"


async def test_ssrf_through_dns_rebinding_of_an_alarm_address(bell: Doorbell, monkeypatch: pytest.MonkeyPatch) -> None:
    true = socket.getaddrinfo

    def told(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        leads = "127.0.0.1" if host == "rebind.example" else host
        return true(leads, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", told)
    for form in CALLS_A_TYPED_HOST:
        url = form.format(host="rebind.example", port=bell.port)
        check_target(url, loopback=False)
        # UDP asks for the name itself, and nobody knows this one
        assert await _send(url) == ("not taken" if url.startswith("rsyslog") else "refused"), url
    assert bell.rings == []


async def test_ssrf_through_redirects_of_an_alarm(bell: Doorbell) -> None:
    bell.leads_to = "http://169.254.169.254/latest/meta-data/"
    assert await _send(f"json://127.0.0.1:{bell.port}/in", loopback=True) == "refused"
    assert bell.rings == ["/in"]


async def test_a_thread_that_sends_no_alarm_is_not_watched(bell: Doorbell) -> None:
    assert await _send("json://127.0.0.1:9/") == "refused"

    def knock() -> None:
        with socket.create_connection(("127.0.0.1", bell.port), timeout=5):
            pass

    for _ in range(3):
        await asyncio.to_thread(knock)
