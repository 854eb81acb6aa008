"""Settings: from the environment alone, typed, and refused with the name of what is wrong."""

from __future__ import annotations

import pytest

from saoma.kit.errors import Invalid
from saoma.settings import Settings, read_settings

SECRET = "a secret of at least thirty-two characters"
GIVEN = {"SAOMA_DATABASE_URL": "postgresql://saoma@db/saoma", "SAOMA_SECRET": SECRET}


def test_a_process_is_set_up_by_its_environment_alone() -> None:
    settings = read_settings(GIVEN | {"SAOMA_POOL_SIZE": "25", "SAOMA_LOG_JSON": "true", "SAOMA_READ_SECONDS": "4"})
    assert settings.database_url == "postgresql://saoma@db/saoma"
    assert (settings.pool_size, settings.log_json, settings.read_seconds) == (25, True, 4.0)
    assert settings.storage_url == Settings(database_url="", secret=SECRET).storage_url, "the rest is as documented"


def test_two_processes_of_one_environment_are_set_up_alike() -> None:
    assert read_settings(GIVEN) == read_settings(dict(reversed(GIVEN.items())))


@pytest.mark.parametrize("name", GIVEN)
def test_a_setting_that_must_be_given_is_named(name: str) -> None:
    with pytest.raises(Invalid, match=f"{name} is not set"):
        read_settings({key: value for key, value in GIVEN.items() if key != name})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("POOL_SIZE", "many"), ("POOL_SIZE", "0"), ("READ_SECONDS", "-1"), ("LOG_JSON", "perhaps"), ("SECRET", "short")],
)
def test_a_wrong_setting_is_named(name: str, wrong: str) -> None:
    with pytest.raises(Invalid, match=name.lower()):
        read_settings(GIVEN | {f"SAOMA_{name}": wrong})


def test_what_is_given_by_hand_wins_over_the_environment() -> None:
    assert read_settings(GIVEN, public_url="https://shop.example").public_url == "https://shop.example"
    assert read_settings({}, database_url="postgresql://x", secret=SECRET).database_url == "postgresql://x"


def test_a_clock_that_can_be_moved_is_refused_beside_real_money() -> None:
    drill = read_settings(GIVEN | {"SAOMA_CLOCK_FILE": "/somewhere/clock"})
    drill.check_clock(["sandbox", "sandbox"])
    with pytest.raises(Invalid, match="SAOMA_CLOCK_FILE"):
        drill.check_clock(["sandbox", "production"])
    read_settings(GIVEN).check_clock(["production"])
