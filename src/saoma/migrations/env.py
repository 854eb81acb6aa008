"""Alembic's entry: runs the revisions on the connection it is handed.

Use `saoma.migrations.migrate`, not the alembic command."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
