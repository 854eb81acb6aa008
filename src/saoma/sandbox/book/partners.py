"""Who may call, and with which keys: what Alipay's portal holds about each partner.

There are two kinds of public key here: the partner's (to verify requests) and this sandbox's own, which partners
know as "Alipay's public key" and which signs every answer and notification."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from saoma.alipay.signing import Signatory, SignType, md5_signatory, new_rsa_key, rsa_signatory
from saoma.kit.errors import Invalid
from saoma.kit.money import EXPONENTS
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.store import Store
from saoma.sandbox.encryption import read_key

PARTNER_ID: Final = re.compile(r"2088[0-9]{12}")
#: The `keyVersion` of `client_public_key`.
FIRST_KEY: Final = "1"


class Partners:
    """All partners, with their signatories loaded once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._partners = {partner.partner: partner for partner in store.read("partner", Partner)}
        self._signatories: dict[tuple[str, SignType], Signatory] = {}
        self._clients: dict[str, dict[str, Signatory]] = {}

    @property
    def alipay_public_key(self) -> str:
        """What every partner must store as Alipay's key, PEM."""
        return self._keys[1]

    @property
    def _private_key(self) -> str:
        return self._keys[0]

    @cached_property
    def _keys(self) -> tuple[str, str]:
        """Private and public, made when somebody first asks: a program that signs with MD5 needn't wait for them."""
        keys = self._store.one("key", "alipay", tuple[str, str])
        if keys is None:
            keys = new_rsa_key()
            self._store.keep("key", "alipay", keys)
        return keys

    def all(self) -> list[Partner]:
        """Every partner."""
        return list(self._partners.values())

    def find(self, partner: str) -> Partner | None:
        """By PID."""
        return self._partners.get(partner)

    def of_app(self, app_id: str) -> Partner | None:
        """By the APPID of its application."""
        return next((one for one in self._partners.values() if app_id and one.app_id == app_id), None)

    def of_client(self, client_id: str) -> Partner | None:
        """By its Alipay+ client id."""
        return next((one for one in self._partners.values() if client_id and one.client_id == client_id), None)

    def add(self, partner: Partner) -> Partner:
        """Make a partner known, or replace what is known of it. Raises `Invalid`."""
        if not PARTNER_ID.fullmatch(partner.partner):
            raise Invalid("A partner id (PID) has 16 digits and begins with 2088.")
        if partner.sign_type not in SignType.__members__:
            raise Invalid("sign_type is one of MD5, RSA, RSA2.")
        if partner.currency not in EXPONENTS:
            raise Invalid(f"{partner.currency!r} is not a currency Alipay settles.")
        if partner.region not in ("global", "hk"):
            raise Invalid("region is global or hk.")
        if not 0 < partner.refund_days <= 3650:
            raise Invalid("refund_days is between one day and ten years.")
        if unknown := [name for name in partner.currencies if name not in EXPONENTS]:
            raise Invalid(f"{unknown[0]!r} is not a currency Alipay knows.")
        if not re.fullmatch(r"0(\.[0-9]{1,6})?", partner.fee_rate):
            raise Invalid("fee_rate is a part of one, such as 0.006.")
        if not re.fullmatch(r"[0-9]{4}", partner.industry):
            raise Invalid("industry is a merchant category code of four digits.")
        _ = partner.limits
        owner = self.of_app(partner.app_id)
        if owner is not None and owner.partner != partner.partner:
            raise Invalid(f"The APPID {partner.app_id} belongs to partner {owner.partner}.")
        owner = self.of_client(partner.client_id)
        if owner is not None and owner.partner != partner.partner:
            raise Invalid(f"The client id {partner.client_id} belongs to partner {owner.partner}.")
        if partner.aes_key:
            read_key(partner.aes_key)
        if partner.client_id and not partner.client_public_key:
            raise Invalid("A client id needs its client_public_key (PEM).")
        if not all(re.fullmatch(r"[1-9][0-9]{0,8}", version) for version in partner.client_keys):
            raise Invalid("client_keys names each key (PEM) by its version: 1, 2 and so on.")
        if partner.sign_type == "MD5" and not partner.md5_key:
            raise Invalid("An MD5 partner needs its md5_key.")
        if partner.sign_type != "MD5" and not partner.public_key:
            raise Invalid(f"An {partner.sign_type} partner needs its public_key (PEM).")
        signatories = self._load(partner)
        self._clients[partner.partner] = self._load_client(partner)
        self._signatories = {key: one for key, one in self._signatories.items() if key[0] != partner.partner}
        self._signatories |= signatories
        self._partners[partner.partner] = partner
        self._store.keep("partner", partner.partner, partner)
        return partner

    def signatory(self, partner: Partner, sign_type: str) -> Signatory | None:
        """Verifies that partner's requests and signs its answers; None where no such key is configured."""
        if sign_type not in SignType.__members__:
            return None
        key = (partner.partner, SignType(sign_type))
        if key not in self._signatories:
            self._signatories |= self._load(partner)
        return self._signatories.get(key)

    def app_signatory(self, partner: Partner) -> Signatory | None:
        """The same for Open API calls, which know RSA and RSA2 only."""
        return self.signatory(partner, "RSA2" if partner.sign_type == "MD5" else partner.sign_type)

    def client_signatory(self, partner: Partner, version: str = "") -> Signatory | None:
        """The same for Alipay+, which has one algorithm (RSA256 is RSA with SHA-256) and numbers a client's keys.

        Without a version it is the newest; None where there is no such key."""
        if partner.partner not in self._clients:
            self._clients[partner.partner] = self._load_client(partner)
        keys = self._clients[partner.partner]
        return keys.get(version or max(keys, key=int, default=""))

    def _load_client(self, partner: Partner) -> dict[str, Signatory]:
        if not partner.client_id:
            return {}
        keys = {FIRST_KEY: partner.client_public_key} | partner.client_keys
        return {version: rsa_signatory(SignType.RSA2, self._private_key, key) for version, key in keys.items()}

    def _load(self, partner: Partner) -> dict[tuple[str, SignType], Signatory]:
        found: dict[tuple[str, SignType], Signatory] = {}
        if partner.md5_key:
            found[partner.partner, SignType.MD5] = md5_signatory(partner.md5_key)
        if partner.public_key:
            kind = SignType.RSA2 if partner.sign_type == "MD5" else SignType(partner.sign_type)
            found[partner.partner, kind] = rsa_signatory(kind, self._private_key, partner.public_key)
        return found
