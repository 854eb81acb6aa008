"""django-oscar, as its documentation sets it up, behind gunicorn with PostgreSQL: eight dishes to a placed order.

Installed from the registry into a folder of its own (`.peers/oscar` beside this checkout's .venv), never into ours.
Emails, search index and thumbnails are off, templates are cached and DEBUG is off, which is in its favour; as its
checkout comes without a provider, placing an order there asks nobody for money."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from running import end, family_seconds

HERE = Path(__file__).parent
PLACE = HERE.parents[1] / ".peers" / "oscar"
PACKAGES = ("django-oscar==4.2.1", "gunicorn==23.0.0", "psycopg[binary]", "sorl-thumbnail", "setuptools<81")


def installed() -> Path:
    """The peer's own Python with its packages; made when it is not there."""
    python = PLACE / "bin" / "python"
    if not (PLACE / ".ready").exists():
        uv = Path(sys.executable).with_name("uv")
        print("installing django-oscar into .peers/oscar", flush=True)
        subprocess.run([uv, "venv", "--quiet", "--allow-existing", PLACE], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *PACKAGES], check=True)
        (PLACE / ".ready").touch()
    return python


class Shop:
    """A running shop with thirty dishes."""

    def __init__(self, url: str, pid: int, dishes: list[str]) -> None:
        self.url = url
        self.pid = pid
        self.dishes = dishes

    async def checkouts(self, checkouts: int, at_once: int, lines: int) -> tuple[list[float], float, float]:
        """So many orders: how long each took in ms, how long all took in s, and the server's CPU in s."""
        took: list[float] = []
        todo = iter(range(checkouts))

        async def customer() -> None:
            for _ in todo:
                jar = aiohttp.CookieJar(unsafe=True)
                async with aiohttp.ClientSession(cookie_jar=jar) as session:
                    began = time.perf_counter()
                    await self._checkout(session, lines)
                    took.append((time.perf_counter() - began) * 1000)

        began, used = time.perf_counter(), family_seconds(self.pid)
        await asyncio.gather(*(customer() for _ in range(at_once)))
        return took, time.perf_counter() - began, family_seconds(self.pid) - used

    async def _checkout(self, session: aiohttp.ClientSession, lines: int) -> None:
        page = await self._get(session, self.dishes[0])
        for dish in self.dishes[:lines]:
            path = f"/basket/add/{dish.rstrip('/').rpartition('_')[2]}/"
            # What a browser would load again after each dish is not asked for, in its favour.
            await self._post(session, path, {"quantity": "1"}, follow=False)
        await self._post(session, "/checkout/", {"username": "amy@example.com", "options": "anonymous"})
        address = {"first_name": "Amy", "last_name": "Ai", "line1": "1 Orchard Road", "line4": "Singapore"}
        address |= {"postcode": "238823", "country": "SG"}
        await self._post(session, "/checkout/shipping-address/", address)
        await self._get(session, "/checkout/shipping-method/")
        await self._get(session, "/checkout/payment-details/")
        page = await self._post(session, "/checkout/preview/", {"action": "place_order"})
        if "Your order has been placed" not in page:
            raise SystemExit(f"django-oscar placed no order: {' '.join(re.sub('<[^>]+>', ' ', page).split())[:400]}")

    async def _get(self, session: aiohttp.ClientSession, path: str) -> str:
        async with session.get(self.url + path) as answer:
            if answer.status != 200:
                raise SystemExit(f"django-oscar answered {answer.status} to {path}")
            return await answer.text()

    async def _post(
        self, session: aiohttp.ClientSession, path: str, form: dict[str, str], *, follow: bool = True
    ) -> str:
        token = next((one.value for one in session.cookie_jar if one.key == "csrftoken"), "")
        headers = {"Referer": self.url + path, "X-CSRFToken": token}
        async with session.post(self.url + path, data=form, headers=headers, allow_redirects=follow) as answer:
            if answer.status != (200 if follow else 302):
                raise SystemExit(f"django-oscar answered {answer.status} to {path}")
            return await answer.text()


@contextmanager
def running(database_url: str, port: int) -> Iterator[Shop]:
    """The shop with its tables and dishes, two workers, listening on `port`."""
    python = installed()
    environment = os.environ | {"PEER_DATABASE": database_url, "DJANGO_SETTINGS_MODULE": "oscar_settings"}
    environment |= {"PYTHONPATH": str(HERE), "PEER_MEDIA": str(PLACE / "media")}
    (PLACE / "media").mkdir(exist_ok=True)
    filled = subprocess.run(
        [python, str(HERE / "oscar_fill.py")], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    dishes = [line for line in filled.stdout.splitlines() if line.startswith("/catalogue/")]
    command = [python, "-m", "gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    process = subprocess.Popen([*command, "oscar_settings:application"], env=environment, text=True)
    try:
        for _ in range(300):
            if _listens(port):
                break
            time.sleep(0.1)
        yield Shop(f"http://127.0.0.1:{port}", process.pid, dishes)
    finally:
        end(process)


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
