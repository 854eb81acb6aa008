"""The wallet's first pages: whose phone, the home screen, messages, and the settings of the toy.

What pages are told after `tradePay` can be set apart from the truth here: that is how careless partners are caught."""

from __future__ import annotations

import itertools
import re
from typing import Annotated, Any, Final

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.sandbox.book.buyers import CODE_LENGTHS
from saoma.sandbox.book.model import Message
from saoma.sandbox.book.trades import Book
from saoma.sandbox.screens.phone import A_YEAR, amount, from_this_phone, phone_of, shown, the_buyer, to
from saoma.sandbox.wallet.agents import AGENTS, usual_agent
from saoma.sandbox.wallet.wallets import RESULT_CODES, Wallet, typed_amount

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]

_TOP_UPS: Final = (100, 1_000, 10_000)
_LONGEST_NAME: Final = 30


@get("/wallet", sync_to_thread=False)
def home(request: Request[Any, Any, Any], book: NamedDependency[Book]) -> Response[str]:
    """The buyer's home screen; on the bare host, the choice of phones."""
    phone = phone_of(request)
    if phone.buyer_id is None:
        return shown(phone, "phones.html", buyers=book.buyers())
    buyer = the_buyer(phone, book)
    return shown(phone, "home.html", buyer=buyer, messages=book.messages(buyer.id)[:4])


@post("/wallet/buyers", guards=[from_this_phone], sync_to_thread=False)
def new_phone(request: Request[Any, Any, Any], book: NamedDependency[Book], data: Form) -> Redirect:
    """Make a buyer and go to their phone. Raises `Invalid`."""
    phone = phone_of(request)
    name = data.get("name", "").strip()[:_LONGEST_NAME]
    buyer_id = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not buyer_id:
        if not name:
            raise Invalid("Give the phone a name.")
        # a name in letters that no host name has
        same = next((buyer.id for buyer in book.buyers() if buyer.name == name), "")
        buyer_id = same or next(free for n in itertools.count(1) if book.wallets.find(free := f"phone-{n}") is None)
    if book.wallets.find(buyer_id) is None:
        book.add_buyer(buyer_id, name, typed_amount(data.get("balance") or "5000", "CNY"))
    return to(f"{phone.origin_of(buyer_id)}/wallet")


@get("/wallet/messages", sync_to_thread=False)
def messages(request: Request[Any, Any, Any], book: NamedDependency[Book]) -> Response[str]:
    """Everything the wallet told its buyer, the latest first."""
    phone = phone_of(request)
    buyer = the_buyer(phone, book)
    found = book.messages(buyer.id)
    latest = max((_moment(message) for message in found), default=0)
    return shown(phone, "messages.html", buyer=buyer, messages=found, latest=latest)


def _moment(message: Message) -> int:
    """Milliseconds since the epoch, as the phone's script counts them."""
    return int(message.at.timestamp() * 1000)


@get("/wallet/waiting", sync_to_thread=False)
def waiting(request: Request[Any, Any, Any], book: NamedDependency[Book]) -> Response[dict[str, Any]]:
    """What the phone asks for every second or so: tills that wait for a PIN, the balance, when messages came."""
    buyer = the_buyer(phone_of(request), book)
    return Response(
        {
            "trades": [trade.trade_no for trade in book.pending_for(buyer.id)],
            "balance": amount(buyer.balance_money),
            "told": [_moment(message) for message in book.messages(buyer.id)],
        },
        headers={"Cache-Control": "no-store"},
    )


@get("/wallet/settings", sync_to_thread=False)
def settings(request: Request[Any, Any, Any], book: NamedDependency[Book]) -> Response[str]:
    """Which phone it plays, what it tells pages, and more toy money."""
    phone = phone_of(request)
    buyer = the_buyer(phone, book)
    return shown(
        phone,
        "settings.html",
        buyer=buyer,
        others=[one for one in book.buyers() if one is not buyer],
        agents=AGENTS,
        agent=request.cookies.get("wallet_agent") or usual_agent(hk=buyer.hk),
        codes=RESULT_CODES,
        answer=request.cookies.get("wallet_answer", ""),
        sound=request.cookies.get("wallet_sound", "on"),
        top_ups=_TOP_UPS,
        code_lengths=CODE_LENGTHS,
        locked=book.wallets.pin_is_locked(buyer),
    )


@post("/wallet/settings", guards=[from_this_phone], sync_to_thread=False)
def change_settings(request: Request[Any, Any, Any], book: NamedDependency[Book], data: Form) -> Redirect:
    """Keep what was chosen in this phone's own cookies; PIN habit and balance are the buyer's. Raises `Invalid`."""
    phone = phone_of(request)
    answer = to("/wallet/settings" if "back" not in data else "/wallet")
    known = {
        "agent": {agent.name for agent in AGENTS},
        "answer": {"", *RESULT_CODES},
        "lang": {"en", "zh"},
        "sound": {"on", "off"},
    }
    for name, choices in known.items():
        if name not in data:
            continue
        if data[name] not in choices:
            raise Invalid("That is not one of the choices.")
        answer.set_cookie(
            Cookie(f"wallet_{name}", value=data[name], path="/", max_age=A_YEAR if data[name] else 0, samesite="lax")
        )
    if phone.buyer_id is not None:
        wallet = Wallet(book, phone.buyer_id)
        if "pin_at_till" in data:
            wallet.change_habits(pin_at_till=data["pin_at_till"] == "yes")
        if "code_digits" in data:
            chosen = next((count for count in CODE_LENGTHS if str(count) == data["code_digits"]), 0)
            wallet.change_habits(code_digits=chosen)
        if "top_up" in data:
            if data["top_up"] not in map(str, _TOP_UPS):
                raise Invalid("That is not one of the choices.")
            wallet.top_up(Money.parse(data["top_up"], "CNY"))
    return answer


handlers = [home, new_phone, messages, waiting, settings, change_settings]
