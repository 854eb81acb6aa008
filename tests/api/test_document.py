"""The OpenAPI document is true: its routes are the routes, its examples run, and thrown dice find no other answers."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from litestar.routes import HTTPRoute
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from saoma.api.openapi import OPERATIONS, document
from saoma.kit.clock import MovableClock
from tests.api.make import Deployment, Program, deployment, partner

CHECKS: list[Any] = [
    *(not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance),
    *(response_schema_conformance, negative_data_rejection),
]
#: Keys are this test's business: who has none is turned away by tests of its own.
SCHEMA = schemathesis.openapi.from_dict({**document(), "security": []})
BY_NAME = {operation.name: operation for operation in OPERATIONS}


async def test_the_document_and_the_routes_name_each_other(house: Deployment) -> None:
    documented = {(operation.method, operation.path.partition("/api/v1")[2]) for operation in OPERATIONS}
    routed = {
        (str(method), route.path.partition("/api/v1")[2].replace(":str", ""))
        for route in house.app.routes
        if route.path.startswith("/api/v1") and isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method != "OPTIONS"
    }
    assert documented == routed


def test_every_reference_in_the_document_leads_somewhere() -> None:
    found: list[str] = []

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                found.append(part["$ref"])
            for each in part.values():
                walk(each)
        elif isinstance(part, list):
            for each in part:
                walk(each)

    walk(document())
    schemas = document()["components"]["schemas"]
    assert found and all(ref.removeprefix("#/components/schemas/") in schemas for ref in found)


async def test_the_document_is_served_and_points_to_nobody_else(till: Program) -> None:
    answer = await till.http.get("/api/openapi.json")
    assert answer.status_code == 200 and answer.json()["openapi"] == "3.1.0"
    assert "http" not in answer.text.replace("http(s)", "").replace("httpx", "").replace(
        "https://shop.example", ""
    ).replace('"type":"http"', "").replace("http_status", "")


@pytest.mark.parametrize("name", [operation.name for operation in OPERATIONS if operation.example])
async def test_an_example_of_the_document_runs(house: Deployment, till: Program, name: str) -> None:
    operation = BY_NAME[name]
    body = dict(operation.example or {})
    path = operation.path.partition("/api/v1")[2]
    if "{payment_id}" in path:
        path = path.format(payment_id=(await till.pays())["id"])
    if body.get("store"):
        body["store"] = house.shop.store.id
    if operation.path.startswith("/api/v1/merchants"):
        path = path.format(merchant_id=house.shop.merchant.id)
        till = await partner(house)
    answer = await till.post(path, body)
    assert answer.status_code in operation.answers, answer.text
    for field, value in body.items():
        if field != "payment_code":
            assert answer.json()[field] == value


class Served:
    """A deployment on a thread of its own, because schemathesis asks from outside any event loop."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self._args = (database_url, folder)
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.done: asyncio.Event | None = None
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self._serve(),), daemon=True)

    async def _serve(self) -> None:
        database_url, folder = self._args
        self.done = asyncio.Event()
        async with deployment(database_url, MovableClock(), folder) as self.house:
            self.till = await self.house.program()
            self.portal = await partner(self.house)
            payment = await self.till.pays()
            refund = await self.till.post(f"/payments/{payment['id']}/refunds", {"amount": "1.00"})
            hook = await self.till.post("/webhooks", dict(BY_NAME["make_webhook"].example or {}))
            device = await self.till.post("/terminals", {"store": self.house.shop.store.id, "name": "Till 2"})
            self.known = {
                "payment_id": payment["id"],
                "refund_id": refund.json()["id"],
                "webhook_id": hook.json()["id"],
                "merchant_id": self.house.shop.merchant.id,
                "store_id": self.house.shop.store.id,
                "terminal_id": device.json()["id"],
            }
            self.ready.set()
            await self.done.wait()

    def ask(self, **request: Any) -> httpx.Response:
        """One request from another thread."""
        return asyncio.run_coroutine_threadsafe(self.till.http.request(**request), self.loop).result(60)

    def stop(self) -> None:
        """Close the deployment."""
        assert self.done is not None
        self.loop.call_soon_threadsafe(self.done.set)
        self.thread.join(30)


@pytest.fixture(scope="module")
def served(postgres: Any, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One deployment for all the dice."""
    name = f"t_schemathesis_{uuid.uuid4().hex[:8]}"
    made = Served(postgres.make_database(name, template=template), tmp_path_factory.mktemp("storage"))
    made.thread.start()
    assert made.ready.wait(60)
    yield made
    made.stop()
    postgres.drop_database(name)


@SCHEMA.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_dice_find_no_answer_that_the_document_does_not_promise(case: Any, served: Served) -> None:
    given = case.as_transport_kwargs(base_url="http://saoma.test")
    program = served.portal if case.path.startswith("/api/v1/merchants") else served.till
    headers = {**given.get("headers", {}), "Authorization": f"Bearer {program.secret}"}
    if str(headers.get("Prefer", "")).lower().startswith("wait"):
        headers["Prefer"] = "wait=0"
    url = given["url"]
    for name, value in served.known.items():
        # Half of the time the thing is there.
        if name in (case.path_parameters or {}) and len(str(case.path_parameters[name])) % 2:
            url = f"http://saoma.test{case.path.replace('{' + name + '}', value)}"
    if "{" in url.partition("saoma.test")[2]:
        url = given["url"]
    answer = served.ask(
        method=given["method"],
        url=url,
        params=given.get("params"),
        json=given.get("json"),
        content=given.get("data") if not isinstance(given.get("data"), dict) else None,
        headers={
            name: value.encode("utf-8", "replace") if isinstance(value, str) else value
            for name, value in headers.items()
        },
    )
    # Where a mistaken id was replaced by a true one, the request may be right after all.
    checks = CHECKS if url == given["url"] else CHECKS[:-1]
    case.validate_response(answer, checks=checks)
