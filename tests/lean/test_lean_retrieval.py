"""What the retriever is measured with is what real Lean says, and it finds what known proofs use."""

from __future__ import annotations

import asyncio

import pytest

from bench.bank import Split, load_bank
from bench.queries import read_queries
from bench.record_queries import record
from bench.retrieval import ASKED_RECALL, measure, recalls
from orchestrator.config import load_settings
from orchestrator.lean.servers import Servers
from orchestrator.premises.store import DEFAULT_IMPORTS, known_index, library_corpus

pytestmark = pytest.mark.lean
SAMPLE = ("algebra-001", "list-030", "nat-022", "regex-005")


@pytest.mark.slow
async def test_recorded_queries_are_what_lean_says(servers: Servers) -> None:
    bank = [goal for goal in load_bank() if goal.id in SAMPLE]
    recorded = [one for one in read_queries() if one.goal.id in SAMPLE]
    again = await record(servers, bank)
    assert [one.goal for one in again] == [one.goal for one in recorded]
    for now, then in zip(again, recorded, strict=True):
        assert now.query.state == then.query.state
        assert now.query.mentions == then.query.mentions
        assert set(now.query.behind) == set(then.query.behind)
        assert now.own == then.own


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_retriever_finds_what_known_proofs_use(servers: Servers) -> None:
    lean, paths = servers, load_settings().paths
    asyncio.run(library_corpus(paths, lean, DEFAULT_IMPORTS))
    index = known_index(paths, lean, DEFAULT_IMPORTS)
    assert index is not None
    asked = read_queries()
    found = recalls(asked, measure(asked, index))
    assert found["all"]["all"].by_goal >= ASKED_RECALL
    assert found[str(Split.HELD_OUT)]["all"].by_goal >= ASKED_RECALL
