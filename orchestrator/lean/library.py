"""The constants that imports bring, asked of a session module by module."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from orchestrator.errors import RequestRefused
from orchestrator.lean.protocol import Command, Premises, PremisesReply
from orchestrator.lean.session import Session, ask

IMPORT_SECONDS = 300.0
CHUNK_SECONDS = 300.0


async def open_library(session: Session, imports: Sequence[str]) -> Callable[[int, int, int], Awaitable[PremisesReply]]:
    """Import modules on a session; the answer gives (module number, first constant, count) → constants.

    Raises:
        SessionError: the session broke.
        RequestRefused: Lean cannot import one of them.
    """
    header = "".join(f"import {name}\n" for name in imports)
    reply = await ask(session, Command(header), timeout=IMPORT_SECONDS)
    if reply.env is None or reply.errors:
        words = reply.errors[0].text if reply.errors else "no environment"
        raise RequestRefused(f"Lean cannot import {', '.join(imports)}: {words}")
    env = reply.env

    async def part(module: int, first: int, count: int) -> PremisesReply:
        return await ask(session, Premises(env, module, first, count), timeout=CHUNK_SECONDS)

    return part
