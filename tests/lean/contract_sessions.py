"""The sessions that the contract is tested over, and the recorded conversations that the scripted one answers from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from orchestrator.errors import RequestRefused
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.native.ready_repl import ready_repl
from orchestrator.lean.native.repl import Repl, ReplLaunch
from orchestrator.lean.native.session import NativeSession
from orchestrator.lean.protocol import Reply, Request
from orchestrator.lean.replies import parse_reply
from orchestrator.lean.testing import Answer, ScriptedSession
from orchestrator.lean.toolchain import release_of

RECORDED = Path(__file__).with_name("recorded_conversations.json")
RECORD = "CONTRACT_RECORD" in os.environ
"""Set it to write the conversations of the embedded Lean again."""

Json = dict[str, Any]


def read_recorded() -> dict[str, list[Json]]:
    """Conversations by test: each exchange with its request and what the embedded Lean's server answered."""
    found: dict[str, list[Json]] = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    return found


def scripted_from(conversation: list[Json]) -> ScriptedSession:
    """A session that answers as the embedded Lean did, and fails where something else is asked."""
    exchanges = iter(conversation)

    def answer(request: Request) -> Answer:
        exchange = next(exchanges)
        assert exchange["asked"] == request.to_json()
        try:
            return parse_reply(request, exchange["answer"])
        except RequestRefused as refusal:
            return refusal

    return ScriptedSession(answer)


class Recording:
    """The embedded session, with a note of everything that is said."""

    def __init__(self, session: EmbeddedSession) -> None:
        self._session = session
        self.conversation: list[Json] = []
        self.compiled = session.compiled

    @property
    def generation(self) -> int:
        return self._session.generation

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        server = await self._session._ready()
        answer = await server.request(request.to_json(), timeout=timeout)
        self.conversation.append({"asked": request.to_json(), "answer": answer})
        return parse_reply(request, answer)

    async def recycle_if_grown(self) -> bool:
        return await self._session.recycle_if_grown()

    async def close(self) -> None:
        await self._session.close()


def native_session(folder: Path, lake: Path, repl: Path | None) -> NativeSession:
    """A session over a REPL in a project."""
    if repl is None:
        repl = ready_repl(release_of((folder / "lean-toolchain").read_text()), lake, folder / "cache")
    launch = ReplLaunch(folder=folder, lake=lake, repl=repl)
    return NativeSession(lambda: Repl.begin(launch))
