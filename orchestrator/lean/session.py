"""The seam to Lean: one request, one reply."""

from __future__ import annotations

from typing import Protocol, overload, runtime_checkable

from orchestrator.errors import MalformedReply
from orchestrator.lean.protocol import (
    Command,
    CommandReply,
    Describe,
    DescribeReply,
    File,
    Forget,
    ForgetReply,
    LibraryConstants,
    Mentions,
    MentionsReply,
    PremisesReply,
    Reply,
    Request,
    Tactics,
    TacticsReply,
)


class Session(Protocol):
    """A conversation with one Lean process at a time.

    `generation` grows as soon as a process is lost: ids of environments and proof states from an earlier generation
    mean nothing any more.
    """

    @property
    def generation(self) -> int:
        """The number, from 1, of the process that the next request goes to."""
        ...

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        """Send a request and wait for its reply, at most `timeout` seconds.

        Raises:
            SessionError: the process died, hung or talked nonsense. It was killed; the next request starts another.
            RequestRefused: Lean refused this request; the session is fine.
        """
        ...

    async def close(self) -> None:
        """End the process. Closing twice is fine."""
        ...


@runtime_checkable
class Recyclable(Protocol):
    """A session whose process can be replaced when it has grown."""

    async def recycle_if_grown(self) -> bool:
        """Replace the process if it has grown beyond its limit; true when it was. For between pieces of work."""
        ...


@overload
async def ask(session: Session, request: Command | File, *, timeout: float) -> CommandReply: ...
@overload
async def ask(session: Session, request: Tactics, *, timeout: float) -> TacticsReply: ...
@overload
async def ask(session: Session, request: Describe, *, timeout: float) -> DescribeReply: ...
@overload
async def ask(session: Session, request: Forget, *, timeout: float) -> ForgetReply: ...
@overload
async def ask(session: Session, request: Mentions, *, timeout: float) -> MentionsReply: ...
@overload
async def ask(session: Session, request: LibraryConstants, *, timeout: float) -> PremisesReply: ...
async def ask(session: Session, request: Request, *, timeout: float) -> Reply:
    """`session.exchange` with the reply's type known to the type checker.

    Raises:
        SessionError, RequestRefused: as `exchange` does.
        MalformedReply: the session answered with another request's kind of reply.
    """
    reply = await session.exchange(request, timeout=timeout)
    expected = {
        Command: CommandReply,
        File: CommandReply,
        Tactics: TacticsReply,
        Describe: DescribeReply,
        Forget: ForgetReply,
        Mentions: MentionsReply,
        LibraryConstants: PremisesReply,
    }[type(request)]
    if not isinstance(reply, expected):
        raise MalformedReply(f"{type(reply).__name__} in answer to {type(request).__name__}")
    return reply
