"""The lemma marketplace at the command line: people ask for lemmas, claim them, and hand in proofs."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import App, Parameter

from orchestrator.cli.output import AsJson, Out, Reference, Seconds, absolute, open_ledger, print_json, shown_origin
from orchestrator.cli.output import Repository as RunRepository
from orchestrator.cli.tables import HEAD, RIGHT, TAIL, WHOLE, table
from orchestrator.cli.terminal import make_console, say, tell
from orchestrator.config import load_settings
from orchestrator.errors import MarketplaceError
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import Ticket, TicketLocation, TicketRequester, TicketStatus
from orchestrator.marketplace.marketplace import LEASE_SECONDS, Similar

if TYPE_CHECKING:
    from orchestrator.marketplace.of_repository import RepositoryMarket

Done = TypeVar("Done")
market_app = App(name="market", help="The lemma marketplace: lemmas asked for, claimed, supplied.")

TicketId = Annotated[str, Parameter(help="A ticket's id, or enough of its beginning.")]
Who = Annotated[str, Parameter(name="--as", help="Your name; your login name unless given.")]
Repository = Annotated[str, Parameter(name="--repo", help="Folder or URL of a git repository; none for imports alone.")]
Module = Annotated[str, Parameter(help="Module that the lemma is for.")]
Before = Annotated[str, Parameter(help="Declaration with a sorry, in front of which the lemma will stand.")]
Opens = Annotated[tuple[str, ...], Parameter(name="--open", help="Namespace to open.", negative="")]
Imports = Annotated[tuple[str, ...], Parameter(name="--import", help="Module to import.", negative="")]

_STYLES = {
    TicketStatus.OPEN: "cyan",
    TicketStatus.CLAIMED: "yellow",
    TicketStatus.COMPLETED: "green",
    TicketStatus.CANCELLED: "dim",
    TicketStatus.REJECTED: "red",
}


@market_app.command(name="list")
def list_tickets(
    *,
    status: Annotated[TicketStatus | None, Parameter(help="Only these.")] = None,
    repo: Annotated[str | None, Parameter(help="Only of this repository, as a run names it.")] = None,
    text: Annotated[str | None, Parameter(help="Only with this text in the statement or the name.")] = None,
    limit: Annotated[int, Parameter(help="How many at most.")] = 50,
    json_: AsJson = False,
) -> int:
    """List tickets, the most urgent first."""
    with open_ledger() as ledger:
        found = ledger.tickets(status=status, repo=shown_origin(repo), text=text, limit=limit)
        counts = ledger.ticket_counts(repo=shown_origin(repo))
    if json_:
        by_status = {kind.value: number for kind, number in counts.by_status.items()}
        print_json({"tickets": found, "counts": by_status, "waiting": counts.waiting})
        return 0
    console = make_console()
    if found:
        columns = {"id": WHOLE, "status": WHOLE, "waiting": RIGHT, "lemma": TAIL, "statement": HEAD, "supplier": HEAD}
        console.print(table(columns, map(_row, found)))
    words = ", ".join(f"{number} {kind.value}" for kind, number in counts.by_status.items() if number)
    tell(console, f"{words or 'No tickets'}; {counts.waiting} waiting, {counts.used} served")
    return 0


@market_app.command
def show(ticket: TicketId, *, json_: AsJson = False) -> int:
    """Show a ticket: its statement, its proof, who waits for it, and its history."""
    with open_ledger() as ledger:
        found = _find(ledger, ticket)
        waits = ledger.ticket_requesters(found.ticket_id)
        history = ledger.ticket_history(found.ticket_id)
    if json_:
        print_json({**found.model_dump(), "requesters": waits, "history": history})
        return 0
    console = make_console()
    _tell(found)
    if found.completed_proof:
        tell(console, f"\n{found.completed_proof}")
    console.print()
    for wait in waits:
        say(console, "dim", wait.status.value, f"{wait.requester} {wait.declaration}".rstrip())
    for event in history:
        when = event.timestamp.strftime("%Y-%m-%d %H:%M:%S")
        say(console, "dim", when, f"{event.kind.value} {event.who} {event.detail}".rstrip())
    return 0


@market_app.command
def request(
    goal: Annotated[str, Parameter(help="A proposition, or a goal with hypotheses and ⊢.")],
    *,
    repo: Repository = "",
    module: Module = "",
    before: Before = "",
    open_: Opens = (),
    import_: Imports = (),
    name: Annotated[str, Parameter(help="Full name for the lemma.")] = "",
    constraint: Annotated[tuple[str, ...], Parameter(help="A wish to suppliers; may be repeated.", negative="")] = (),
    priority: Annotated[float, Parameter(help="0 to 1.")] = 0.5,
    who: Who = "",
    json_: AsJson = False,
) -> int:
    """Ask for a lemma. Lean elaborates the statement; one that it does not accept is refused and not kept."""
    location = TicketLocation(module=module, declaration=before, opens=open_, imports=import_)

    async def work(market: RepositoryMarket) -> Ticket:
        asked = TicketRequester(requester=_me(who))
        ticket_id = await market.market.request_lemma(
            goal, market.located(location), name, constraint, priority, requester=asked
        )
        return await market.market.get_ticket(ticket_id)

    return _tell(asyncio.run(_with_lean(repo, json_, work)), json_)


@market_app.command
def claim(
    ticket: TicketId,
    *,
    lease: Annotated[float, Parameter(help="Minutes that it is yours.")] = LEASE_SECONDS / 60,
    who: Who = "",
    json_: AsJson = False,
) -> int:
    """Take a ticket, so that nobody else works on it until the time is up. Exit code 8 when somebody else has it."""
    with open_ledger() as ledger:
        found = _find(ledger, ticket)
        if not ledger.claim_ticket(found.ticket_id, _me(who), lease_seconds=60 * lease):
            now = _find(ledger, found.ticket_id)
            owner = f" by {now.supplier}" if now.supplier else ""
            raise MarketplaceError(f"the ticket is {now.status.value}{owner}", where=f"ticket {now.ticket_id}")
        return _tell(_find(ledger, found.ticket_id), json_)


@market_app.command
def release(
    ticket: TicketId,
    *,
    reason: Annotated[str, Parameter(help="Why, for the history.")] = "",
    who: Who = "",
    json_: AsJson = False,
) -> int:
    """Give a claim back. Exit code 8 when it is not yours."""
    with open_ledger() as ledger:
        found = _find(ledger, ticket)
        if not ledger.release_ticket(found.ticket_id, _me(who), reason=reason):
            raise MarketplaceError(f"{_me(who)} has not claimed the ticket", where=f"ticket {found.ticket_id}")
        return _tell(_find(ledger, found.ticket_id), json_)


@market_app.command
def complete(
    ticket: TicketId,
    proof: Annotated[
        str, Parameter(help="A file with the theorem or its tactics; - for standard input.", allow_leading_hyphen=True)
    ],
    *,
    who: Who = "",
    json_: AsJson = False,
) -> int:
    """Hand in a proof of a ticket you have claimed. The gate looks at it; exit code 8 when it is refused."""
    try:
        text = sys.stdin.read() if proof == "-" else Path(proof).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MarketplaceError(f"the proof cannot be read: {error}", where=proof) from error
    with open_ledger() as ledger:
        found = _find(ledger, ticket)

    async def work(market: RepositoryMarket) -> Ticket:
        return await market.market.complete_ticket(found.ticket_id, text, _me(who))

    return _tell(asyncio.run(_with_lean(found.repo, json_, work)), json_)


@market_app.command
def cancel(
    ticket: TicketId,
    *,
    reason: Annotated[str, Parameter(help="Why, for the history.")] = "no longer needed",
    reject: Annotated[bool, Parameter(negative="", help="For good: asking again does not reopen it.")] = False,
    who: Who = "",
    json_: AsJson = False,
) -> int:
    """Close a ticket that nobody needs. Exit code 8 when it is completed or closed already."""
    status = TicketStatus.REJECTED if reject else TicketStatus.CANCELLED
    with open_ledger() as ledger:
        found = _find(ledger, ticket)
        if not ledger.close_ticket(found.ticket_id, status, reason=reason, who=_me(who)):
            raise MarketplaceError(f"the ticket is {found.status.value}", where=f"ticket {found.ticket_id}")
        return _tell(_find(ledger, found.ticket_id), json_)


@market_app.command
def supply(
    repo: RunRepository,
    *,
    ref: Reference = "HEAD",
    out: Out = Path("out/supply"),
    timeout: Seconds = None,
    json_: AsJson = False,
) -> int:
    """Let every strategy work on the open tickets of a repository, and close the goals that wait for them."""
    from orchestrator.cli.prefect_server import load_flow, run_flow
    from orchestrator.cli.runs import check_first, finish, shown_run

    settings = load_settings(timeout=timeout)
    folder = absolute(out)
    check_first({"repo": repo, "ref": ref, "out": str(folder)}, settings)
    console = make_console(stderr=json_)
    with shown_run(console, settings.paths) as server:
        options = {"profile": int(settings.profile), "budget_seconds": timeout, "out": str(folder)}
        summary = run_flow(server, load_flow("supply"), repo, ref, **options)
    return finish(console, repo, summary, folder, as_json=json_)


@market_app.command
def search(
    goal: Annotated[str, Parameter(help="A proposition, or a goal with hypotheses and ⊢.")],
    *,
    repo: Repository = "",
    module: Module = "",
    before: Before = "",
    open_: Opens = (),
    import_: Imports = (),
    limit: Annotated[int, Parameter(help="How many at most.")] = 5,
    json_: AsJson = False,
) -> int:
    """Find tickets like a statement: the same one, a variant, a lemma that closes it in Lean, or common words."""
    location = TicketLocation(module=module, declaration=before, opens=open_, imports=import_)

    async def work(market: RepositoryMarket) -> list[Similar]:
        return await market.market.search_similar(goal, limit, context=market.located(location))

    found = asyncio.run(_with_lean(repo, json_, work))
    if json_:
        print_json([{"how": s.how, "score": s.score, "by": s.by, **s.ticket.model_dump()} for s in found])
        return 0
    console = make_console()
    for similar in found:
        by = f" by {similar.by}" if similar.by else f" {similar.score:.2f}" if similar.how.value == "words" else ""
        say(console, "bold", f"{similar.how.value}{by}", f"{similar.ticket_id} {similar.status.value}")
        say(console, "dim", "   ", f"{similar.ticket.name} {similar.ticket.signature}")
    if not found:
        tell(console, "Nothing like it")
    return 0


async def _with_lean(repo: str, quiet: bool, work: Callable[[RepositoryMarket], Awaitable[Done]]) -> Done:
    from orchestrator.marketplace.of_repository import open_market

    settings = load_settings()
    console = make_console(stderr=quiet)
    with open_ledger() as ledger, console.status("asking Lean"):
        async with open_market(repo, ledger, settings, settings.paths) as market:
            return await work(market)


def _find(ledger: Ledger, ticket: str) -> Ticket:
    """The ticket of an id or of its beginning. Raises MarketplaceError: none, or several."""
    found = ledger.ticket(ticket)
    if found is not None:
        return found
    like = [other for other in ledger.tickets() if other.ticket_id.startswith(ticket)] if len(ticket) >= 3 else []
    if len(like) == 1:
        return like[0]
    what = f"{len(like)} tickets begin with {ticket}" if like else f"there is no ticket {ticket}"
    raise MarketplaceError(what, hint="`orchestrator market list` lists them all")


def _me(who: str) -> str:
    return who or getpass.getuser()


def _tell(ticket: Ticket, as_json: bool = False) -> int:
    if as_json:
        print_json(ticket)
        return 0
    console = make_console()
    say(console, _STYLES[ticket.status], ticket.status.value, f"{ticket.name} ({ticket.ticket_id})")
    for label, value in _facts(ticket):
        say(console, "bold", f"{label}:", value)
    return 0


def _facts(ticket: Ticket) -> Sequence[tuple[str, str]]:
    location = ticket.location
    where = f"before {location.declaration} in {location.file}" if location.declaration else location.file
    lease = f"{ticket.supplier} until {ticket.lease_until:%Y-%m-%d %H:%M:%S}" if ticket.lease_until else ""
    facts = (
        ("statement", ticket.signature.removeprefix(": ")),
        ("location", where),
        ("repository", ticket.repo),
        ("constraints", ", ".join(ticket.constraints)),
        ("labels", ", ".join(ticket.labels)),
        ("priority", f"{ticket.priority:g}, {ticket.waiting} waiting"),
        ("claimed by", lease if ticket.status is TicketStatus.CLAIMED else ""),
        ("supplied by", ticket.supplier if ticket.status is TicketStatus.COMPLETED else ""),
        ("reason", ticket.reason),
    )
    return [(label, value) for label, value in facts if value]


def _row(ticket: Ticket) -> tuple[str | tuple[str, str], ...]:
    status = (ticket.status.value, _STYLES[ticket.status])
    statement = ticket.signature.removeprefix(": ")
    return (ticket.ticket_id, status, str(ticket.waiting), ticket.name, statement, ticket.supplier)
