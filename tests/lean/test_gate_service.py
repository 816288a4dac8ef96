"""A gate that goes on from verdict to verdict: each is what it would be alone."""

from __future__ import annotations

import pytest
from real_lean import extracted, project

from orchestrator.gate.fillings import Allowance
from orchestrator.gate.service import gate_service
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.servers import Servers

pytestmark = pytest.mark.slow

TEXT = """\
macro "leave" : tactic => `(tactic| first | omega | exact sorryAx _ true)

theorem a (n : Nat) : n ≤ n + 1 := by
  sorry

theorem b (n : Nat) : n * n = n + n := by
  sorry
"""


async def test_a_verdict_is_its_own_whoever_asked_before(lean: EmbeddedSession, servers: Servers) -> None:
    small, found = project(A=TEXT), await extracted(lean, A=TEXT)

    def with_proofs(a: str, b: str) -> dict[str, str]:
        start, middle, end = TEXT.split("  sorry")
        return {"A.lean": f"{start}  {a}{middle}  {b}{end}"}

    honest, cheat = with_proofs("omega", "sorry"), with_proofs("sorry", "leave")
    ends = with_proofs("omega", "exact (by repeat (first | skip))")
    async with gate_service(small, found, servers, Allowance(), at_once=2) as gate:
        for asked, accepted in ((honest, True), (cheat, False), (honest, True), (ends, False), (honest, True)):
            report = await gate.verify(asked)
            assert report.accepted is accepted, (asked, report)
        refused = await gate.verify(cheat)
        assert "no sorry below it" in refused.verdicts[0].reason
