"""The marks of a blueprint in a run: made to say what the gate passed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.blueprint.loading import load
from orchestrator.blueprint.nodes import Blueprint
from orchestrator.blueprint.status import DeclarationTruth
from orchestrator.blueprint.sync import BlueprintUpdate, update_blueprint
from orchestrator.gate.selection import GateReport, known_names, recalled_names
from orchestrator.goals.events import StageStarted, notify
from orchestrator.lean.extraction import project_parts
from orchestrator.ledger.content_cache import content_key
from orchestrator.run.blueprint import blueprint_facts, compiled_truths
from orchestrator.run.run import Run
from orchestrator.text import counted


async def synced(run: Run, gate: GateReport) -> BlueprintUpdate:
    """The changes that make the blueprint's marks true of what the gate passed, as a patch; nothing is written."""
    blueprint, facts, names = _stand(run, gate)
    recalled = _recalled(run, names)
    if blueprint.found:
        notify(StageStarted("blueprint", f"{counted(len(blueprint.nodes), 'node')} against what is proved"))

    async def look_up() -> frozenset[str]:
        async with run.pool.workspace() as workspace:
            return await workspace.library_has(names)

    if recalled is not None:
        outside = recalled
    elif run.servers.copy is not None:
        async with run.servers.for_gate(run.project) as workspace:
            found = await compiled_truths(workspace, names)
        outside = found or {}
        if found is not None:
            run.answers.put(_truths_key(run, names), found)
    else:
        there = await known_names(run.answers, run.project, run.servers.identity, names, look_up)
        outside = {name: DeclarationTruth(exists=name in there) for name in names}
    return _updated(run, blueprint, facts, outside)


def recalled_update(run: Run, gate: GateReport) -> BlueprintUpdate | None:
    """The same from what earlier runs have found out; None when that is not enough."""
    blueprint, facts, names = _stand(run, gate)
    outside = _recalled(run, names)
    return None if outside is None else _updated(run, blueprint, facts, outside)


def _recalled(run: Run, names: Sequence[str]) -> Mapping[str, DeclarationTruth] | None:
    """What earlier runs have found out about names that the run's own files do not declare."""
    if not names:
        return {}
    if run.servers.copy is not None:
        return run.answers.get(_truths_key(run, names), dict[str, DeclarationTruth])
    there = recalled_names(run.answers, run.project, run.servers.identity, names)
    return None if there is None else {name: DeclarationTruth(exists=name in there) for name in names}


def _truths_key(run: Run, names: Sequence[str]) -> str:
    return content_key("truths", [*project_parts(run.project, run.servers.identity), *names])


def _stand(run: Run, gate: GateReport) -> tuple[Blueprint, dict[str, DeclarationTruth], list[str]]:
    """The blueprint, what is true of the project's declarations, and names that the library may declare."""
    blueprint = load(Path(run.project.root), top=run.repository.checkout.top)
    facts = blueprint_facts(gate.declarations)
    if not (run.extraction.is_whole(run.project) or run.servers.copy is not None):
        return blueprint, facts, []
    named = {name for node in blueprint.nodes for name in node.statement.lean}
    return blueprint, facts, sorted(named - facts.keys())


def _updated(
    run: Run,
    blueprint: Blueprint,
    facts: Mapping[str, DeclarationTruth],
    outside: Mapping[str, DeclarationTruth],
) -> BlueprintUpdate:
    update = update_blueprint(blueprint, {**facts, **outside}, allowed_axioms=run.axioms)
    return seen_from(run.project.root, update)


def seen_from(root: str, update: BlueprintUpdate) -> BlueprintUpdate:
    """The same with paths that start from the project, such as `../blueprint/src/content.tex`; but the patch's do not.

    git takes no patch whose paths lead upwards: it is to be applied where the blueprint is.
    """
    above = os.path.relpath(update.blueprint.base or root, root)
    if above == os.curdir:
        return update
    marks = tuple(replace(mark, file=f"{above}/{mark.file}") for mark in update.marks)
    return replace(update, marks=marks, texts={f"{above}/{path}": text for path, text in update.texts.items()})
