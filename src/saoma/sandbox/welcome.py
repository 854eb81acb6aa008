"""What `saoma sandbox` prints when it starts: all that a first payment needs, so that nobody has to look it up.

Only the sample partner's MD5 key is shown: it is published. Another partner's may be a real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from saoma.sandbox.book.buyers import SAMPLE_BUYER
from saoma.sandbox.book.model import Buyer, Partner
from saoma.sandbox.config import DEFAULT

_SAMPLE_KEY: Final = DEFAULT.partners[0].md5_key
_MANY: Final = 4


def welcome(url: str, partners: Sequence[Partner], buyers: Sequence[Buyer]) -> str:
    """The lines; `url` is where the sandbox answers."""
    lines = [("gateways", f"{url}/gateway.do and, for Alipay+, {url}/ams/api/v1/payments")]
    lines += [("partner", _partner(one)) for one in partners[:_MANY]]
    if len(partners) > _MANY:
        lines.append(("", f"and {len(partners) - _MANY} more: {url}/control/partners"))
    people = sorted(buyers, key=lambda one: one.id == SAMPLE_BUYER)
    if people:
        scheme, _, host = url.partition("://")
        others = ", ".join(one.id for one in people[1 : 1 + _MANY])
        lines.append(("a wallet", f"{scheme}://{people[0].id}.{host}/wallet" + (f" (also {others})" if others else "")))
    lines += [
        ("all wallets", f"{url}/wallet"),
        ("calls, live", f"{url}/calls: what was signed, and why something was refused"),
        ("authorization", f"{url}/oauth2/publicAppAuthorize.htm"),
        ("control", f"{url}/control/openapi.json"),
    ]
    told = "".join(f"  {name:<14} {what}\n" for name, what in lines)
    return (
        f"A local Alipay at {url}\n{told}"
        "Next: copy a program from docs/quickstart (Python, Java, PHP, Node), or call the gateway with your own,\n"
        "and scan the payment code that the wallet shows.\n"
        "Press Ctrl-C to stop.\n"
    )


def _partner(partner: Partner) -> str:
    words = [partner.partner]
    if partner.app_id:
        words.append(f"APPID {partner.app_id}")
    if partner.md5_key:
        words.append("MD5 key " + (partner.md5_key if partner.md5_key == _SAMPLE_KEY else "as configured"))
    if partner.public_key:
        words.append("RSA" if partner.sign_type == "RSA" else "RSA2")
    return ", ".join(words)
