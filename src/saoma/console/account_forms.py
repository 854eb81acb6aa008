"""What operators type about accounts, read from forms: right or wrong, with what copying did to keys undone.

Keys come in by these forms and never go out again: a form that is shown anew has its key fields empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from saoma.alipay.account import Account
from saoma.alipay.acquirer_client import AcquirerAccount
from saoma.alipay.examining import Draft
from saoma.alipay.signing import SignType
from saoma.identity.accounts import KEYS, pair_is_used, private_half
from saoma.kit.clock import Clock
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Invalid
from saoma.kit.money import EXPONENTS
from saoma.kit.seal import Seal

#: Longer than any key or address there is.
_LONGEST: Final = 20_000
SIGN_TYPES: Final = tuple(each.value for each in (SignType.RSA2, SignType.RSA, SignType.MD5))
CURRENCIES: Final = tuple(sorted(EXPONENTS))
#: What may be shown again after a refusal.
SHOWN_AGAIN: Final = (
    *("name", "partner", "app_id", "sign_type", "currency", "charset", "environment"),
    *("gateway_url", "openapi_url", "auth_url", "url", "store", "pair"),
)


@dataclass(frozen=True, slots=True, repr=False)
class Typed:
    """A form's fields."""

    fields: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    def only(self, *names: str) -> Typed:
        """These fields, where they were typed at all."""
        return Typed({name: self.fields[name] for name in names if name in self.fields})

    def shown(self) -> dict[str, str]:
        """What may be shown again: never a key."""
        return {name: self.fields[name] for name in SHOWN_AGAIN if name in self.fields}


def typed(form: Mapping[str, object]) -> Typed:
    """The fields of a form. Raises `Invalid` for one that is far too long or holds a file."""
    fields = {}
    for name, value in form.items():
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise Invalid("Look at what you entered and try again. Nothing was changed.")
        fields[name] = value
    return Typed(fields)


async def draft_of(rows: Rows, seal: Seal, said: Typed, before: Account | None = None) -> Draft:
    """An account as it was typed; what a form leaves out, or leaves empty of keys, stays as it is in `before`.

    A pair that was made here stands for the private key. Raises `NotFound` for one that is gone."""
    start = Draft.of(before) if before else Draft(partner="")
    plain = {
        name: said[name].strip() for name in Draft.__dataclass_fields__ if name in said.fields and "key" not in name
    }
    keys = {name: said[name] for name in KEYS if said[name].strip()}
    if said["pair"]:
        keys["private_key"] = await private_half(rows, seal, said["pair"])
    return replace(start, **plain, **keys)


def account_of(draft: Draft) -> Account:
    """The account a draft describes, mended. Raises `Invalid` with what could not work."""
    mended = draft.mended()
    fields = {name: getattr(mended, name) for name in Draft.__dataclass_fields__ if name != "sign_type"}
    try:
        sign_type = SignType(mended.sign_type)
    except ValueError:
        raise Invalid("Choose a sign type.") from None
    return Account(**fields, sign_type=sign_type)


def acquirer_of(said: Typed, before: AcquirerAccount | None = None, environment: str = "") -> AcquirerAccount:
    """The account at an acquirer that a form describes. Raises `Invalid`."""
    return AcquirerAccount(
        url=said["url"].strip().rstrip("/").removesuffix("/api/v1"),
        api_key="".join(said["api_key"].split()) or (before.api_key if before else ""),
        store=said["store"].strip(),
        webhook_secret="".join(said["webhook_secret"].split()) or (before.webhook_secret if before else ""),
        environment=environment or said["environment"],
    )


async def use_pair(tx: Transaction, clock: Clock, said: Typed, account_id: str) -> None:
    """A pair that was chosen is the account's from now on."""
    if said["pair"]:
        await pair_is_used(tx, clock, said["pair"], account_id)
