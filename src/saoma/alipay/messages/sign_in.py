"""`alipay.system.oauth.token`: from the one-time code of a page to the buyer's id.

It is an Open API call: `grant_type` and `code` are top-level fields, a success has no `code` or `msg`, and failures
come in another node, `error_response` (https://docs.antom.com/ac/global/oauth_token)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from saoma.alipay.messages import fields as f
from saoma.alipay.wire import OpenApiAnswer, Unreadable

NODE: Final = "alipay_system_oauth_token_response"


@dataclass(frozen=True, slots=True)
class OauthToken:
    """Exchange a code for a user id. A code works once, for the application that asked for it."""

    method: ClassVar[str] = "alipay.system.oauth.token"

    auth_code: str = field(repr=False)
    sent_at: datetime

    def fields(self) -> dict[str, str]:
        """The fields beside `app_id` and the signature."""
        return {
            "charset": "utf-8",
            "code": f.words("The authorization code", self.auth_code, 40),
            "format": "JSON",
            "grant_type": "authorization_code",
            "method": self.method,
            "timestamp": f.day_and_time(self.sent_at),
            "version": "1.0",
        }


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """Whom the page belongs to. Newer applications may be given an `open_id` only: such a buyer can't be charged
    through the global services, and the application must be set to return user ids."""

    user_id: str
    open_id: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    refresh_expires_in: int
    extra: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Read a success node. Raises `Unreadable` for one without an access token."""
        rest = dict(fields)
        texts = {name: rest.pop(name, "") for name in ("user_id", "open_id", "access_token", "refresh_token")}
        times = {name: rest.pop(name, 0) for name in ("expires_in", "re_expires_in")}
        if not all(isinstance(text, str) for text in texts.values()) or not texts["access_token"]:
            raise Unreadable("the answer holds no access token")
        if not all(isinstance(time, int | str) and str(time).isdecimal() for time in times.values()):
            raise Unreadable("the answer's lifetimes are not numbers")
        return cls(
            **texts,
            expires_in=int(times["expires_in"]),
            refresh_expires_in=int(times["re_expires_in"]),
            extra=rest,
        )


def refusal_of(answer: OpenApiAnswer) -> str:
    """The word for a failure: `sub_code` where there is one, else `code`; empty for a success node."""
    if answer.node == NODE and "access_token" in answer.fields:
        return ""
    return str(answer.fields.get("sub_code") or answer.fields.get("code") or "unreadable")
