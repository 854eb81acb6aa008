"""The outcome of a rough run as people read it: one table, the breaches, and the verdict."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from saoma.demo.rough import Outcome, machine
from saoma.kit.money import Money

_SHOWN = 30


def print_outcome(outcome: Outcome, console: Console) -> None:
    """Everything that was done and what came of it."""
    told, books = outcome.told, outcome.books
    table = Table(title=f"A rough day, seed {outcome.seed}, plan {outcome.mark}", show_header=False)
    rate = told.begun / outcome.seconds if outcome.seconds else 0.0
    rows = [
        ("machine", machine()),
        ("orders", f"{told.begun:,} of {outcome.payments:,} in {outcome.seconds:.0f} s, {rate:.1f} a second"),
        ("requests of the tills", f"{told.requests:,}, {told.repeated:,} of them repeated for want of an answer"),
        ("refused, as they should be", ", ".join(f"{name} {count}" for name, count in told.refused.items()) or "none"),
        *((f"killed: {name}", f"{count}") for name, count in sorted(outcome.kills.items())),
        *((f"misbehaved: {name}", f"{count:,} calls") for name, count in outcome.faults.items()),
        ("misbehaviour nobody asked for", f"{outcome.unused:,} calls"),
        *((f"connections cut: {name}", f"{count:,}") for name, count in outcome.cuts.items()),
        ("clocks pushed", f"{outcome.pushes} times, over midnight and 00:15 in Beijing"),
        *(("disk", said) for said in outcome.disk),
        *((f"payments: {name}", f"{count:,}") for name, count in sorted(books.states.items())),
        *((f"cases: {each.name}", f"{each.count:,}") for each in books.cases),
        ("trades in the local Alipay's book", f"{books.trades:,}"),
        *((f"kept, by {name}", Money(minor, "USD").text + " USD") for name, minor in books.sold.items()),
        *(("reconciled", each.name) for each in outcome.days),
        *((f"differences: {each.name}", f"{each.count:,}") for each in outcome.differences),
        ("saoma audit", outcome.audit),
        ("breaches", f"{len(outcome.breaches):,}"),
    ]
    for what, figure in rows:
        table.add_row(what, figure)
    console.print(table)
    for breach in outcome.breaches[:_SHOWN]:
        console.print(f"[red]{breach}[/red]", soft_wrap=True)
    console.print(
        "[green]nothing lost, nothing doubled, nothing without an owner[/green]"
        if outcome.holds
        else f"[red]THE BOOKS DO NOT HOLD[/red]; the same plan again: --seed {outcome.seed}"
    )
