"""Where in a project a ticket's statement stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from orchestrator.goals.goal import Goal
from orchestrator.ledger.ticket_records import TicketLocation
from orchestrator.source.lexer import suffixes
from orchestrator.source.project import Project, SourceModule

_SCRATCH = "Market"


def location_of(goal: Goal, project: Project) -> TicketLocation:
    """In front of the declaration that a goal stands in."""
    assert goal.command is not None
    lines = project.by_name[goal.module].text.split("\n")[goal.command.start.line - 1 : goal.command.end.line]
    written = next((s for s in suffixes(goal.declaration) if _mentions(lines, s)), "")
    outer = goal.declaration.removesuffix(written).rstrip(".") if written else goal.context.namespace
    return TicketLocation(
        module=goal.module,
        file=goal.file,
        declaration=goal.declaration,
        namespace=outer,
        prefix=written.rpartition(".")[0],
        opens=goal.context.opens,
        imports=goal.context.imports,
    )


def _mentions(lines: Sequence[str], name: str) -> bool:
    spelled = re.compile(rf"(?<![\w.'»]){re.escape(name)}(?![\w.'«])")
    return any(spelled.search(line) for line in lines)


def scratch_file(project: Project, location: TicketLocation) -> tuple[Project, SourceModule]:
    """A file of its own for a statement that belongs to no file of the project."""
    header = "".join(f"import {name}\n" for name in location.imports)
    opens = "".join(f"open {name}\n" for name in location.opens)
    module = SourceModule(_SCRATCH, f"{_SCRATCH}.lean", header + opens, location.imports)
    kept = {m.name for name in location.imports if name in project.by_name for m in project.closure(name)}
    modules = tuple(m for m in project.modules if m.name in kept or m.name in location.imports)
    return replace(project, modules=(*modules, module), problems=()), module


def with_module(project: Project, module: SourceModule) -> Project:
    return replace(project, modules=tuple(module if m.name == module.name else m for m in project.modules))
