"""The database's history: Alembic revisions in plain SQL, one per room to begin with.

A revision that has landed is never edited; the next one corrects it."""

from __future__ import annotations

import hashlib
from pathlib import Path

_HERE = Path(__file__).parent

#: Two processes that start together must not migrate at once.
_LOCK = 72_6066


def migrate(database_url: str, revision: str = "head") -> None:
    """Bring the database to the newest `revision`; safe to run again and from several processes."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def fingerprint() -> str:
    """Changes whenever a revision does: names the template database of the tests."""
    digest = hashlib.sha256()
    for path in sorted((_HERE / "versions").glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
