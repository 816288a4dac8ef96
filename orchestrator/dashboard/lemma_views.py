"""What the pages on lemmas show: the blueprint's graph, the marketplace and its tickets, the search for premises."""

from __future__ import annotations

from functools import lru_cache

from orchestrator.blueprint.graph import DependencyGraph
from orchestrator.dashboard.site import Site
from orchestrator.dashboard.views import Parameters, Values, member, page
from orchestrator.ledger.records import BlueprintNode, BlueprintRecord, NodeState
from orchestrator.ledger.ticket_records import TicketStatus
from orchestrator.source.highlight import goal_layout

TICKETS = 200
EVENTS = 30


@page("/blueprint", "Blueprint")
def blueprint(site: Site, given: Parameters) -> Values:
    """The dependency graph of a blueprint."""
    found = site.ledger.blueprints()
    repo = given.get("repo")
    chosen = next((one for one in found if not repo or one.repo == repo), None)
    if chosen is None:
        return {"blueprints": (), "chosen": None}
    used_by: dict[str, list[str]] = {}
    for node in chosen.nodes:
        for key in node.uses:
            used_by.setdefault(key, []).append(node.key)
    declarations = [name for node in chosen.nodes for name in node.declarations]
    ready = (node for node in chosen.nodes if node.state is NodeState.READY)
    return {
        "blueprints": found,
        "chosen": chosen,
        "graph": graph_of(chosen),
        "titles": {node.key: node.title or node.key for node in chosen.nodes},
        "used_by": used_by,
        "counts": {state: sum(node.state is state for node in chosen.nodes) for state in NodeState},
        "ready": sorted(ready, key=lambda node: (-node.unblocks, node.key)),
        "goal_ids": site.ledger.goals_of_declarations(chosen.repo, declarations),
        "tables": {"nodes": chosen.nodes},
    }


def graph_of(blueprint: BlueprintRecord) -> Values:
    """What the page draws: nodes, and of the edges those that no longer way implies."""
    reduced = reduced_uses(tuple((node.key, node.uses) for node in blueprint.nodes))
    return {
        "nodes": [_drawn(node) for node in blueprint.nodes],
        "edges": [
            {"from": below, "to": node.key, "dashed": below in node.statement_uses}
            for node in blueprint.nodes
            for below in reduced.uses[node.key]
        ],
    }


def _drawn(node: BlueprintNode) -> Values:
    signs = ("✗ " if node.refuted else "") + ("⚠ " if node.false_marks else "")
    conditional = " conditional" if node.state is NodeState.CONDITIONAL else ""
    return {
        "key": node.key,
        "label": signs + (node.title or node.key),
        "box": node.kind == "definition",
        "look": f"s-{node.statement.value} p-{node.proof.value}{conditional}{' wrong' if signs else ''}",
    }


@lru_cache(maxsize=16)
def reduced_uses(shape: tuple[tuple[str, tuple[str, ...]], ...]) -> DependencyGraph:
    """A graph without its implied edges; remembered, since marks change more often than graphs do."""
    known = {key for key, _ in shape}
    return DependencyGraph({key: tuple(used for used in uses if used in known) for key, uses in shape}).reduced()


@page("/marketplace", "Marketplace", "status")
def marketplace(site: Site, given: Parameters) -> Values:
    """The tickets."""
    ledger, repo = site.ledger, given.get("repo") or None
    status = member(TicketStatus, given.get("status"))
    tickets = ledger.tickets(status=status, repo=repo, limit=TICKETS)
    events = ledger.ticket_history(limit=EVENTS)
    named = (ledger.ticket(ticket_id) for ticket_id in {event.ticket_id for event in events})
    names = {one.ticket_id: one.name or one.ticket_id for one in named if one and repo in (None, one.repo)}
    history = [event for event in events if event.ticket_id in names]
    return {
        "counts": ledger.ticket_counts(repo=repo),
        "status_shown": status,
        "tickets": tickets,
        "most": TICKETS,
        "history": history,
        "names": names,
        "tables": {"tickets": tickets, "history": history},
    }


@page("/ticket", "Ticket", "id")
def ticket(site: Site, given: Parameters) -> Values | None:
    """One ticket."""
    ledger = site.ledger
    found = ledger.ticket(given.get("id", ""))
    if found is None:
        return None
    history = ledger.ticket_history(found.ticket_id, limit=500)
    return {
        "title": found.name or found.ticket_id,
        "ticket": found,
        "layout": goal_layout(found.goal_text) if found.goal_text else None,
        "requesters": ledger.ticket_requesters(found.ticket_id),
        "history": history,
        "premises": [lemma for lemma in map(ledger.ticket, found.premises) if lemma is not None],
        "tables": {"history": history},
    }


@page("/premises", "Premises", "q", live=False)
def premises(site: Site, given: Parameters) -> Values:
    """Search for premises."""
    query = given.get("q", "").strip()[:2000]
    hits = site.search.find(query, 30) if query else ()
    return {"query": query, "hits": hits, "words": site.search.words, "tables": {"premises": hits}}
