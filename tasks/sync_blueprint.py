"""Stage: the blueprint's marks against what is proved now."""

from __future__ import annotations

from pathlib import Path

from orchestrator.blueprint.loading import load
from orchestrator.blueprint.status import DeclarationTruth
from orchestrator.blueprint.sync import BlueprintUpdate, update_blueprint
from orchestrator.gate.selection import GateReport, known_names
from orchestrator.goals.declaration import STANDARD_AXIOMS
from orchestrator.goals.events import StageStarted, notify
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.pool import Pool
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.run.blueprint import blueprint_facts
from orchestrator.source.project import Project
from orchestrator.text import counted
from tasks.stage import stage


@stage("sync blueprint")
async def sync_blueprint(
    project: Project,
    extraction: Extraction,
    gate: GateReport,
    pool: Pool,
    lean: str,
    answers: ContentCache,
    allowed_axioms: frozenset[str] = STANDARD_AXIOMS,
) -> BlueprintUpdate:
    """The changes that make the marks true, as a patch; nothing is written."""
    blueprint = load(Path(project.root))
    facts = blueprint_facts(gate.declarations)
    unknown = {name for node in blueprint.nodes for name in node.lean if name not in facts}
    if blueprint.found:
        notify(StageStarted("blueprint", f"{counted(len(blueprint.nodes), 'node')} against what is proved"))
    # With a file that does not elaborate nobody can say that a declaration does not exist.
    if unknown and not project.problems and not extraction.problems:
        names = sorted(unknown)

        async def look_up() -> frozenset[str]:
            async with pool.workspace() as workspace:
                return await workspace.library_has(names)

        there = await known_names(answers, project, lean, names, look_up)
        facts |= {name: DeclarationTruth(exists=name in there) for name in unknown}
    return update_blueprint(blueprint, facts, allowed_axioms=allowed_axioms)
