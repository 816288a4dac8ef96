"""The JSON endpoints. Reading is free; writing takes the token as `Authorization: Bearer …`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field

from orchestrator import __version__
from orchestrator.dashboard.live import Hub
from orchestrator.dashboard.security import WriteAccess
from orchestrator.dashboard.site import Site
from orchestrator.dashboard.tickets import Answer
from orchestrator.errors import BusyError, LeanError, OrchestratorError, PatchError, RepositoryError
from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.records import RunRecord
from orchestrator.ledger.summaries import GoalFilter, GoalPage, GoalSort, LedgerStatistics
from orchestrator.ledger.ticket_records import Ticket, TicketStatus
from orchestrator.run.service.answers import TacticAnswer, VerdictAnswer
from orchestrator.run.service.service import LONGEST_TEXT, MOST_SECONDS, MOST_TACTICS

STATS_TOPIC = "/api/stats"
"""The topic of `/api/events`: the ledger at a glance, as JSON."""


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class HealthAnswer(_Shape):
    """Whether the dashboard can do its work."""

    status: str = Field(examples=["ok"])
    version: str
    ledger: str = Field(description="Whether the ledger can be read: ok, or why not")
    clients: int = Field(description="How many open pages are being kept up to date")


class MarketplaceAnswer(_Shape):
    """The marketplace: how many tickets stand where, how many wait or were served, and the most urgent tickets."""

    counts: Mapping[TicketStatus, int]
    waiting: int
    served: int
    tickets: tuple[Ticket, ...]


class SupplierAction(_Shape):
    """Who claims or gives back a ticket."""

    supplier: str = Field(min_length=1, max_length=100)


class ProofAction(SupplierAction):
    """A proof that is handed in."""

    proof: str = Field(min_length=1, max_length=500_000)


class LeanAction(_Shape):
    """Who asks Lean something, and of which repository."""

    repo: str = Field(default="", max_length=1000, description="As the ledger names it; none where it knows one alone")
    client: str = Field(default="", max_length=100, description="Who asks; its address unless given")


class VerifyAction(LeanAction):
    """A patch, or a goal and a proof of it."""

    patch: str = Field(default="", max_length=LONGEST_TEXT, description="A diff as git writes it")
    goal: str = Field(default="", max_length=1000, description="A goal's id, or the name of its declaration")
    proof: str = Field(default="", max_length=LONGEST_TEXT, description="Tactics, `by …`, or the whole theorem")


Script = Annotated[str, Field(max_length=LONGEST_TEXT)]


class TryAction(LeanAction):
    """Tactic scripts, each of which is tried on a goal from the start."""

    scripts: list[Script] = Field(min_length=1, max_length=MOST_TACTICS)
    seconds: float = Field(default=30.0, gt=0, le=MOST_SECONDS, description="For all of them")


def stats_json(site: Site) -> str:
    """What `/api/stats` answers, as one line."""
    return site.ledger.statistics().model_dump_json()


def make_api(site: Site, hub: Hub, access: WriteAccess) -> APIRouter:
    """The endpoints under `/api`."""
    api = APIRouter(prefix="/api", tags=["api"])

    @api.get("/stats")
    def stats() -> LedgerStatistics:
        """The ledger at a glance."""
        return site.ledger.statistics()

    @api.get("/marketplace")
    def marketplace(
        status: TicketStatus | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> MarketplaceAnswer:
        """Tickets, the most urgent first."""
        counts = site.ledger.ticket_counts()
        return MarketplaceAnswer(
            counts=counts.by_status,
            waiting=counts.waiting,
            served=counts.used,
            tickets=site.ledger.tickets(status=status, limit=limit),
        )

    @api.get("/health", responses={503: {"model": HealthAnswer}})
    def health(response: Response) -> HealthAnswer:
        """Whether the ledger can be read."""
        words = "ok"
        try:
            site.ledger.runs(limit=1)
        except OrchestratorError as error:
            words = type(error).__name__
            response.status_code = 503
        status = "ok" if words == "ok" else "failing"
        return HealthAnswer(status=status, version=__version__, ledger=words, clients=hub.clients)

    @api.get("/goals")
    def goals(
        status: GoalStatus | None = None,
        repo: str | None = None,
        q: Annotated[str, Query(max_length=200, description="Part of a name, file or statement")] = "",
        sort: GoalSort = GoalSort.WHERE,
        descending: bool = False,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> GoalPage:
        """Goals, filtered and sorted."""
        wanted = GoalFilter(repo=repo, status=status, text=q, sort=sort, descending=descending)
        return site.ledger.goal_page(wanted, offset=offset, limit=limit)

    @api.get("/runs")
    def runs(limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> tuple[RunRecord, ...]:
        """Runs, the newest first."""
        return site.ledger.runs(limit=limit)

    @api.get("/events", response_class=EventSourceResponse)
    async def events() -> AsyncIterator[ServerSentEvent]:
        """What `/api/stats` answers, now and whenever the ledger changes, as server-sent events called `stats`."""
        async for text in hub.follow((STATS_TOPIC, ())):
            yield ServerSentEvent(raw_data=text, event="stats")

    def with_token(request: Request) -> None:
        if not access.open:
            raise HTTPException(403, "This dashboard was started without a token, so it is read-only.")
        if not access.bearer(request.headers.get("authorization", "")):
            raise HTTPException(401, "Send the token: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})

    def known(ticket_id: str) -> None:
        if site.ledger.ticket(ticket_id) is None:
            raise HTTPException(404, "There is no such ticket.")

    writes: dict[str, Any] = {
        "dependencies": [Depends(with_token), Depends(known)],
        "responses": {
            401: {"description": "No token, or a wrong one"},
            403: {"description": "The dashboard is read-only"},
            404: {"description": "No such ticket"},
            409: {"description": "Refused, and why"},
        },
    }

    @api.post("/marketplace/{ticket_id}/claim", **writes)
    async def claim(ticket_id: str, action: SupplierAction) -> Answer:
        """Take a ticket."""
        return _done(await site.board.claim(ticket_id, action.supplier))

    @api.post("/marketplace/{ticket_id}/release", **writes)
    async def release(ticket_id: str, action: SupplierAction) -> Answer:
        """Release a claimed ticket."""
        return _done(await site.board.release(ticket_id, action.supplier))

    @api.post("/marketplace/{ticket_id}/complete", **writes)
    async def complete(ticket_id: str, action: ProofAction) -> Answer:
        """Hand in a proof, which is verified."""
        return _done(await site.board.complete(ticket_id, action.proof, action.supplier))

    def client(request: Request, action: LeanAction) -> str:
        address = request.client.host if request.client is not None else "somebody"
        return f"{action.client} at {address}" if action.client else address

    lean: dict[str, Any] = {
        "dependencies": [Depends(with_token)],
        "responses": {
            401: {"description": "No token, or a wrong one"},
            403: {"description": "The dashboard is read-only"},
            404: {"description": "No such repository or goal, or it cannot be opened; and what to do"},
            409: {"description": "Nothing that can be judged, and why"},
            429: {"description": "Too much waits already, of this client or of all"},
            503: {"description": "No Lean can be used, or it broke: ask again"},
        },
    }

    @api.post("/verify", **lean)
    async def verify(action: VerifyAction, request: Request) -> VerdictAnswer:
        """Ask the gate for its verdict on a patch, or on a proof of a goal; nothing is kept."""
        with _as_responses():
            async with site.services.of(action.repo) as service:
                asked = client(request, action)
                return await service.verify(asked, goal_id=action.goal, proof=action.proof, patch=action.patch)

    @api.post("/goals/{goal_id}/try", **lean)
    async def try_goal(goal_id: str, action: TryAction, request: Request) -> tuple[TacticAnswer, ...]:
        """Try tactic scripts on a goal: what each leaves open, Lean's errors and suggestions, and the time it took."""
        with _as_responses():
            async with site.services.of(action.repo) as service:
                return await service.try_tactics(goal_id, action.scripts, client(request, action), action.seconds)

    return api


@contextmanager
def _as_responses() -> Iterator[None]:
    """What goes wrong is an answer with what to do next."""
    try:
        yield
    except BusyError as error:
        raise HTTPException(429, str(error), {"Retry-After": "10"}) from error
    except RepositoryError as error:
        raise HTTPException(404, str(error)) from error
    except PatchError as error:
        raise HTTPException(409, str(error)) from error
    except LeanError as error:
        raise HTTPException(503, str(error)) from error


def _done(answer: Answer) -> Answer:
    if not answer.done:
        raise HTTPException(409, answer.words)
    return answer
