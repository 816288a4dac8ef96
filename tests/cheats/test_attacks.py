"""Patches that try to cheat, and honest ones beside them, judged by the gate on real Lean."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio

from orchestrator.config import load_settings
from orchestrator.lean.extraction import extract
from orchestrator.lean.workspace import Workspace
from orchestrator.paths import find_paths
from orchestrator.provision import choose_lean, provision
from orchestrator.source import Project, SourceModule
from orchestrator.verdict import CheckName
from orchestrator.verify import Gate

pytestmark = [pytest.mark.lean, pytest.mark.timeout(900)]

FIRST = """def two : Nat := 2
theorem target : two = 2 := by sorry
theorem other (n : Nat) : n + 0 = n := by rfl
@[simp] theorem keep : two + 1 = 3 := by rfl
theorem second (p : Prop) (h : p) : p := by sorry
theorem false_one (n : Nat) : n < 3 := by sorry
"""
SECOND = """import M.First
theorem uses : two + 1 = 3 := by rfl
theorem rests : two = 2 := target
"""
PROJECT = Project(
    "M",
    "/nowhere",
    modules=(
        SourceModule("M.First", "M/First.lean", FIRST),
        SourceModule("M.Second", "M/Second.lean", SECOND, ("M.First",)),
    ),
)


def filled(
    target: str = "sorry", second: str = "sorry", false_one: str = "sorry", *, text: str = FIRST, before: str = ""
) -> str:
    """The first file with something in place of its open places, and something in front."""
    one, two, three, four = text.split("sorry")
    return before + one + target + two + second + three + false_one + four


@dataclass(frozen=True)
class Attack:
    """A file's new content; `because` is a check that must fail, or Lean's own words when it does not elaborate."""

    name: str
    text: str
    because: CheckName | str


ATTACKS = (
    Attack("an axiom by name", filled("exact bad.elim", before="axiom bad : False\n"), CheckName.TEXT),
    Attack(
        "an axiom behind an opaque",
        filled(false_one="exact o n", before="axiom a : ∀ n : Nat, n < 3\nopaque o : ∀ n : Nat, n < 3 := a\n"),
        CheckName.AXIOMS,
    ),
    Attack(
        "an axiom in a constructor",
        filled(false_one="exact C.mk.elim", before="axiom C.mk : False\n"),
        CheckName.AXIOMS,
    ),
    Attack("an axiom smuggled in after a proof", filled("rfl\naxiom bad : False"), CheckName.NOTHING_ELSE),
    Attack("native_decide", filled("native_decide"), CheckName.AXIOMS),
    Attack("decide by the compiler", filled("exact Lean.ofReduceBool _ true rfl |> of_decide_eq_true"), "error"),
    Attack("a theorem of one's own", filled("rfl\ntheorem evil : 1 = 1 := by decide"), CheckName.NOTHING_ELSE),
    Attack("an attribute", filled("rfl\nattribute [simp] target"), CheckName.NOTHING_ELSE),
    Attack("an open", filled("rfl\nopen Nat"), CheckName.NOTHING_ELSE),
    Attack("an option", filled("rfl\nset_option maxRecDepth 10000"), CheckName.NOTHING_ELSE),
    Attack("a variable", filled("rfl\nvariable (n : Nat)"), CheckName.NOTHING_ELSE),
    Attack("a local instance", filled("rfl\nlocal instance : Inhabited Empty := ⟨sorry⟩"), CheckName.NOTHING_ELSE),
    Attack(
        "macro rules that turn later proofs into sorries",
        filled("rfl\nmacro_rules | `(tactic| rfl) => `(tactic| sorry)"),
        CheckName.NOTHING_ELSE,
    ),
    Attack(
        "a macro that hides a sorry",
        filled("hidden", before='macro "hidden" : tactic => `(tactic| sorry)\n'),
        CheckName.TEXT,
    ),
    Attack(
        "a notation that changes the statement",
        filled("rfl", text=FIRST.replace("theorem target", 'local notation "two" => (2 : Nat)\ntheorem target')),
        CheckName.STATEMENT,
    ),
    Attack(
        "an instance of one's own between two theorems",
        filled("rfl", text=FIRST.replace("theorem other", "local instance : OfNat Nat 9 := ⟨2⟩\ntheorem other")),
        CheckName.NOTHING_ELSE,
    ),
    Attack(
        "a changed definition", filled("rfl", text=FIRST.replace("Nat := 2", "Nat := 1 + 1")), CheckName.NOTHING_ELSE
    ),
    Attack(
        "a changed statement",
        filled("rfl", text=FIRST.replace("target : two = 2", "target : 2 = 2")),
        CheckName.STATEMENT,
    ),
    Attack(
        "a weaker statement",
        filled(false_one="omega", text=FIRST.replace("(n : Nat) : n < 3", "(n : Nat) (h : n < 2) : n < 3")),
        CheckName.STATEMENT,
    ),
    Attack(
        "a theorem that becomes a definition",
        filled("rfl", text=FIRST.replace("theorem target", "def target")),
        CheckName.STATEMENT,
    ),
    Attack("a renamed theorem", filled("rfl", text=FIRST.replace("other", "another")), CheckName.NOTHING_ELSE),
    Attack(
        "a name that looks the same",
        filled("rfl", text=FIRST.replace("theorem target", "theorem targεt")),
        CheckName.TEXT,
    ),
    Attack("a comment that swallows what follows", filled("rfl /-", "exact h -/"), CheckName.NOTHING_ELSE),
    Attack(
        "a comment that swallows, and a repetition that lacks an attribute",
        filled("rfl\n/-", "trivial\n-/" + FIRST.split("sorry")[1].replace("@[simp] ", "") + "exact h"),
        CheckName.TEXT,
    ),
    Attack(
        "a theorem deleted",
        filled("rfl").replace("theorem other (n : Nat) : n + 0 = n := by rfl\n", ""),
        CheckName.NOTHING_ELSE,
    ),
    Attack("a sorry inside a have", filled(false_one="have h : n < 3 := by sorry\n           exact h"), "no verdict"),
    Attack("sorryAx for sorry", filled("exact sorryAx _ true"), "no verdict"),
    Attack("admit for sorry", filled(false_one="admit"), "no verdict"),
    Attack("itself as its own proof", filled(false_one="exact false_one n"), "error"),
    Attack("itself through a detour", filled(false_one="exact (fun (_ : Nat) => false_one n) 0"), "error"),
    Attack("a tactic that only claims", filled(false_one="exact?"), "error"),
    Attack(
        "a kernel check switched off",
        filled(false_one="set_option debug.skipKernelTC true in exact (by simp)"),
        "error",
    ),
)

HONEST = (
    ("one proof", filled("rfl")),
    ("another tactic", filled("decide")),
    ("two proofs", filled("rfl", "exact h")),
    ("a block", filled("\n  show two = 2\n  rfl")),
    ("a have", filled("\n  have h : two = 2 := rfl\n  exact h")),
    ("a comment inside a proof", filled("\n  -- plainly\n  rfl")),
    ("a block comment inside a proof", filled("/- plainly -/ rfl")),
    ("a comment that repeats what follows", filled("rfl\n/-" + FIRST.split("sorry")[1] + "trivial\n-/")),
    ("the word in a comment", filled("rfl -- no sorry here")),
    ("the word in a string", filled('\n  have : "sorry" = "sorry" := rfl\n  rfl')),
    ("an option for one tactic", filled("set_option maxRecDepth 1000 in rfl")),
    ("a name opened for one tactic", filled("open Nat in rfl")),
    ("a proof that uses classical logic", filled(second="\n  exact Classical.byContradiction fun g => g h")),
    ("a proof by another theorem", filled(second="\n  have := other 0\n  exact h")),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gate() -> AsyncIterator[Gate]:
    settings = load_settings()
    paths = find_paths(settings.paths)
    servers = provision(settings, paths, choose_lean(settings, paths, PROJECT))
    session = servers.session()

    @asynccontextmanager
    async def workspace(project: Project, preamble: str) -> AsyncIterator[Workspace]:
        # One process for all: what is tested here is the comparison, not the freshness.
        yield Workspace(session, project, preamble=preamble)

    extraction = await extract(Workspace(session, PROJECT), PROJECT.modules)
    assert extraction.problems == ()
    assert [goal.declaration for goal in extraction.goals] == ["target", "second", "false_one"]
    yield Gate(PROJECT, extraction, workspace)
    await session.close()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_an_attack_is_rejected_for_its_reason(gate: Gate, attack: Attack) -> None:
    report = await gate.verify({"M/First.lean": attack.text})
    assert not report.accepted
    failed = {check.name for verdict in report.verdicts for check in verdict.checks if not check.passed}
    if attack.because == "error":
        assert report.errors
    elif attack.because == "no verdict":
        assert report.verdicts == ()
    else:
        assert attack.because in failed, (report.verdicts, report.errors)


@pytest.mark.parametrize(("name", "text"), HONEST, ids=[name for name, _ in HONEST])
async def test_an_honest_patch_passes(gate: Gate, name: str, text: str) -> None:
    report = await gate.verify({"M/First.lean": text})
    assert report.accepted, (name, report.verdicts, report.errors, report.differences)
    assert all(verdict.status.value == "passed" for verdict in report.verdicts)
