"""The seam to Lean: one request, one reply."""

from __future__ import annotations

from typing import Protocol, TypeVar, cast

from orchestrator.errors import MalformedReply
from orchestrator.lean.protocol import REPLIES, Asking, Reply, Request

ReplyT = TypeVar("ReplyT", bound=Reply)


class CompiledProject(Protocol):
    """A project that is compiled before it is asked about."""

    async def sorries(self) -> frozenset[str]:
        """Paths of the files that Lean warns of a sorry in; compiles what is not compiled yet.

        Raises:
            RepositoryError: nothing can be compiled.
            LeanNotFound: `lake` cannot be run.
        """

    async def digest(self, module: str) -> str:
        """SHA-256, hex, over all that elaborating a module depends on: its text, and its imports as they are compiled.

        "" where that is not known, since an import is not compiled. Raises what `sorries` raises.
        """


class Session(Protocol):
    """A conversation with one Lean process at a time.

    `generation` grows as soon as a process is lost: ids of environments and proof states from an earlier generation
    mean nothing any more. Where there is `compiled`, a file's own header can be imported as it is, which replaces a
    process that has imported another one.
    """

    @property
    def compiled(self) -> CompiledProject | None:
        """The project's own modules, compiled; None where they are elaborated again for each file that imports them."""

    @property
    def generation(self) -> int:
        """The number, from 1, of the process that the next request goes to."""

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        """Send a request and wait for its reply, at most `timeout` seconds.

        Raises:
            SessionError: the process died, hung or talked nonsense. It was killed; the next request starts another.
            RequestRefused: Lean refused this request; the session is fine.
        """

    async def recycle_if_grown(self) -> bool:
        """Replace the process if it has grown beyond its limit; true when it was. For between pieces of work."""

    async def close(self) -> None:
        """End the process. Closing twice is fine."""


async def ask(session: Session, request: Asking[ReplyT], *, timeout: float) -> ReplyT:
    """`session.exchange` with the reply's type known to the type checker."""
    reply = await session.exchange(cast(Request, request), timeout=timeout)
    if not isinstance(reply, REPLIES[type(request)]):
        raise MalformedReply(f"{type(reply).__name__} in answer to {type(request).__name__}")
    return cast(ReplyT, reply)
