"""Run by Alembic: applies the migrations on the connection that `database` hands over, or on `-x url=…`.

A ledger is only ever upgraded: going back would lose what was recorded, so migrations have no `downgrade`.
"""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection

from orchestrator.ledger.columns import PlainJson, PlainText, UtcDateTime
from orchestrator.ledger.tables import METADATA


def render(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Keep our own types out of migrations, which must still mean the same when the code has moved on."""
    own = isinstance(item, UtcDateTime | PlainText | PlainJson)
    return f"sa.{item.impl_instance!r}" if kind == "type" and own else False


def migrate(connection: Connection) -> None:
    """Bring the schema behind `connection` to the revision Alembic was asked for."""
    context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True, render_item=render)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with create_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as own:
        migrate(own)
