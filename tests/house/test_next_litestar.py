"""Nothing here uses what Litestar's next release takes away: both applications are put together without a warning."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.utils.deprecation import LitestarDeprecationWarning

from saoma.app import Rooms, compose
from saoma.sandbox.server import Sandbox
from saoma.settings import read_settings


def app() -> Litestar:
    nowhere = "postgresql://nobody@localhost/none"
    settings = read_settings({}, database_url=nowhere, secret="s" * 40, public_url="http://shop.test")
    return compose(Rooms.build(settings))


def sandbox() -> Litestar:
    return Sandbox().app()


@pytest.mark.parametrize("build", [app, sandbox])
def test_an_application_is_put_together_without_a_warning_of_litestars(build: Callable[[], Litestar]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", LitestarDeprecationWarning)
        build()
