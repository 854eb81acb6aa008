"""Every knob, typed and documented: environment variables that begin with SAOMA_, read once at start.

A setting without a default must be given; a wrong value stops the start with one clear line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from saoma.kit.errors import Invalid


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One process's knobs. Each field is the environment variable `SAOMA_<NAME>`."""

    database_url: Annotated[str, Meta(description="PostgreSQL, as postgresql://user@host/name")]
    secret: Annotated[
        str, Meta(min_length=32, description="Seals keys at rest, signs sessions and links; 32 characters or more")
    ]
    public_url: Annotated[
        str, Meta(description="Where Alipay and phones reach this deployment, without a closing slash")
    ] = "http://127.0.0.1:8000"
    storage_url: Annotated[str, Meta(description="A folder, or s3://bucket/prefix, for photos and files")] = "storage"
    log_level: Annotated[str, Meta(description="DEBUG, INFO, WARNING or ERROR")] = "INFO"
    log_json: Annotated[bool, Meta(description="Log as JSON lines, for collectors")] = False
    trace_endpoint: Annotated[str, Meta(description="OTLP endpoint for traces; empty sends none")] = ""
    worker_metrics: Annotated[
        str, Meta(description="host:port where a worker shows its metrics; app processes show theirs at /metrics")
    ] = ""
    pool_size: Annotated[int, Meta(ge=2, le=200, description="Database connections per process")] = 10
    connect_seconds: Annotated[float, Meta(gt=0, le=30, description="How long to try to reach Alipay")] = 3.0
    read_seconds: Annotated[
        float, Meta(gt=0, le=60, description="How long to wait for Alipay's answer; below every policy's gap")
    ] = 4.5
    second_person_above: Annotated[
        int, Meta(ge=0, description="A ruling that moves more whole units of its currency waits for a second person")
    ] = 500
    second_person_to_go_live: Annotated[
        bool, Meta(description="Switching an account from sandbox to production needs two operators")
    ] = False
    api_per_second: Annotated[
        float, Meta(gt=0, le=1_000_000, description="Requests a second that one API key may make")
    ] = 50.0
    loopback_webhooks: Annotated[
        bool, Meta(description="Let webhooks and alarms go to this very machine: for demos and tests only")
    ] = False
    loopback_printers: Annotated[
        bool, Meta(description="Let receipt printers be at this very machine: for demos and tests only")
    ] = False
    cash_needs_shift: Annotated[
        bool, Meta(description="Take cash only at a till where somebody has opened a shift with a counted float")
    ] = False
    clock_file: Annotated[
        str,
        Meta(description="A file with the seconds to be ahead of time, for drills with sandbox accounts only"),
    ] = ""
    practice_sandbox_url: Annotated[
        str, Meta(description="A sandbox of your own for practice at the till; empty: there is no practice")
    ] = ""
    ahead_per_hour: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Orders ahead that one browser or Alipay user may begin in an hour, and one address ten times"
            " as many; of these, so many paid at the shop",
        ),
    ] = 20
    keep_line_days: Annotated[
        int,
        Meta(ge=90, le=4000, description="Days that the lines of daily files are kept; what they showed is for good"),
    ] = 120
    trusted_proxy: Annotated[
        bool, Meta(description="Believe X-Forwarded-For: set it when, and only when, a proxy of yours is in front")
    ] = False

    def check_clock(self, environments: Iterable[str]) -> None:
        """Raises `Invalid` where a clock that can be moved would tell the time of real money."""
        if self.clock_file and "production" in environments:
            raise Invalid("SAOMA_CLOCK_FILE moves the clock: it can't be used with a production account.")


def read_settings(environment: Mapping[str, str] | None = None, **given: object) -> Settings:
    """Settings from SAOMA_ variables; `given` wins over them. Raises `Invalid` naming the variable that is wrong."""
    environment = os.environ if environment is None else environment
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(Settings):
        name = f"SAOMA_{field.name.upper()}"
        if name in environment:
            values[field.name] = environment[name]
        elif field.required and field.name not in given:
            raise Invalid(f"{name} is not set: {describe(field.name)}")
    try:
        return msgspec.convert(values | given, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"a SAOMA_ setting is wrong: {error}") from None


def describe(name: str) -> str:
    """The sentence that documents a setting."""
    info = msgspec.inspect.type_info(Settings)
    assert isinstance(info, msgspec.inspect.StructType)
    for field in info.fields:
        if field.name == name and isinstance(field.type, msgspec.inspect.Metadata):
            return str((field.type.extra_json_schema or {}).get("description", ""))
    return ""
