"""What a goal sees of its project: theorems in front of it, and what definitions are made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.protocol import (
    Command,
    CommandReply,
    Constant,
    LibraryConstants,
    PremisesReply,
    Reply,
    Request,
)
from orchestrator.lean.testing import ScriptedSession
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.premises.compiled import CompiledConstants
from orchestrator.premises.index import build_index
from orchestrator.premises.library import Library
from orchestrator.premises.of_project import premises_seen
from orchestrator.premises.relevance import RelevanceModel
from orchestrator.premises.retrieval import Premise, Query
from orchestrator.premises.store import Near, chooser, nearest
from orchestrator.source.project import Project, SourceModule

TEXT = """def f := g
theorem before : f = f := rfl
def proved : f = f := rfl
theorem target : f = f := by sorry
theorem after : f = f := rfl
"""
BASE = SourceModule("Base", "Base.lean", "theorem old : p\ninductive P : Prop\n| rule\n", ("Init",))
MAIN = SourceModule("Main", "Main.lean", TEXT, ("Base",))
PROJECT = Project("p", "/p", modules=(BASE, MAIN))
EQUATION = "c Eq (s 0)\nc f\na 0 1\na 2 1\n= 3"


def fact(name: str, kind: str = "theorem", type_: str = EQUATION, value: str = "", **more: bool) -> Fingerprint:
    return Fingerprint(name, kind, (), type_, value, (), False, user_name=name.removeprefix("_private."), **more)


EXTRACTION = Extraction(
    declarations={
        "Base": {
            f.name: f
            for f in (
                fact("old"),
                fact("P", "inductive", "u 0\n= 0"),
                fact("P.rule", "constructor", "c P\n= 0"),
                fact("P.rec", "recursor"),
                fact("hole", own_sorry=True),
            )
        },
        "Main": {
            f.name: f
            for f in (
                fact("_private.f", "def", "c Nat\n= 0", "c g\n= 0"),
                fact("g", "def", "c Nat\n= 0", "c HAdd.hAdd\n= 0"),
                fact("before"),
                fact("proved", "def", value="c Eq.refl (s 0)\nc f\na 0 1\n= 2", is_prop=True),
                fact("target"),
                fact("after"),
            )
        },
    }
)
SPAN = SourceSpan(Position(4, 0), Position(4, 35))
GOAL = Goal(id="t", text="⊢ f = f", module="Main", declaration="target", command=SPAN)


def test_theorems_in_front_of_the_goal_are_seen_and_later_ones_named() -> None:
    seen = premises_seen(PROJECT, EXTRACTION)(GOAL)
    names = {premise.name for premise in seen.premises}
    assert {"old", "before", "proved", "P.rule"} <= names
    assert names.isdisjoint({"f", "P", "P.rec", "hole"})
    assert seen.later >= {"after", "target"}
    assert "before" not in seen.later
    assert next(p for p in seen.premises if p.name == "before").statement == "f = f"


def test_definitions_are_followed_to_the_library() -> None:
    seen = premises_seen(PROJECT, EXTRACTION)(GOAL)
    assert seen.behind(("f",)) == ("Nat", "g", "HAdd.hAdd")
    assert seen.behind(("P",)) == ("P.rule",)
    assert seen.behind(("unknown",)) == ()


async def test_theorems_of_compiled_files_are_asked_for_once_and_seen_by_what_imports_them(tmp_path: Path) -> None:
    declared = {
        "Base": (Constant("old", "theorem", "f =\n f", ("f",)), Constant("P", "inductive", "Prop")),
        "Other": (Constant("other", "theorem", "p"), Constant("other._proof_1", "theorem", "p")),
    }

    def lean(request: Request) -> Reply:
        if isinstance(request, Command):
            return CommandReply(env=7)
        assert isinstance(request, LibraryConstants)
        assert isinstance(request.module, str)
        name = request.module if request.module in declared else ""
        return PremisesReply(name, 3, 800, declared[name] if name and not request.first else ())

    other = SourceModule("Other", "Other.lean", "theorem other : p := trivial\n")
    project = Project("p", "/p", modules=(BASE, other, SourceModule("Gone", "Gone.lean", ""), MAIN))
    cache, session = ContentCache(tmp_path), ScriptedSession(lean)
    found = await CompiledConstants(cache, project, "a Lean").ask(session, project.modules[:3])
    assert found == declared
    assert [r.cmd for r in session.asked if isinstance(r, Command)] == ["import Base\nimport Other\nimport Gone\n"]
    assert [r.first for r in session.asked if isinstance(r, LibraryConstants) and r.module == "Base"] == [0, 400]
    assert CompiledConstants(cache, project, "a Lean").known(project.modules) == declared
    assert CompiledConstants(cache, project, "another").known(project.modules) == {}
    edited = project.with_texts({"Base.lean": "-- edited\n"})
    assert CompiledConstants(cache, edited, "a Lean").known(project.modules) == {"Other": declared["Other"]}

    main = {"Main": EXTRACTION.declarations["Main"]}
    seen = premises_seen(project, Extraction(declarations=main, constants=found))(GOAL)
    names = {premise.name: premise for premise in seen.premises}
    assert names["old"] == Premise("old", "f = f", "", "theorem", ("f",))
    assert names.keys() >= {"before"}
    assert names.keys().isdisjoint({"P", "other", "other._proof_1"})


def test_a_goal_of_no_module_sees_nothing_of_its_own() -> None:
    assert premises_seen(PROJECT, EXTRACTION)(Goal(id="x", text="⊢ p")).premises == ()


def test_the_chooser_answers_the_library_and_the_project() -> None:
    seen_by = premises_seen(PROJECT, EXTRACTION)
    of_library = Premise("Nat.add_comm", "a + b = b + a", "Init.Nat", mentions=("HAdd.hAdd",))
    far = Premise("Far.away", "x", "Far.Away", mentions=("HAdd.hAdd",))
    library = Library(build_index((of_library, far)), model=RelevanceModel({"shared": 1.0, "rarest_behind": 1.0}))
    found = dict(chooser(library, seen_by)(GOAL, ("f", "Eq")))
    assert {"before", "old", "Nat.add_comm"} <= set(found)
    assert set(found).isdisjoint({"target", "after", "Far.away"})
    assert chooser(None, seen_by)(GOAL, ("f",)) == ()
    near = Near(library, seen_by, GOAL).retrieve(Query("⊢ f", without=frozenset({"before"}), mentions=("f",)), 2)
    assert "before" not in [ranked.premise.name for ranked in near]
    assert len(near) == 2


def test_what_imports_bring_through_the_projects_own_files_is_seen() -> None:
    base = SourceModule("Base", "Base.lean", "", ("Mathlib.Order",))
    project = Project("p", "/p", modules=(base, MAIN))
    brings = {"Mathlib.Order": frozenset({"Mathlib.Order", "Mathlib.Logic", "Batteries.Data", "Std.Data"})}
    names = ("Mathlib.Logic", "Batteries.Data", "Mathlib.Analysis", "Std.Data", "Lean.Meta", "Init.Core")
    index = build_index([Premise(f"t{number}", "p", name, "theorem", ("f",)) for number, name in enumerate(names)])

    def found(brought: Callable[[tuple[str, ...]], frozenset[str]] | None) -> set[str]:
        seen = premises_seen(project, EXTRACTION, brought)
        library = Library(index, model=RelevanceModel({}))
        return {ranked.premise.module for ranked in nearest(library, seen, GOAL, "⊢ f", 10, ("f",))} - {""}

    assert found(lambda imports: brings[imports[0]]) == {"Mathlib.Logic", "Batteries.Data", "Std.Data", "Init.Core"}
    assert found(None) == {"Mathlib.Logic", "Mathlib.Analysis", "Init.Core"}
