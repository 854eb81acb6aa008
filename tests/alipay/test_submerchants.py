"""Registering the shops that really sell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from saoma.alipay.submerchants import Driver, Kind, MaintainAnswer, MaintainSubmerchant
from saoma.kit.errors import Invalid
from tests.alipay import make


def request(**changes: Any) -> MaintainSubmerchant:
    values: dict[str, Any] = {
        "merchant_id": "SM_1001",
        "merchant_name": "Example Noodle Bar Pte Ltd",
        "store_id": "ST_01",
        "store_name": "Harbour Branch",
        "store_country": "SG",
        "store_address": "1 Harbour Road",
        "store_industry": "5812",
        "sent_at": make.NOON,
    }
    return MaintainSubmerchant(**(values | changes))


def test_a_store_is_registered_with_the_ids_of_its_payments() -> None:
    fields = {name: value for name, value in request(kind=Kind.ENTERPRISE).fields().items() if value}
    assert fields == {
        "secondary_merchant_id": "SM_1001",
        "secondary_merchant_name": "Example Noodle Bar Pte Ltd",
        "secondary_merchant_type": "ENTERPRISE",
        "store_address": "1 Harbour Road",
        "store_country": "SG",
        "store_id": "ST_01",
        "store_industry": "5812",
        "store_name": "Harbour Branch",
        "timestamp": "2024-01-05 12:15:30",
    }


def test_a_taxi_names_its_drivers() -> None:
    drivers = (Driver("D1", "Ah Kow", "+65 1234-5678"), Driver("D2", "Mei"))
    fields = request(store_industry="4121", drivers=drivers).fields()
    assert json.loads(fields["extend_params"]) == [
        {"contact_person": "Ah Kow", "contact_way": "+65 1234-5678", "operation_id": "D1"},
        {"contact_person": "Mei", "operation_id": "D2"},
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"merchant_id": "a b"},
        {"merchant_name": ""},
        {"merchant_name": "x" * 129},
        {"store_id": ""},
        {"store_country": "sg"},
        {"store_industry": "58"},
        {"registration_country": "Singapore"},
        {"store_industry": "4121"},
        {"drivers": (Driver("D1", "Ah Kow"),)},
        {"store_industry": "4121", "drivers": (Driver("D1", "Ah Kow"),) * 11},
        {"store_industry": "4121", "drivers": (Driver("D-1", "Ah Kow"),)},
        {"store_industry": "4121", "drivers": (Driver("D1", ""),)},
        {"store_industry": "4121", "drivers": (Driver("D1", "Ah Kow", "call me"),)},
        {"contact_email": "x" * 257},
    ],
)
def test_data_outside_the_limits_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        request(**changes).fields()


def test_people_are_not_in_the_repr_and_unknown_answer_fields_survive() -> None:
    assert "Mei" not in repr(request(shareholder_name="Mei"))
    answer = MaintainAnswer.read({"result_code": "SUCCESS", "review": "PENDING"})
    assert (answer.result, answer.error, answer.extra) == ("SUCCESS", "", {"review": "PENDING"})
