"""Certificate mode of the Open API: an authority of the sandbox's own, and the numbers by which certificates are named.

The number is no serial number: it is MD5 over the issuer's name, written backwards, and the decimal serial number.
Of the root bundle only RSA certificates count, so the bundle here holds an elliptic one that must be skipped. Keys
are made when somebody first asks (https://opendocs.alipay.com/common/02kf5q)."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from saoma.alipay.signing import new_rsa_key, read_public_key
from saoma.kit.clock import Clock
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.store import Store

_YEARS: Final = timedelta(days=20 * 365)
_SHORT: Final = {
    NameOID.COMMON_NAME: "CN",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.COUNTRY_NAME: "C",
}
#: Object identifiers of signatures by RSA begin so.
_RSA: Final = "1.2.840.113549.1.1."
_ROOT: Final = "Saoma Sandbox Certification Authority R1"
_OTHER_ROOT: Final = "Saoma Sandbox Certification Authority E1"


class Authority(msgspec.Struct):
    """The root's private key, the bundle of roots and the certificate over the sandbox's own key, PEM."""

    key: str
    roots: str
    alipay: str


class AppCertificate(msgspec.Struct):
    """The certificate over an application's key, PEM; `public_key` is that key as the partner gave it."""

    public_key: str
    pem: str


class Certificates:
    """Everything a client in certificate mode needs, made once and kept."""

    def __init__(self, clock: Clock, store: Store, partners: Partners) -> None:
        self._clock = clock
        self._store = store
        self._partners = partners
        self._authority = store.one("certificates", "authority", Authority)

    @property
    def authority(self) -> Authority:
        """The roots and Alipay's certificate."""
        if self._authority is None:
            self._authority = self._founded()
            self._store.keep("certificates", "authority", self._authority)
        return self._authority

    @property
    def alipay_sn(self) -> str:
        """`alipay_cert_sn`: which of Alipay's certificates an answer is to be verified with."""
        return cert_sn(self.authority.alipay)

    @property
    def root_sn(self) -> str:
        """`alipay_root_cert_sn`."""
        return root_cert_sn(self.authority.roots)

    def of_app(self, partner: Partner) -> str | None:
        """The certificate over a partner's key, PEM; None where it has no RSA key."""
        if not partner.public_key or not partner.app_id:
            return None
        known = self._store.one("app_certificate", partner.app_id, AppCertificate)
        if known is None or known.public_key != partner.public_key:
            key = read_public_key(partner.public_key)
            pem = self._issued(f"{partner.name or 'Partner'} {partner.app_id}"[:64], key)
            known = AppCertificate(partner.public_key, pem)
            self._store.keep("app_certificate", partner.app_id, known)
        return known.pem

    def _founded(self) -> Authority:
        private, public = new_rsa_key()
        now = self._clock.now()
        elliptic = ec.generate_private_key(ec.SECP256R1())
        loaded = _loaded(private)
        roots = [
            _certificate(_ROOT, read_public_key(public), _ROOT, loaded, now, is_root=True),
            _certificate(_OTHER_ROOT, elliptic.public_key(), _OTHER_ROOT, elliptic, now, is_root=True),
        ]
        alipay = _certificate(
            "Saoma Sandbox Alipay", read_public_key(self._partners.alipay_public_key), _ROOT, loaded, now
        )
        return Authority(private, "\n".join(roots), alipay)

    def _issued(self, name: str, key: rsa.RSAPublicKey) -> str:
        return _certificate(name, key, _ROOT, _loaded(self.authority.key), self._clock.now())


def cert_sn(pem: str) -> str:
    """The number of one certificate: MD5 of `CN=…,OU=…,O=…,C=…` of its issuer and its decimal serial number."""
    return _number(x509.load_pem_x509_certificate(pem.encode()))


def root_cert_sn(bundle: str) -> str:
    """The numbers of the bundle's RSA certificates, joined with `_`; others are skipped."""
    every = x509.load_pem_x509_certificates(bundle.encode())
    return "_".join(_number(one) for one in every if one.signature_algorithm_oid.dotted_string.startswith(_RSA))


def number_of(issuer: str, serial: int) -> str:
    """The number itself, from the issuer's name as it is written backwards."""
    return hashlib.md5(f"{issuer}{serial}".encode(), usedforsecurity=False).hexdigest()


def _number(certificate: x509.Certificate) -> str:
    names = [f"{_SHORT[part.oid]}={part.value!s}" for part in reversed(list(certificate.issuer)) if part.oid in _SHORT]
    return number_of(",".join(names), certificate.serial_number)


def _certificate(
    name: str,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    issuer: str,
    issuer_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    now: datetime,
    *,
    is_root: bool = False,
) -> str:
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _YEARS)
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _name(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Saoma Sandbox"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _loaded(private: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(private.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key
