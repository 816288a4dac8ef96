"""Run by Alembic: applies the migrations on the connection that `database` hands over, or on `-x url=…`."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection

from orchestrator.ledger.tables import Base, UtcDateTime


def render(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Keep our own types out of migrations, which must still mean the same when the code has moved on."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def migrate(connection: Connection) -> None:
    """Bring the schema behind `connection` to the revision Alembic was asked for."""
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, render_item=render)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with create_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as own:
        migrate(own)
