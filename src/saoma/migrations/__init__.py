"""The database's history: Alembic revisions in plain SQL, one per room to begin with.

A revision that has landed is never edited; the next one corrects it."""
