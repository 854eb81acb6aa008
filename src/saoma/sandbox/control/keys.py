"""What the control API does for keys: a partner's public key goes in as it lies in its file, Alipay's comes back.

At Alipay a person exchanges the two in the portal. The MD5 key stays as it is, so both ways to sign are good."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import MediaType, Request, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.alipay.signing import read_public_key
from saoma.kit.errors import Invalid, NotFound
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.trades import Book

_LARGEST = 20_000


@put("/partners/{partner:str}/public-key", status_code=200, media_type=MediaType.TEXT, request_max_body_size=_LARGEST)
async def put_public_key(
    partner: FromPath[str],
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    partners: NamedDependency[Partners],
) -> str:
    """Upload a partner's public key, PEM or bare base64, as the whole body; the answer is Alipay's, PEM."""
    body = await request.body()
    # looked up only now: while the body came in, another call may have changed the partner
    known = _known(partners, partner)
    try:
        key = body.decode("ascii")
    except UnicodeDecodeError:
        raise Invalid("A public key is text: send the file whose first line is -----BEGIN PUBLIC KEY-----.") from None
    if not key.strip():
        raise Invalid("There is no key in this body: send public.pem whole, as curl -T public.pem does.")
    read_public_key(key)
    with book.store.writing():
        partners.add(msgspec.structs.replace(known, public_key=key))
    return partners.alipay_public_key


@get("/partners/{partner:str}/alipay-public-key", media_type=MediaType.TEXT, sync_to_thread=False)
def get_alipay_public_key(partner: FromPath[str], partners: NamedDependency[Partners]) -> str:
    """What this partner verifies answers and notifications with, PEM."""
    _known(partners, partner)
    return partners.alipay_public_key


def _known(partners: Partners, partner: str) -> Partner:
    found = partners.find(partner)
    if found is None:
        raise NotFound(f"There is no partner {partner!r} here.")
    return found


handlers: Final[list[Any]] = [put_public_key, get_alipay_public_key]
