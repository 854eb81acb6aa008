"""Many random histories of the payment core, by seed: `make chaos-sim HISTORIES=100000 SEED=1`.

    python -m tests.simulation --histories 100000 --seed 1 --jobs 2
    python -m tests.simulation --seed 4711 --histories 1            # one history, told
    python -m tests.simulation --planted all --histories 2000       # how soon each planted fault is found

Ends with 1 and the story of the first history that broke a rule. Each job has a database of its own."""

from __future__ import annotations

import argparse
import os
import queue
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from saoma.kit.postgres import EmbeddedPostgres
from saoma.migrations import fingerprint, migrate
from tests.simulation.history import Found, Runner
from tests.simulation.planted import PLANTED, Planted

_TOLD_EVERY = 25
#: Where nobody sees a bar, a line is written each time so many histories are played.
_SAID_EVERY = 1_000


@contextmanager
def _server() -> Iterator[EmbeddedPostgres]:
    """A server of our own, stopped at the end unless it was running before."""
    folder = Path(tempfile.gettempdir()) / f"saoma-simulation-{os.getuid()}"
    folder.mkdir(parents=True, exist_ok=True)
    server = EmbeddedPostgres(folder, durable=False, connections=40)
    another_is_there = server.pid() is not None
    server.start()
    try:
        yield server
    finally:
        if not another_is_there:
            server.stop()


def _database(server: EmbeddedPostgres, name: str) -> str:
    """A fresh database, copied from one that was migrated once."""
    template = f"simulation_{fingerprint()}"
    migrate(server.make_database(template))
    server.drop_database(name)
    return server.make_database(name, template=template)


def _job(url: str, first: int, histories: int, step: int, told: Any) -> None:
    """One process: every `step`-th history from `first` on."""
    runner = Runner(url)
    count = 0
    for seed in range(first, first + histories, step):
        found = runner.one(seed)
        count += 1
        if found is not None or count == _TOLD_EVERY:
            told.put((count, found))
            count = 0
        if found is not None:
            return
    told.put((count, runner.audit_rest()))
    told.put(None)
    runner.close()


def run(server: EmbeddedPostgres, seed: int, histories: int, jobs: int) -> int:
    """Play the histories; the exit code."""
    began = time.monotonic()
    context = get_context("spawn")
    told: Any = context.Queue()
    urls = [_database(server, f"job_{os.getpid()}_{number}") for number in range(jobs)]
    workers = [
        context.Process(target=_job, args=(url, seed + number, histories - number, jobs, told), daemon=True)
        for number, url in enumerate(urls)
    ]
    for worker in workers:
        worker.start()
    played, found = _watch(workers, told, histories)
    for number, worker in enumerate(workers):
        worker.terminate()
        worker.join()
        server.drop_database(f"job_{os.getpid()}_{number}")
    spent = time.monotonic() - began
    print(f"{played} histories from seed {seed} in {spent:.0f} s, {played / spent:.1f} a second, {jobs} jobs")
    if found is not None:
        _tell(found)
        return 1
    if played < histories:
        print("A job ended early.")
        return 1
    print("No rule was broken.")
    return 0


def _watch(workers: list[Any], told: Any, histories: int) -> tuple[int, Found | None]:
    bar = Progress(
        TextColumn("histories"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )
    played, ended = 0, 0
    with bar:
        shown = bar.add_task("histories", total=histories)
        while ended < len(workers):
            try:
                news = told.get(timeout=5)
            except queue.Empty:
                if not any(worker.is_alive() for worker in workers):
                    break
                continue
            if news is None:
                ended += 1
                continue
            count, found = news
            if played // _SAID_EVERY != (played + count) // _SAID_EVERY and not bar.console.is_terminal:
                print(f"{played + count} of {histories} histories, nothing found so far", flush=True)
            played += count
            bar.update(shown, completed=played)
            if found is not None:
                return played, found
    return played, None


def one(server: EmbeddedPostgres, seed: int) -> int:
    """Play one history and tell it."""
    name = f"one_{os.getpid()}"
    runner = Runner(_database(server, name))
    try:
        found = runner.one(seed, audit=True)
        print(runner.story)
        if found is not None:
            print(f"Broken: {found.what}")
            return 1
        print("No rule was broken.")
        return 0
    finally:
        runner.close()
        server.drop_database(name)


def hunt(server: EmbeddedPostgres, faults: list[Planted], seed: int, histories: int, times: int) -> int:
    """Search for each planted fault from `times` places; how many histories it took, in the middle and at worst."""
    missed = 0
    print(f"{'planted fault':20} {'middle':>7} {'worst':>7} {'seed':>9}   the rule that was taken out")
    for planted in faults:
        name = f"planted_{planted.name}_{os.getpid()}"
        runner = Runner(_database(server, name), planted)
        took = []
        for number in range(times):
            first = seed + number * 1_000_000
            found = runner.search(first, histories)
            took.append(found.seed - first + 1 if found is not None else histories + 1)
        runner.close()
        server.drop_database(name)
        missed += sum(count > histories for count in took)
        quickest = min(range(times), key=took.__getitem__)
        shows = seed + quickest * 1_000_000 + took[quickest] - 1
        line = f"{planted.name:20} {statistics.median(took):7.0f} {max(took):7} {shows:9}   {planted.rule}"
        print(line, flush=True)
    return 1 if missed else 0


def _tell(found: Found) -> None:
    print(found.story)
    print(f"Broken: {found.what}")
    print(f"Again: python -m tests.simulation --seed {found.seed} --histories 1")


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--planted", default="", help="a planted fault by name, or all")
    parser.add_argument("--times", type=int, default=11, help="from how many places each planted fault is searched")
    said = parser.parse_args(words)
    with _server() as server:
        if said.planted:
            faults = list(PLANTED.values()) if said.planted == "all" else [PLANTED[said.planted]]
            return hunt(server, faults, said.seed, said.histories, said.times)
        if said.histories == 1:
            return one(server, said.seed)
        return run(server, said.seed, said.histories, max(1, said.jobs))
