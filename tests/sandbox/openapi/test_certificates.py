"""Certificate mode: whose numbers a call must name, what the answer names, and which certificates count."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from saoma.sandbox.book.model import Partner
from saoma.sandbox.openapi.certificates import Certificates, cert_sn, number_of, root_cert_sn
from tests.sandbox import make as sandboxes
from tests.sandbox.make import APP, KEY, PARTNER, Running
from tests.sandbox.openapi.make import QUERY, Desk, desk

ASKED = {"out_trade_no": "T1"}


@pytest.fixture(scope="module")
def till() -> Desk:
    return desk()


@pytest.fixture
def numbers(till: Desk) -> dict[str, str]:
    made = till.sandbox.openapi.certificates
    app = made.of_app(_partner(till))
    assert app is not None
    return {"app_cert_sn": cert_sn(app), "alipay_root_cert_sn": made.root_sn}


def _partner(till: Desk) -> Partner:
    partner = till.sandbox.partners.find(PARTNER)
    assert partner is not None
    return partner


def refusal(till: Desk, **changes: str) -> tuple[str, str]:
    said = till.read(till.send(till.signed(QUERY, ASKED, **changes)))
    return said.fields["code"], said.fields["sub_code"]


def test_a_call_that_names_certificates_is_answered_with_alipays(till: Desk, numbers: dict[str, str]) -> None:
    body = till.send(till.signed(QUERY, ASKED, **numbers))
    whole = json.loads(body)
    assert list(whole) == ["alipay_trade_query_response", "alipay_cert_sn", "sign"]
    assert whole["alipay_cert_sn"] == till.sandbox.openapi.certificates.alipay_sn
    assert till.read(body).is_signed_by(sandboxes.partner_signatory())
    assert "alipay_cert_sn" not in json.loads(till.send(till.signed(QUERY, ASKED)))


def test_numbers_that_are_not_these_certificates_are_refused(till: Desk, numbers: dict[str, str]) -> None:
    app, root = numbers["app_cert_sn"], numbers["alipay_root_cert_sn"]
    other = "0" * 32
    assert refusal(till, app_cert_sn=other, alipay_root_cert_sn=root) == ("40002", "isv.invalid-app-cert-sn")
    assert refusal(till, app_cert_sn=app, alipay_root_cert_sn=other) == ("40002", "isv.invalid-alipay-root-cert-sn")
    assert refusal(till, app_cert_sn=app) == ("40001", "isv.missing-alipay-root-cert-sn")


def test_an_application_in_certificate_mode_is_refused_without() -> None:
    strict = Partner(PARTNER, APP, md5_key=KEY, public_key=sandboxes.partner_keys()[1], certificate_mode=True)
    till = desk(sandboxes.settings(partners=[strict]))
    assert refusal(till) == ("40001", "isv.missing-app-cert-sn")


def test_the_certificates_hold_the_right_keys_and_only_rsa_roots_count(till: Desk, numbers: dict[str, str]) -> None:
    made = till.sandbox.openapi.certificates
    roots = x509.load_pem_x509_certificates(made.authority.roots.encode())
    assert len(roots) == 2
    assert numbers["alipay_root_cert_sn"] == cert_sn(roots[0].public_bytes(serialization.Encoding.PEM).decode())
    name = "CN=Saoma Sandbox Certification Authority R1,OU=Certification Authority,O=Saoma Sandbox,C=CN"
    assert numbers["alipay_root_cert_sn"] == number_of(name, roots[0].serial_number)
    assert "\n\n" in made.authority.roots
    for pem, key in (
        (made.authority.alipay, sandboxes.alipay_keys()[1]),
        (made.of_app(_partner(till)) or "", sandboxes.partner_keys()[1]),
    ):
        certificate = x509.load_pem_x509_certificate(pem.encode())
        certificate.verify_directly_issued_by(roots[0])
        form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        assert certificate.public_key().public_bytes(*form).decode() == key
    assert root_cert_sn(made.authority.roots + made.authority.alipay).count("_") == 1


def test_certificates_stay_the_same_and_a_new_key_gets_a_new_one(till: Desk) -> None:
    made = till.sandbox.openapi.certificates
    again = Certificates(till.sandbox.clock, till.sandbox.store, till.sandbox.partners)
    assert (again.alipay_sn, again.root_sn) == (made.alipay_sn, made.root_sn)
    partner = _partner(till)
    assert again.of_app(partner) == made.of_app(partner)
    renewed = Partner(PARTNER, APP, public_key=sandboxes.alipay_keys()[1])
    assert made.of_app(renewed) != made.of_app(partner)
    assert made.of_app(Partner(PARTNER, APP, md5_key=KEY)) is None


def test_alipays_certificate_is_downloaded_by_its_number(till: Desk) -> None:
    made = till.sandbox.openapi.certificates
    method = "alipay.open.app.alipaycert.download"
    said = till.ask(method, {"alipay_cert_sn": made.alipay_sn})
    assert base64.b64decode(said["alipay_cert_content"]).decode() == made.authority.alipay
    assert till.ask(method, {"alipay_cert_sn": "0" * 32})["code"] == "40004"


async def test_the_control_api_gives_the_certificates_and_their_numbers(wire: Running) -> None:
    given = await wire.control("GET", f"partners/{PARTNER}/certificates")
    assert given["app_cert_sn"] == cert_sn(given["app_cert"])
    assert given["alipay_root_cert_sn"] == root_cert_sn(given["alipay_root_cert"])
    await wire.control("GET", "partners/2088000000000009/certificates", status=404)
