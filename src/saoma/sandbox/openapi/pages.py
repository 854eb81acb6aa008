"""Addresses of the Open API beside its gateway: bills to fetch, and the certificates of certificate mode.

A bill's address is the secret: whoever has it may read the bill, for as long as it is good."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.kit.errors import NotFound
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.trades import Book
from saoma.sandbox.faults import door
from saoma.sandbox.faults.faults import Faults
from saoma.sandbox.openapi.certificates import Certificates, cert_sn
from saoma.sandbox.openapi.gateway import OpenApi
from saoma.sandbox.plus.pages import heard_of


class CertificatesView(msgspec.Struct):
    """What a client in certificate mode is given (PEM), and the numbers it must come to."""

    app_cert: str
    alipay_cert: str
    alipay_root_cert: str
    app_cert_sn: str
    alipay_cert_sn: str
    alipay_root_cert_sn: str


@get("/openapi/bills/{name:str}", include_in_schema=False, sync_to_thread=False)
def bill(
    request: Request[Any, Any, Any],
    name: FromPath[str],
    openapi: NamedDependency[OpenApi],
    partners: NamedDependency[Partners],
    book: NamedDependency[Book],
    faults: NamedDependency[Faults],
) -> Response[bytes]:
    """A bill that was asked for a moment ago."""
    if not door.is_open(faults, book, "bill", heard_of(request, b"")):
        return door.dropped(request)
    packed = openapi.bills.read(name.removesuffix(".zip"), partners.find)
    if packed is None:
        raise NotFound("There is no bill here, or no longer: ask for its address again.")
    return Response(packed, media_type="application/zip")


@get("/control/partners/{partner:str}/certificates", tags=["control"], sync_to_thread=False)
def certificates(
    partner: FromPath[str], partners: NamedDependency[Partners], openapi: NamedDependency[OpenApi]
) -> CertificatesView:
    """The certificates of a partner's application, of this Alipay and of its root."""
    known = partners.find(partner)
    app = openapi.certificates.of_app(known) if known else None
    if app is None:
        raise NotFound(f"There is no partner {partner!r} with an application and an RSA key here.")
    made: Certificates = openapi.certificates
    authority = made.authority
    return CertificatesView(
        app, authority.alipay, authority.roots, cert_sn(app), made.alipay_sn, made.root_sn
    )  # fmt: skip


handlers: list[Any] = [bill, certificates]
