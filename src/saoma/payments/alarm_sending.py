"""Sending one alarm through Apprise, which speaks to more than a hundred services, and to whatever host it is told.

Its addresses are judged twice, as a webhook's are: what was typed when it is kept, and where the connection really goes
when it is made. Redirects, names that lead elsewhere by now, and hosts hidden in parameters all end at the second."""

from __future__ import annotations

import sys
import threading
from typing import Any, Final
from urllib.parse import urlsplit

from saoma.kit.addresses import AddressRefused, allowed, is_literal, named_at_home
from saoma.kit.errors import Invalid

#: What Python tells of before a socket sends anything anywhere.
_CALLS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class _Watched(threading.local):
    """What this thread may call while it sends; nothing of it concerns any other thread."""

    sending = False
    loopback = False
    refused = ""


_here = _Watched()
_hook = threading.Lock()
_hung: list[bool] = []


def _judge(event: str, args: tuple[Any, ...]) -> None:
    if not _here.sending:
        return
    if event in _CALLS:
        target = args[1]
        host = str(target[0]) if isinstance(target, tuple) and target else str(target)
        if not allowed(host, loopback=_here.loopback):
            _here.refused = host
            raise AddressRefused(f"an alarm may not go to {host}")
    elif event == "_thread.start_new_thread":
        # nobody would watch what another thread connects to
        _here.refused = "a thread of its own"
        raise AddressRefused("an alarm is sent in one thread")


def _watch() -> None:
    """Hang up the hook, once in a process: Python has no way to take one down, so it is as short as can be."""
    with _hook:
        if not _hung:
            sys.addaudithook(_judge)
            _hung.append(True)


def check_target(url: str, *, loopback: bool) -> None:
    """Raises `Invalid` for an address that Apprise can't read, or that leads to this machine or its network.

    Looks nothing up: a name is judged when it is called."""
    import apprise

    sender = apprise.Apprise.instantiate(url)
    if sender is None:
        raise Invalid("Give a name and an Apprise address, such as mailto:// or slack://.")
    typed = [str(getattr(sender, "smtp_host", "") or "")]
    if "host" in sender.template_tokens:
        # what Apprise makes of it, and what stands there: either may be what is called
        typed += [str(getattr(sender, "host", "") or ""), _host_in(url)]
    for host in typed:
        bare = host.strip("[]")
        at_home = named_at_home(bare) and not loopback
        if at_home or (is_literal(bare) and not allowed(bare, loopback=loopback)):
            raise Invalid("An alarm goes to a public address; this one is private to a machine or a network.")


def _host_in(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def send_by_apprise(url: str, title: str, body: str, *, loopback: bool = False) -> bool:
    """Send one message; whether it was taken. Raises `AddressRefused` where it would have gone to a private address.

    Blocks: call it in a thread."""
    import apprise

    # One sender, and no `Apprise` of many: that would hand them to threads of its own.
    sender = apprise.Apprise.instantiate(url)
    if sender is None:
        return False
    _watch()
    _here.sending, _here.loopback, _here.refused = True, loopback, ""
    try:
        taken = bool(sender.notify(title=title, body=body))
    finally:
        _here.sending = False
    if _here.refused:
        raise AddressRefused(f"an alarm may not go to {_here.refused}")
    return taken
