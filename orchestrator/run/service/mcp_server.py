"""The service as an MCP server: tools, resources and prompts for coding agents, each a line over `ProofService`."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Annotated, Any, ParamSpec, Protocol, TypeVar

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp_types import ToolAnnotations
from pydantic import Field
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestrator import __version__
from orchestrator.errors import OrchestratorError
from orchestrator.run.service.answers import (
    BlueprintAnswer,
    FoundPremise,
    GoalDetails,
    GoalList,
    RefutationAnswer,
    TacticAnswer,
    TicketEntry,
    VerdictAnswer,
)
from orchestrator.run.service.opening import Results
from orchestrator.run.service.service import OpenService
from orchestrator.text import one_line

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

INSTRUCTIONS = """\
Open goals (`sorry`s) of a Lean 4 repository. list_goals, then goal for one of them; try_tactics tells at once what a
script does on its state, refute looks for a counterexample, search_premises for theorems. submit_proof hands a proof
in: the gate judges it from scratch, and what passes is in the next patch. Lemmas that others miss are tickets:
list_tickets, claim_ticket, prove, complete_ticket. Nothing here writes to the repository; the first answer may take
some minutes, while Lean reads it."""

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_KEEPS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)

GoalId = Annotated[str, Field(description="A goal's id, or the full name of a declaration with one sorry")]
Proof = Annotated[str, Field(description="Tactics, `by …`, or the whole theorem with its proof")]
TicketId = Annotated[str, Field(description="A ticket's id, as list_tickets says it")]
AgentName = Annotated[str, Field(description="Your name, where several like you work here; the same each time")]
Seconds = Annotated[float, Field(gt=0, le=120, description="Seconds for all of it")]


class Access(Protocol):
    """Who may call, by the token that a request carries."""

    def allows(self, token: str) -> bool:
        """Whether a token is one of ours."""

    def client(self, token: str) -> str:
        """Whose token it is; "" when clients say so themselves. Raises BusyError: it is used up."""


class OneToken:
    """Everybody has the same token; "" for no token at all, as on standard input and output."""

    def __init__(self, token: str) -> None:
        self._token = token

    def allows(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())

    def client(self, token: str) -> str:
        return ""


def make_mcp_server(open_service: OpenService, results: Results, access: Access) -> MCPServer[Any]:
    """The server, over whatever transport; `results` are what it shows of earlier runs."""
    server: MCPServer[Any] = MCPServer("lean-orchestrator", instructions=INSTRUCTIONS, version=__version__,
                                       log_level="ERROR")  # fmt: skip
    _add_tools(server, open_service, access)
    _add_resources(server, open_service, results)
    _add_prompts(server, open_service)
    return server


def _add_tools(server: MCPServer[Any], open_service: OpenService, access: Access) -> None:
    def client(ctx: Context, agent: str = "") -> str:
        bearer = _token(ctx.headers.get("authorization", "")) if ctx.headers else ""
        if owner := access.client(bearer):
            return owner
        known = ctx.session.client_params
        name = known.client_info.name if known is not None else "agent"
        # Two sessions of one program are two clients.
        session = (ctx.headers or {}).get("mcp-session-id", "")
        own = agent or (hashlib.sha256(session.encode()).hexdigest()[:6] if session else "")
        return one_line(f"{name}/{own}" if own else name)[:100]

    def tool(annotations: ToolAnnotations) -> Callable[[Callable[Given, Awaitable[Answer]]], None]:
        def add(work: Callable[Given, Awaitable[Answer]]) -> None:
            server.tool(annotations=annotations)(_explained(work, ToolError))

        return add

    @tool(_READS)
    async def list_goals(
        ctx: Context,
        text: Annotated[str, Field(description="Part of a name, a file or a target")] = "",
        status: Annotated[str, Field(description="Such as open, not_tried, solved, looks_false; none for all")] = "",
        offset: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=500)] = 50,
    ) -> GoalList:
        """List the repository's goals, the ones that look easiest first."""
        client(ctx)
        return await (await open_service()).list_goals(text, status, offset, limit)

    @tool(_READS)
    async def goal(ctx: Context, goal_id: GoalId) -> GoalDetails:
        """Show a goal: its state, the source around it, premises, failed attempts, its blueprint node and tickets."""
        client(ctx)
        return await (await open_service()).goal(goal_id)

    @tool(_READS)
    async def try_tactics(
        ctx: Context,
        goal_id: GoalId,
        scripts: Annotated[list[str], Field(description="Tactic scripts; each is tried on the goal from the start")],
        seconds: Seconds = 30.0,
    ) -> tuple[TacticAnswer, ...]:
        """Try tactic scripts on a goal: what each leaves open, Lean's errors and suggestions, and the time it took."""
        return await (await open_service()).try_tactics(goal_id, scripts, client(ctx), seconds)

    @tool(_READS)
    async def search_premises(
        ctx: Context,
        query: Annotated[str, Field(max_length=20_000, description="A state, a statement, or names")],
        goal_id: Annotated[str, Field(description="The goal that it is for, so that it sees the project's own")] = "",
        count: Annotated[int, Field(ge=1, le=100)] = 16,
    ) -> tuple[FoundPremise, ...]:
        """Search theorems that may help, of Lean's library and of the project."""
        client(ctx)
        return await (await open_service()).search_premises(query, goal_id, count)

    @tool(_READS)
    async def refute(ctx: Context, goal_id: GoalId, seconds: Seconds = 10.0) -> RefutationAnswer:
        """Look for small values for which a goal is false; Lean's kernel has checked those that are answered."""
        return await (await open_service()).refute(goal_id, client(ctx), seconds)

    @tool(_READS)
    async def verify(
        ctx: Context,
        goal_id: Annotated[str, Field(description="The goal that `proof` proves; none for a patch")] = "",
        proof: Annotated[str, Field(description="A proof of that goal; none for a patch")] = "",
        patch: Annotated[str, Field(description="A git diff; `Helper-lemma: NAME` in front of it names lemmas")] = "",
    ) -> VerdictAnswer:
        """Ask the gate for its verdict on a proof or on a patch; nothing is kept."""
        return await (await open_service()).verify(client(ctx), goal_id=goal_id, proof=proof, patch=patch)

    @tool(_KEEPS)
    async def submit_proof(ctx: Context, goal_id: GoalId, proof: Proof, agent: AgentName = "") -> VerdictAnswer:
        """Hand a proof in. The gate judges it from scratch; what passes is in the next patch."""
        return await (await open_service()).submit_proof(goal_id, proof, client(ctx, agent))

    @tool(_READS)
    async def list_tickets(
        ctx: Context,
        status: Annotated[
            str, Field(description="open, claimed, completed, cancelled or rejected; none for all")
        ] = "open",
        limit: Annotated[int, Field(ge=1, le=500)] = 50,
    ) -> tuple[TicketEntry, ...]:
        """List the lemmas that goals are waiting for, the most urgent first."""
        client(ctx)
        return await (await open_service()).list_tickets(status, limit)

    @tool(_KEEPS)
    async def claim_ticket(ctx: Context, ticket_id: TicketId, agent: AgentName = "") -> TicketEntry:
        """Take a ticket, so that nobody else works on it for a quarter of an hour; claim it again for more time."""
        return await (await open_service()).claim_ticket(ticket_id, client(ctx, agent))

    @tool(_KEEPS)
    async def complete_ticket(ctx: Context, ticket_id: TicketId, proof: Proof, agent: AgentName = "") -> TicketEntry:
        """Hand in a proof of a ticket you have claimed; if the gate refuses it, the ticket is open again."""
        return await (await open_service()).complete_ticket(ticket_id, proof, client(ctx, agent))

    @tool(_KEEPS)
    async def request_lemma(
        ctx: Context,
        statement: Annotated[str, Field(max_length=20_000, description="A proposition, or a goal with ⊢")],
        goal_id: Annotated[str, Field(description="The goal that needs it: the lemma stands in front of it")] = "",
        name: Annotated[str, Field(max_length=200, description="Full name for the lemma")] = "",
        agent: AgentName = "",
    ) -> TicketEntry:
        """Ask for a lemma: others may prove it. Lean elaborates the statement first, and refutes it where it can."""
        return await (await open_service()).request_lemma(statement, client(ctx, agent), goal_id, name)

    @tool(_READS)
    async def blueprint_status(ctx: Context) -> BlueprintAnswer:
        """Say what of the blueprint is not done, and which nodes can be begun now."""
        client(ctx)
        return await (await open_service()).blueprint_status()


def _add_resources(server: MCPServer[Any], open_service: OpenService, results: Results) -> None:
    async def source(path: str) -> str:
        """A Lean file of the project, at the commit that is served."""
        return await (await open_service()).source(path)

    async def files() -> str:
        """The project's Lean files, a path a line."""
        return "\n".join(module.path for module in (await open_service()).run.project.modules)

    async def newest(name: str) -> str:
        """A file of the newest results: report.md or summary.json."""
        return results.newest(name)

    for uri, read in (("lean://source/{+path}", source), ("lean://files", files), ("lean://results/{name}", newest)):
        server.resource(uri, mime_type="text/plain")(_explained(read, ResourceError))


def _add_prompts(server: MCPServer[Any], open_service: OpenService) -> None:
    @server.prompt(title="Close this goal")
    async def close_goal(goal_id: str) -> str:
        """Prove one goal and hand the proof in."""
        try:
            return await (await open_service()).task(goal_id)
        except OrchestratorError as error:
            raise ValueError(str(error)) from error

    @server.prompt(title="Formalise the next node")
    async def formalise_next_node() -> str:
        """State, in Lean, the blueprint's node that most others wait for, or prove it."""
        try:
            told = await (await open_service()).blueprint_status()
        except OrchestratorError as error:
            raise ValueError(str(error)) from error
        nodes = told.ready or tuple(node for node in told.not_done if node.statement != "formalised")
        lines = "\n".join(
            f"- {node.key} ({node.where}), {node.statement}, {node.proof}; {node.waiting} nodes wait for it; "
            f"uses {', '.join(node.uses) or 'nothing'}; Lean: {', '.join(node.declarations) or 'nothing yet'}"
            for node in nodes[:10]
        )
        return (
            f"These nodes of the blueprint are next:\n{lines or '- none: every node is done'}\n\n"
            "Take the first. Read its text in the blueprint's file. If its declaration is in Lean, find its goal with "
            "list_goals and prove it. If not, write the statement in the file where what it uses is declared, with "
            "`sorry` for its proof, and show it to whoever asked you: this server writes to no file."
        )


class TokenNeeded:
    """Lets requests through that carry a token of `access`."""

    def __init__(self, application: ASGIApp, access: Access) -> None:
        self._application, self._access = application, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._access.allows(_token(Headers(scope=scope).get("authorization", ""))):
            words = {"error": "Send the token: Authorization: Bearer … (`orchestrator mcp --http` prints it)"}
            answer = JSONResponse(words, status_code=401, headers={"WWW-Authenticate": "Bearer"})
            await answer(scope, receive, send)
            return
        await self._application(scope, receive, send)


def _token(authorization: str) -> str:
    scheme, _, word = authorization.partition(" ")
    return word.strip() if scheme.lower() == "bearer" else ""


def _explained(work: Callable[Given, Awaitable[Answer]], kind: type[Exception]) -> Callable[Given, Awaitable[Answer]]:
    """What goes wrong is told to the model, with what to do next."""

    @wraps(work)
    async def explained(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        try:
            return await work(*args, **kwargs)
        except OrchestratorError as error:
            raise kind(str(error)) from error

    return explained
