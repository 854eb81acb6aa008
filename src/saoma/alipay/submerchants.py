"""Telling Alipay who really sells: `alipay.overseas.secmerchant.offline.maintain`.

Asked for once per store before its first payment (fast food and tickets require it) and again when its data changes;
the ids must be those of the payments. Names, ids, country, industry and the drivers of taxis have published limits
(https://docs.antom.com/ac/global/offline_maintain). Unconfirmed: the limits of the fields about registration and
contact, which are taken as 256 characters, and the names in the answer beside `result_code`, which stay in `extra`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, Self

from saoma.alipay.messages import fields as f
from saoma.alipay.messages.merchant_codes import TAXI
from saoma.kit.errors import Invalid

_ID: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_INDUSTRY: Final = re.compile(r"\d{4}")
_DRIVER_ID: Final = re.compile(r"[A-Za-z0-9]{1,64}")
_PHONE: Final = re.compile(r"[0-9+\- ]{0,256}")


class Kind(StrEnum):
    """Whether a merchant is a person or a company."""

    INDIVIDUAL = "INDIVIDUAL"
    ENTERPRISE = "ENTERPRISE"


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver of a taxi; up to ten per car. `operation_id` can't be changed once registered."""

    operation_id: str
    name: str
    phone: str = ""

    def fields(self) -> dict[str, str]:
        """The keys of one driver inside `extend_params`."""
        if not _DRIVER_ID.fullmatch(self.operation_id):
            raise Invalid("A driver's id must be 1 to 64 letters or digits.")
        if not _PHONE.fullmatch(self.phone):
            raise Invalid("A driver's phone number is written with digits, blanks, + and - only.")
        driver = {
            "contact_person": f.words("The driver's name", self.name, 64),
            "contact_way": self.phone,
            "operation_id": self.operation_id,
        }
        return {name: value for name, value in driver.items() if value}


@dataclass(frozen=True, slots=True)
class MaintainSubmerchant:
    """Register a store of a secondary merchant, or bring its data up to date: the same request does both.

    For a taxi (industry 4121) the store's id and name are the licence plate, and its drivers are named. What acquirers
    must add (registration, shareholder, representative, contact) is given where it is known."""

    service: ClassVar[str] = "alipay.overseas.secmerchant.offline.maintain"

    merchant_id: str
    merchant_name: str
    store_id: str
    store_name: str
    store_country: str
    store_address: str
    store_industry: str
    sent_at: datetime
    drivers: tuple[Driver, ...] = ()
    kind: Kind | None = None
    registration_number: str = ""
    registration_country: str = ""
    registration_address: str = ""
    shareholder_name: str = ""
    shareholder_id: str = ""
    representative_name: str = ""
    representative_id: str = ""
    settlement_number: str = ""
    contact_phone: str = ""
    contact_email: str = ""
    service_phone: str = ""
    service_email: str = ""
    photo_inside: str = ""
    photo_outside: str = ""

    @property
    def about(self) -> str:
        """The store's id."""
        return self.store_id

    def __repr__(self) -> str:
        return f"MaintainSubmerchant({self.merchant_id!r}, store {self.store_id!r})"

    def fields(self) -> dict[str, str]:
        """The fields under Alipay's names."""
        if not _ID.fullmatch(self.merchant_id):
            raise Invalid("The merchant's id must be 1 to 64 letters, digits or underscores.")
        if not _INDUSTRY.fullmatch(self.store_industry):
            raise Invalid("The store's industry must be a four-digit category code (MCC), such as 5812.")
        countries = [self.store_country, *([self.registration_country] if self.registration_country else [])]
        if not all(_COUNTRY.fullmatch(country) for country in countries):
            raise Invalid("A country must be two capital letters, such as SG.")
        if (self.store_industry == TAXI) != bool(self.drivers) or len(self.drivers) > 10:
            raise Invalid("A taxi (4121) names its drivers, ten at most; nobody else has any.")
        return {
            "secondary_merchant_id": self.merchant_id,
            "secondary_merchant_name": f.words("The merchant's name", self.merchant_name, 128),
            "store_id": f.words("The store's id", self.store_id, 64),
            "store_name": f.words("The store's name", self.store_name, 256),
            "store_country": self.store_country,
            "store_address": f.words("The store's address", self.store_address, 256),
            "store_industry": self.store_industry,
            "timestamp": f.day_and_time(self.sent_at),
            "extend_params": f.as_json([driver.fields() for driver in self.drivers]) if self.drivers else "",
            "secondary_merchant_type": self.kind.value if self.kind else "",
            "register_country": self.registration_country,
            **{
                name: f.words(name.replace("_", " ").capitalize(), value, 256, needed=False)
                for name, value in {
                    "registration_no": self.registration_number,
                    "register_address": self.registration_address,
                    "shareholder_name": self.shareholder_name,
                    "shareholder_id": self.shareholder_id,
                    "representative_name": self.representative_name,
                    "representative_id": self.representative_id,
                    "settlement_no": self.settlement_number,
                    "contact_no": self.contact_phone,
                    "contact_email": self.contact_email,
                    "cs_no": self.service_phone,
                    "cs_email": self.service_email,
                    "internal_store_photo": self.photo_inside,
                    "external_storefront_photo": self.photo_outside,
                }.items()
            },
        }


@dataclass(frozen=True, slots=True)
class MaintainAnswer:
    """What Alipay said of a registration. `SUCCESS` may still be followed by a review at Alipay."""

    result: str
    error: str
    extra: Mapping[str, str]

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Read it."""
        got = f.Incoming(fields)
        return cls(result=got.text("result_code"), error=got.text("error", "detail_error_code"), extra=got.extra)
