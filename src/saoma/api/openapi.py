"""The OpenAPI 3.1 document of the partner API: printed from one table of operations and the bodies' own types.

The examples are run as tests; a route that is not in the table, or the reverse, fails one."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import msgspec

from saoma.api import bodies
from saoma.api.door import LONGEST_QUERY, LONGEST_WAIT
from saoma.api.pages import MOST
from saoma.api.problems import KINDS
from saoma.identity.api_keys import Scope
from saoma.payments.lifecycle import Status
from saoma.web.errors import PROBLEM

PAYMENT_EXAMPLE: Final[dict[str, Any]] = {
    "method": "barcode",
    "amount": "12.50",
    "currency": "USD",
    "payment_code": "281234567890123456",
    "subject": "Beef noodles",
    "reference": "order-1001",
}
WITHDRAWAL_EXAMPLE: Final = {"reference": "A-1001"}
AUTHORIZATION_EXAMPLE: Final = {"return_url": "https://shop.example/back", "state": "b7Qx2mZk9TfLr4Vw"}
REFUND_EXAMPLE: Final[dict[str, Any]] = {"amount": "2.50", "reason": "No tea left"}
STORE_EXAMPLE: Final[dict[str, Any]] = {"name": "Harbour Road", "zone": "Asia/Singapore", "name_zh": "海港路店"}
MERCHANT_EXAMPLE: Final[dict[str, Any]] = {"name": "Harbour Noodles", "currency": "USD", "industry": "5812"}
KEY_EXAMPLE: Final[dict[str, Any]] = {"name": "Till software", "scopes": ["payments:read", "payments:write"]}
TERMINAL_EXAMPLE: Final[dict[str, Any]] = {"store": "sto_000000000000000000000000", "name": "Till 2", "kind": "till"}
WEBHOOK_EXAMPLE: Final[dict[str, Any]] = {
    "url": "https://shop.example/saoma",
    "events": ["payment.succeeded", "refund.succeeded"],
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a program may ask for. `answers` are the good ones; problems are added by what the operation takes."""

    method: str
    path: str
    name: str
    says: str
    scope: Scope
    answers: dict[int, str]
    shown: type[msgspec.Struct] | None = None
    listed: bool = False
    body: type[msgspec.Struct] | None = None
    example: dict[str, Any] | None = None
    waits: bool = False
    filters: tuple[str, ...] = field(default=())

    @property
    def parameters(self) -> list[str]:
        """The names in the path."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


_MADE: Final = {200: "A repetition: as it stands now.", 201: "Made."}
_TAKEN: Final = {
    200: "A repetition: as it stands now.",
    201: "It has ended; look at `status`.",
    202: "Nobody knows the end yet: ask again, or wait for the webhook.",
}
_SHOWN: Final = {200: "As it stands."}
P, R, S, T, W = (
    bodies.PaymentAnswer,
    bodies.RefundAnswer,
    bodies.StoreAnswer,
    bodies.TerminalAnswer,
    bodies.WebhookAnswer,
)

OPERATIONS: Final = (
    Operation(
        *("POST", "/api/v1/payments", "take_payment", "Take money", Scope.PAYMENTS_WRITE, _TAKEN, P),
        body=bodies.NewPayment,
        example=PAYMENT_EXAMPLE,
        waits=True,
    ),
    Operation(
        *("GET", "/api/v1/payments", "list_payments", "Payments, newest first", Scope.PAYMENTS_READ, _SHOWN, P),
        listed=True,
        filters=("status", "reference", "store"),
    ),
    Operation(
        *("GET", "/api/v1/payments/{payment_id}", "show_payment", "One payment", Scope.PAYMENTS_READ, _SHOWN, P),
        waits=True,
    ),
    Operation(
        *("POST", "/api/v1/payments/{payment_id}/cancel", "cancel_payment", "Give a payment up and undo it"),
        *(Scope.PAYMENTS_WRITE, {200: "It has ended; look at `status`.", 202: "It is being undone."}, P),
        waits=True,
    ),
    Operation(
        *("POST", "/api/v1/payments/withdraw", "withdraw", "Spend a reference that no payment has"),
        *(Scope.PAYMENTS_WRITE, {200: "No payment has this reference, and none will."}, bodies.WithdrawalAnswer),
        body=bodies.Withdrawal,
        example=WITHDRAWAL_EXAMPLE,
    ),
    Operation(
        *("POST", "/api/v1/authorizations", "begin_authorization", "Learn who a phone's buyer is, through us"),
        *(Scope.PAYMENTS_WRITE, {201: "Send the phone to `url`."}, bodies.AuthorizationAnswer),
        body=bodies.NewAuthorization,
        example=AUTHORIZATION_EXAMPLE,
    ),
    Operation(
        *("POST", "/api/v1/authorizations/exchange", "exchange", "The buyer behind a code, once"),
        *(Scope.PAYMENTS_WRITE, {200: "Who it is."}, bodies.BuyerAnswer),
        body=bodies.NewExchange,
    ),
    Operation(
        *("POST", "/api/v1/payments/{payment_id}/refunds", "make_refund", "Give money back"),
        *(Scope.REFUNDS_WRITE, _TAKEN, R),
        body=bodies.NewRefund,
        example=REFUND_EXAMPLE,
        waits=True,
    ),
    Operation(
        *("GET", "/api/v1/payments/{payment_id}/refunds", "list_refunds", "A payment's refunds, newest first"),
        *(Scope.REFUNDS_READ, _SHOWN, R),
        listed=True,
    ),
    Operation("GET", "/api/v1/refunds/{refund_id}", "show_refund", "One refund", Scope.REFUNDS_READ, _SHOWN, R),
    Operation(
        *("GET", "/api/v1/statements", "list_statement", "A day's payments, refunds and cancels, newest first"),
        *(Scope.PAYMENTS_READ, _SHOWN, bodies.StatementLine),
        listed=True,
        filters=("date", "store"),
    ),
    Operation(
        *(
            "GET",
            "/api/v1/merchants",
            "list_merchants",
            "The merchant of this key, or all of a partner key's",
            Scope.STORES_READ,
            _SHOWN,
        ),
        bodies.MerchantAnswer,
        listed=True,
    ),
    Operation(
        *("GET", "/api/v1/merchants/{merchant_id}", "show_merchant", "The merchant", Scope.STORES_READ, _SHOWN),
        bodies.MerchantAnswer,
    ),
    Operation(
        *("POST", "/api/v1/merchants", "make_merchant", "Add a merchant (partner keys)", Scope.STORES_WRITE, _MADE),
        bodies.MerchantAnswer,
        body=bodies.NewMerchant,
        example=MERCHANT_EXAMPLE,
    ),
    Operation(
        *("POST", "/api/v1/merchants/{merchant_id}/keys", "make_key", "Make a merchant's key (partner keys)"),
        *(Scope.STORES_WRITE, _MADE, bodies.KeyAnswer),
        body=bodies.NewKey,
        example=KEY_EXAMPLE,
    ),
    Operation("GET", "/api/v1/stores", "list_stores", "Stores", Scope.STORES_READ, _SHOWN, S, listed=True),
    Operation(
        *("POST", "/api/v1/stores", "make_store", "Open a store", Scope.STORES_WRITE, _MADE, S),
        body=bodies.NewStore,
        example=STORE_EXAMPLE,
    ),
    Operation("GET", "/api/v1/stores/{store_id}", "show_store", "One store", Scope.STORES_READ, _SHOWN, S),
    Operation(
        *("GET", "/api/v1/terminals", "list_terminals", "Devices", Scope.STORES_READ, _SHOWN, T),
        listed=True,
        filters=("store",),
    ),
    Operation(
        *("POST", "/api/v1/terminals", "make_terminal", "Add a device to a store", Scope.STORES_WRITE, _MADE, T),
        body=bodies.NewTerminal,
        example=TERMINAL_EXAMPLE,
    ),
    Operation("GET", "/api/v1/terminals/{terminal_id}", "show_terminal", "One device", Scope.STORES_READ, _SHOWN, T),
    Operation("GET", "/api/v1/webhooks", "list_webhooks", "Webhooks", Scope.WEBHOOKS, _SHOWN, W, listed=True),
    Operation(
        *("POST", "/api/v1/webhooks", "make_webhook", "Subscribe an address to events", Scope.WEBHOOKS, _MADE, W),
        body=bodies.NewWebhook,
        example=WEBHOOK_EXAMPLE,
    ),
    Operation("GET", "/api/v1/webhooks/{webhook_id}", "show_webhook", "One webhook", Scope.WEBHOOKS, _SHOWN, W),
    Operation(
        *("DELETE", "/api/v1/webhooks/{webhook_id}", "delete_webhook", "End a subscription", Scope.WEBHOOKS),
        {204: "Nothing more is sent."},
    ),
    Operation(
        *("GET", "/api/v1/webhooks/{webhook_id}/deliveries", "list_deliveries", "What was sent, newest first"),
        *(Scope.WEBHOOKS, _SHOWN, bodies.DeliveryAnswer),
        listed=True,
    ),
    Operation(
        *("POST", "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", "replay_delivery", "Send it again"),
        *(Scope.WEBHOOKS, {202: "It is sent again, byte for byte."}, bodies.DeliveryAnswer),
    ),
)

#: How much a key may still ask; every answer to a known key tells it.
RATE_HEADERS: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

_ABOUT: Final = """Take money from Alipay users, look at it, give it back.

Amounts are decimal text. Every POST carries an Idempotency-Key, so that repeating it is always safe. `Prefer: wait=N`
holds the answer until the end is known. `message` holds a sentence for the cashier and one for the customer, in the
language of Accept-Language (en, zh): show them as they are. Hand over goods when `status` is `succeeded`, never before.
"""


def _query(name: str) -> dict[str, Any]:
    schemas: dict[str, dict[str, Any]] = {
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 20},
        "status": {"type": "string", "enum": [status.value for status in Status]},
    }
    schema = schemas.get(name, {"type": "string", "maxLength": LONGEST_QUERY, "pattern": r"^[^\u0000-\u001f\u007f]*$"})
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in operation.parameters
    ]
    if operation.method == "POST":
        schema = {"type": "string", "pattern": r"^[!-~]{1,128}$", "minLength": 1, "maxLength": 128}
        found.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": schema})
    if operation.waits:
        schema = {"type": "string", "examples": ["wait=10"], "description": f"wait=0 to wait={LONGEST_WAIT}"}
        found.append({"name": "Prefer", "in": "header", "required": False, "schema": schema})
    names = (*operation.filters, *(("limit", "cursor") if operation.listed else ()))
    return found + [_query(name) for name in names]


def _problem(says: str) -> dict[str, Any]:
    return {"description": says, "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _responses(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, says in operation.answers.items():
        found[str(status)] = {"description": says}
        if operation.shown is not None:
            schema: dict[str, Any] = {"$ref": f"#/components/schemas/{operation.shown.__name__}"}
            if operation.listed:
                schema = {
                    "type": "object",
                    "required": ["items", "next_cursor"],
                    "properties": {
                        "items": {"type": "array", "items": schema},
                        "next_cursor": {"type": ["string", "null"]},
                    },
                }
            found[str(status)]["content"] = {"application/json": {"schema": schema}}
    wrong = {401, 403, 404, 429, 500, 503}
    if operation.method == "POST":
        wrong |= {400, 409, 413, 422}
    if operation.method == "GET":
        wrong |= {422}
    if operation.body is not None:
        wrong |= {415}
    for status in sorted(wrong):
        titles = " or ".join(dict.fromkeys(kind.title for kind in KINDS.values() if kind.status == status))
        found[str(status)] = _problem(titles)
    number = {"schema": {"type": "string", "pattern": "^[0-9]+$"}}
    found["429"]["headers"] = {"Retry-After": number}
    for code, described in found.items():
        if code != "401":
            described.setdefault("headers", {}).update(dict.fromkeys(RATE_HEADERS, number))
    return found


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    kinds = {operation.body for operation in OPERATIONS} | {operation.shown for operation in OPERATIONS}
    types = [kind for kind in kinds if kind is not None] + [bodies.Problem]
    types.sort(key=lambda kind: kind.__name__)
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described: dict[str, Any] = {
            "operationId": operation.name,
            "summary": operation.says,
            "description": f"Needs the scope `{operation.scope.value}`.",
            "parameters": _parameters(operation),
            "responses": _responses(operation),
        }
        if operation.body is not None:
            content = {"schema": {"$ref": f"#/components/schemas/{operation.body.__name__}"}}
            described["requestBody"] = {
                "required": True,
                "content": {
                    "application/json": content | ({"example": operation.example} if operation.example else {})
                },
            }
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "Saoma partner API", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key, sk_..."}},
        },
    }
