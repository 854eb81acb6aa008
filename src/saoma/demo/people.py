"""The people of a replay: a diner's phone inside the wallet, a cashier at the till, and the wallets' own presses.

Each is an HTTP client with a cookie jar of its own; whatever a dead process fails to answer is `Gone`: try again."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from saoma.kit.errors import SaomaError
from saoma.kit.money import Money

_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
    "NebulaSDK/1.8.100112 Nebula AliApp(AP/10.5.0.6000) AlipayClient/10.5.0.6000 Language/en Region/CN"
)
_LIMIT = aiohttp.ClientTimeout(total=40, sock_connect=3)
_Form = Sequence[tuple[str, str]] | aiohttp.FormData


class Gone(SaomaError):
    """Nobody answered, or not in earnest (a restart): the same press may be made again."""


class PlayedWrong(SaomaError):
    """The house refused a press that should have worked; the text tells which."""


async def patiently(act: Callable[[], Awaitable[None]]) -> None:
    """Do it again as long as nobody is there to do it with."""
    while True:
        try:
            return await act()
        except Gone:
            await asyncio.sleep(0.3)


class Browser:
    """A cookie jar that posts forms as a page would."""

    def __init__(self, app_url: str, agent: str = "") -> None:
        self.app_url = app_url
        self.session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=_LIMIT, headers={"User-Agent": agent} if agent else {}
        )

    async def close(self) -> None:
        """Put the phone, or the till, away."""
        await self.session.close()

    async def ask(
        self,
        method: str,
        url: str,
        *,
        form: _Form = (),
        headers: Mapping[str, str] | None = None,
        ill_is_gone: bool = True,
    ) -> tuple[int, Mapping[str, str], str]:
        """One request, redirects not followed. Raises `Gone` when nobody answers or the house is ill."""
        address = url if url.startswith("http") else self.app_url + url
        try:
            async with self.session.request(
                method, address, data=form or None, headers=headers, allow_redirects=False
            ) as answer:
                text = await answer.text()
                if answer.status >= 500 and ill_is_gone:
                    raise Gone(f"{method} {url} answered {answer.status}")
                return answer.status, answer.headers, text
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Gone(f"{method} {url}: {error}") from error

    def _token(self) -> str:
        for cookie in self.session.cookie_jar:
            if cookie.key == "saoma_csrf":
                return cookie.value
        return ""

    async def press(self, path: str, form: _Form = ()) -> tuple[int, Mapping[str, str], str]:
        """Post a form as htmx would."""
        return await self.ask("POST", path, form=form, headers=self.headers())

    def headers(self) -> dict[str, str]:
        """What htmx sends along."""
        return {"HX-Request": "true", "X-CSRF-Token": self._token()}


_CONNECT = re.compile(r'href="(/alipay/authorize\?[^"]+)"')


class Diner:
    """A phone inside the toy wallet of `buyer`."""

    def __init__(self, app_url: str, sandbox_url: str, buyer: str) -> None:
        self.buyer = buyer
        self._browser = Browser(app_url, _AGENT)
        #: Cookies know no ports: what the sandbox sets must not mix with the shop's.
        self._alipay = Browser(sandbox_url, _AGENT)

    async def close(self) -> None:
        """Put the phone away."""
        await self._browser.close()
        await self._alipay.close()

    async def scan(self, code: str) -> None:
        """Open the table's page."""
        await self.open(f"/t/{code}")

    async def open(self, url: str) -> None:
        """Open a page of the shop, being authorized on the way if need be."""
        for _ in range(8):
            at_alipay = url.startswith(self._alipay.app_url)
            browser = self._alipay if at_alipay else self._browser
            # The toy wallet knows whose it is by its host name.
            host = f"{self.buyer}.localhost:{urlsplit(url).port}"
            status, answer, text = await browser.ask("GET", url, headers={"Host": host} if at_alipay else {})
            connect = _CONNECT.search(text) if status == 200 else None
            if connect is not None:
                # Alipay was away when it was asked who this is: as a diner would, press "Connect Alipay".
                url = unescape(connect[1])
                continue
            if status == 200:
                return
            if status not in (302, 303, 307):
                raise PlayedWrong(f"{url} answered {status}: {_words(text)}")
            url = answer["Location"]
        raise PlayedWrong("the authorization goes in circles")

    async def add(self, code: str, item_id: str, options: Sequence[str], quantity: int, note: str, key: str) -> None:
        """Put a dish into the basket."""
        form = [("item", item_id), ("quantity", str(quantity)), ("note", note), ("key", key)]
        form += [(f"option-{number}", option) for number, option in enumerate(options)]
        status, _, text = await self._browser.press(f"/t/{code}/add", form)
        if status != 200:
            raise PlayedWrong(f"adding a dish answered {status}: {text[:300]}")

    async def send(self, code: str) -> None:
        """Send the basket to the kitchen."""
        status, _, text = await self._browser.press(f"/t/{code}/send", [("who", "all")])
        if status != 200:
            raise PlayedWrong(f"sending answered {status}: {text[:300]}")

    async def press(self, path: str, form: _Form, good: Sequence[int] = (200, 204, 303)) -> tuple[str, str]:
        """Press a button of a page: where it leads, and what it answered. Raises `PlayedWrong` for a refusal."""
        status, headers, text = await self._browser.press(path, form)
        if status not in good:
            raise PlayedWrong(f"{path} answered {status}: {_words(text)}")
        return headers.get("HX-Redirect", "") or headers.get("Location", ""), text

    async def look(self, path: str) -> str:
        """Open a part of a page."""
        status, _, text = await self._browser.ask("GET", path, headers=self._browser.headers())
        if status != 200:
            raise PlayedWrong(f"{path} answered {status}: {_words(text)}")
        return text

    async def pay_whole(self, code: str, amount: Money, key: str) -> str:
        """Press "pay the whole bill"; the payment's id."""
        form = [("choice", "whole"), ("amount", str(amount.minor)), ("key", key)]
        status, headers, text = await self._browser.press(f"/t/{code}/pay", form)
        if status != 204 or not headers.get("HX-Redirect", "").startswith("/pay/"):
            raise PlayedWrong(f"paying answered {status}: {_words(text)}")
        return headers["HX-Redirect"].removeprefix("/pay/").partition("?")[0]

    async def says_paid(self, payment_id: str) -> bool:
        """Look at the payment's page as the phone does while it waits: whether it says paid."""
        _, _, text = await self._browser.ask("GET", f"/pay/{payment_id}/state", headers=self._browser.headers())
        return 'data-shows="paid"' in text

    async def report(self, payment_id: str, result_code: str) -> None:
        """Tell the server what tradePay said, as the page does."""
        with contextlib.suppress(Gone):
            await self._browser.press(f"/pay/{payment_id}/reported", [("result_code", result_code)])


class Staff:
    """Somebody signed in. All players of a replay may share one: who signs in once needs no more tries."""

    def __init__(self, app_url: str, login: str, password: str) -> None:
        self._browser = Browser(app_url)
        self._login = login
        self._password = password
        self._here = False
        self._signing_in = asyncio.Lock()

    async def close(self) -> None:
        """Go home."""
        await self._browser.close()

    async def _sign_in(self) -> None:
        async with self._signing_in:
            if self._here:
                return
            await self._browser.ask("GET", "/sign-in")
            form = [("login", self._login), ("password", self._password)]
            status, _, text = await self._browser.press("/sign-in", form)
            if status not in (200, 204, 302, 303):
                raise PlayedWrong(f"signing in answered {status}: {_words(text)}")
            self._here = True

    async def press(self, path: str, form: _Form = (), good: Sequence[int] = (200, 204, 303)) -> str:
        """Press a button of a screen of the staff: the answer's text. Raises `PlayedWrong` for a refusal."""
        await self._sign_in()
        status, _, text = await self._browser.press(path, form)
        if status not in good:
            raise PlayedWrong(f"{path} answered {status}: {_words(text)}")
        return text

    async def look(self, path: str) -> str:
        """Open a screen, or a part of one."""
        await self._sign_in()
        status, _, text = await self._browser.ask("GET", path, headers=self._browser.headers())
        if status != 200:
            raise PlayedWrong(f"{path} answered {status}: {_words(text)}")
        return text


class Cashier(Staff):
    """Someone at the till."""

    async def scan(self, sitting_id: str, payment_code: str, amount: Money, key: str) -> None:
        """Scan a payment code for the whole bill."""
        await self._sign_in()
        form = [("payment_code", payment_code), ("shown", str(amount.minor)), ("key", key)]
        status, _, text = await self._browser.press(f"/till/bills/{sitting_id}/pay", form)
        if status != 200:
            raise PlayedWrong(f"scanning answered {status}: {_words(text)}")

    async def import_menu(self, menu_json: str) -> None:
        """Put a menu in through the office's import."""
        await self._sign_in()
        form = aiohttp.FormData()
        form.add_field("file", menu_json.encode(), filename="menu.json", content_type="application/json")
        status, _, text = await self._browser.press("/office/menu/import", form)
        if status != 303:
            raise PlayedWrong(f"importing the menu answered {status}: {_words(text)}")

    async def hang(self, item_id: str, picture: bytes) -> tuple[int, str]:
        """Give a dish this photo: the status, and the words of a refusal, also of one that is our fault."""
        await self._sign_in()
        form = aiohttp.FormData()
        form.add_field("photo", picture, filename="photo.png", content_type="image/png")
        headers = self._browser.headers()
        status, _, text = await self._browser.ask(
            "POST", f"/office/menu/items/{item_id}/photo", form=form, headers=headers, ill_is_gone=False
        )
        return status, _words(text)

    async def close_bill(self, sitting_id: str) -> None:
        """Close a bill that owes nothing."""
        await self._sign_in()
        status, _, text = await self._browser.press(f"/till/bills/{sitting_id}/close")
        if status not in (200, 204, 303):
            raise PlayedWrong(f"closing the bill answered {status}: {_words(text)}")


class Wallets:
    """What buyers do inside their wallets, through the sandbox's control API."""

    def __init__(self, sandbox_url: str) -> None:
        self._url = f"{sandbox_url}/control"
        self._session = aiohttp.ClientSession(timeout=_LIMIT)

    async def close(self) -> None:
        """Put the wallets away."""
        await self._session.close()

    async def _post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        try:
            async with self._session.post(f"{self._url}/{path}", json=dict(body)) as answer:
                found = await answer.json(content_type=None)
                if answer.status >= 500:
                    raise Gone(f"the sandbox answered {answer.status}")
                return answer.status, found
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Gone(str(error)) from error

    async def add_buyer(self, buyer: str) -> None:
        """A wallet with plenty in it that asks for no PIN; one that exists keeps its money."""
        status, answer = await self._post(
            "buyers", {"id": buyer, "name": buyer, "balance": "9000000.00", "pin_required": False}
        )
        if status >= 400 and status != 409:
            raise PlayedWrong(f"adding a buyer answered {status}: {answer}")

    async def known(self, buyer: str, balance: str, *, asks: bool) -> str:
        """Give somebody a wallet, or what is in it anew; their number on the wire. Raises `Gone`."""
        _, answer = await self._post("buyers", {"id": buyer, "name": buyer, "balance": balance, "pin_required": asks})
        return str(answer["user_id"])

    async def act(self, order_number: str, act: str, buyer: str) -> bool:
        """`scan`, `pay` or `refuse` the trade of this order; whether that worked. Raises `Gone`."""
        status, _ = await self._post(f"trades/{order_number}/{act}", {} if act == "refuse" else {"buyer_id": buyer})
        return status < 400

    async def payment_code(self, buyer: str) -> str:
        """A fresh payment code. Codes whose last two digits ask the sandbox to misbehave are passed over."""
        while True:
            status, answer = await self._post(f"buyers/{buyer}/payment-code", {})
            if status >= 400:
                raise PlayedWrong(f"a payment code was refused: {answer}")
            code = str(answer["code"])
            if int(code[-2:]) < 90:
                return code

    async def confirm(self, order_number: str) -> bool:
        """Pay the trade of this order; whether it stands paid now."""
        status, _ = await self._post(f"trades/{order_number}/pay", {})
        return status < 400


def _words(html: str) -> str:
    """A page's words, shortened, for an error line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())[:300]
