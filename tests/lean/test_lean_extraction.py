"""Sorries as the real Lean sees them: where, of what kind, of which declaration, and with which goal."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from real_lean import Goals, extracted, project

from orchestrator.goals.goal import Goal, Position, SorryKind, SourceSpan
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import Extraction, extract
from orchestrator.lean.workspace import Workspace
from orchestrator.source.lexer import LineIndex


@dataclass(frozen=True)
class Place:
    """What one mark in a text stands for: the place's declaration, kind and goal; `data` when it is no proposition."""

    declaration: str
    kind: SorryKind
    goal: str
    data: bool = False


TACTIC, TERM, AXIOM = SorryKind.TACTIC, SorryKind.TERM, SorryKind.SORRY_AX

# Every sorry stands between two §.
MARKED = """/-! sorry /- sorry -/ sorry -/
/-- A sorry in a doc comment. -/
def word : String := "sorry" -- sorry
theorem tactic (a b : Nat) (h : a < b) : a ≠ b := by
  §sorry§
theorem term (p : Prop) (hp : p) : p := §sorry§
theorem admitted (n : Nat) : n = n := by §admit§
theorem stopped (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  constructor
  §stop
  exact hp
  exact hq§
theorem axiomatic (n : Nat) : n + 0 = n := §sorryAx _ true§
theorem axiomatic' (n : Nat) : n + 0 = n := by exact §sorryAx _ false§
theorem after (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  constructor <;> §sorry§
def outer (n : Nat) : Nat := double n
where
  double (m : Nat) : Nat := m + m
  law (m : Nat) : m = m := by §sorry§
class Pointed (α : Type) where
  point : α
  law : point = point
instance : Pointed Nat where
  point := 3
  law := §sorry§
def half (n : Nat) : Nat := if n ≤ 1 then 0 else half (n - 2) + 1
termination_by n
decreasing_by §sorry§
theorem arms (n : Nat) : n = 0 ∨ n > 0 := by
  match n with
  | 0 => §sorry§
  | k + 1 => §sorry§
theorem armsOfTerms : (n : Nat) → n = 0 ∨ n > 0
  | 0 => §sorry§
  | _ + 1 => by §sorry§
theorem cased (n : Nat) : n * 1 = n := by
  induction n with
  | zero => §sorry§
  | succ n ih => §sorry§
theorem inside (n : Nat) : n * 1 = n := by
  have h : n = n := by §sorry§
  have k : 1 = 1 := §sorry§
  · §sorry§
theorem several : True ∧ (True ∧ True) := ⟨§sorry§, by exact ⟨§sorry§, by §sorry§⟩⟩
example (p : Prop) : p → p := by §sorry§
def data (n : Nat) : Fin (n + 1) := §sorry§
def partly (n : Nat) : { m : Nat // m = n } := ⟨§sorry§, §sorry§⟩
theorem «wörter αβ» (α β : Nat) : α = α ∧ «β» = β := by /- ∀ ε -/ refine ⟨by §sorry§, §sorry§⟩
private theorem hidden : 1 = 1 := §sorry§
namespace Outer.Inner
open Nat List in
theorem named (n : Nat) : n = n := by §sorry§
end Outer.Inner
mutual
theorem even (n : Nat) : n = n := by §sorry§
theorem odd (n : Nat) : n = n := §sorry§
end
theorem cases' (p : Prop) [Decidable p] (f : p → Nat) (x : Nat := 3) : x = x := by
  by_cases h : p
  · §sorry§
  · §admit§
"""

PLACES = (
    Place("tactic", TACTIC, "a b : Nat\nh : a < b\n⊢ a ≠ b"),
    Place("term", TERM, "p : Prop\nhp : p\n⊢ p"),
    Place("admitted", SorryKind.ADMIT, "n : Nat\n⊢ n = n"),
    Place(
        "stopped",
        SorryKind.STOP,
        "case left\np q : Prop\nhp : p\nhq : q\n⊢ p\n\ncase right\np q : Prop\nhp : p\nhq : q\n⊢ q",
    ),
    Place("axiomatic", AXIOM, "n : Nat\n⊢ n + 0 = n"),
    Place("axiomatic'", AXIOM, "n : Nat\n⊢ n + 0 = n"),
    Place(
        "after",
        TACTIC,
        "case left\np q : Prop\nhp : p\nhq : q\n⊢ p\n\ncase right\np q : Prop\nhp : p\nhq : q\n⊢ q",
    ),
    Place("outer.law", TACTIC, "n m : Nat\n⊢ m = m"),
    Place("instPointedNat", TERM, "⊢ 3 = 3"),
    Place("half", TACTIC, "n : Nat\nh✝ : ¬n ≤ 1\n⊢ n - 2 < n"),
    Place("arms", TACTIC, "n : Nat\n⊢ 0 = 0 ∨ 0 > 0"),
    Place("arms", TACTIC, "n k : Nat\n⊢ k + 1 = 0 ∨ k + 1 > 0"),
    Place("armsOfTerms", TERM, "⊢ 0 = 0 ∨ 0 > 0"),
    Place("armsOfTerms", TACTIC, "n✝ : Nat\n⊢ n✝ + 1 = 0 ∨ n✝ + 1 > 0"),
    Place("cased", TACTIC, "case zero\n⊢ 0 * 1 = 0"),
    Place("cased", TACTIC, "case succ\nn : Nat\nih : n * 1 = n\n⊢ (n + 1) * 1 = n + 1"),
    Place("inside", TACTIC, "n : Nat\n⊢ n = n"),
    Place("inside", TERM, "n : Nat\nh : n = n\n⊢ 1 = 1"),
    Place("inside", TACTIC, "n : Nat\nh : n = n\nk : 1 = 1\n⊢ n * 1 = n"),
    Place("several", TERM, "⊢ True"),
    Place("several", TERM, "⊢ True"),
    Place("several", TACTIC, "⊢ True"),
    Place("_example", TACTIC, "p : Prop\n⊢ p → p"),
    Place("data", TERM, "n : Nat\n⊢ Fin (n + 1)", data=True),
    Place("partly", TERM, "n : Nat\n⊢ Nat", data=True),
    Place("partly", TERM, "n : Nat\n⊢ sorry = n"),
    Place("«wörter αβ»", TACTIC, "α β : Nat\n⊢ α = α"),
    Place("«wörter αβ»", TERM, "α β : Nat\n⊢ β = β"),
    Place("hidden", TERM, "⊢ 1 = 1"),
    Place("Outer.Inner.named", TACTIC, "n : Nat\n⊢ n = n"),
    Place("even", TACTIC, "n : Nat\n⊢ n = n"),
    Place("odd", TERM, "n : Nat\n⊢ n = n"),
    Place("cases'", TACTIC, "case pos\np : Prop\ninst✝ : Decidable p\nf : p → Nat\nx : Nat\nh : p\n⊢ x = x"),
    Place("cases'", SorryKind.ADMIT, "case neg\np : Prop\ninst✝ : Decidable p\nf : p → Nat\nx : Nat\nh : ¬p\n⊢ x = x"),
)


def unmarked(marked: str) -> tuple[str, list[SourceSpan]]:
    """The text without marks, and the stretches between them."""
    plain, offsets = "", []
    for number, piece in enumerate(marked.split("§")):
        if number % 2:
            offsets.append((len(plain), len(plain) + len(piece)))
        plain += piece
    lines = LineIndex(plain)
    return plain, [lines.span(start, end) for start, end in offsets]


@pytest.fixture(scope="module", params=["\n", "\r\n"], ids=["LF", "CRLF"])
async def found(request: pytest.FixtureRequest, shared_lean: EmbeddedSession) -> tuple[Extraction, list[SourceSpan]]:
    """What the text gives, in both conventions of line ends: the same."""
    text, spans = unmarked(MARKED)
    return await extracted(shared_lean, A=text.replace("\n", request.param)), spans


def test_every_sorry_is_found_exactly_where_it_is(found: tuple[Extraction, list[SourceSpan]]) -> None:
    extraction, spans = found
    assert extraction.problems == ()
    assert [goal.span for goal in extraction.goals] == spans
    assert extraction.notes == ()


async def test_the_sorry_of_a_default_tactic_is_no_goal_and_a_note_says_so(shared_lean: EmbeddedSession) -> None:
    found = await extracted(shared_lean, A="structure Box where\n  size : Nat\n  fits : size = 3 := by sorry\n")
    assert found.goals == ()
    assert [note.partition(",")[0] for note in found.notes] == ["A.lean:3: 1 sorry not worked on"]


def test_every_place_has_its_declaration_its_kind_and_its_goal(found: tuple[Extraction, list[SourceSpan]]) -> None:
    extraction, _ = found
    seen = [Place(goal.declaration, goal.kind, goal.text, not goal.is_prop) for goal in extraction.goals]
    assert seen == list(PLACES)
    assert len({goal.id for goal in extraction.goals}) == len(PLACES)


def test_namespaces_and_opened_names_are_told(found: tuple[Extraction, list[SourceSpan]]) -> None:
    (goal,) = (goal for goal in found[0].goals if goal.declaration == "Outer.Inner.named")
    assert goal.context.namespace == "Outer.Inner"
    assert set(goal.context.opens) == {"Nat", "List"}


def test_the_command_is_the_whole_declaration(found: tuple[Extraction, list[SourceSpan]]) -> None:
    lines = unmarked(MARKED)[0].split("\n")
    for goal in found[0].goals:
        assert goal.command is not None
        first = lines[goal.command.start.line - 1][goal.command.start.column :]
        last = lines[goal.command.end.line - 1][: goal.command.end.column]
        assert first.split()[0] in ("theorem", "def", "instance", "example", "private", "open", "mutual"), first
        assert last == lines[goal.command.end.line - 1]


def test_what_has_a_sorry_of_its_own_is_known(found: tuple[Extraction, list[SourceSpan]]) -> None:
    facts = found[0].declarations["A"].values()
    own = {fact.user_name for fact in facts if fact.own_sorry and not fact.auxiliary}
    named = {goal.declaration for goal in found[0].goals} - {"_example"}
    assert named <= own
    assert {name for name in own - named if not name.startswith("half.")} == set()


MADE = """macro "skipped" : tactic => `(tactic| (try omega) <;> sorry)
macro "later!" t:term : term => `((sorry : $t))
notation "⋯?" => sorry
infixl:65 " =?= " => fun (a b : Nat) => (sorry : a = b)
syntax "or_later" : tactic
macro_rules | `(tactic| or_later) => `(tactic| first | exact rfl | admit)
macro "claim" n:ident : command => `(theorem $n (p q : Prop) : p → q := sorry)
structure Checked where
  size : Nat
  small : size < 10 := by sorry
class Tagged (α : Type) where
  tag : α → Nat
  same : ∀ a b, tag a = tag b := by exact sorry
theorem tactic (p q : Prop) : p ∧ q := by §skipped§
theorem term (p q : Prop) : p → q := §later! (p → q)§
theorem sign (p q : Prop) : p → q := §⋯?§
theorem applied (a b : Nat) : a = b := a §=?=§ b
theorem late (p q : Prop) : p → q := by §or_later§
theorem early (p : Prop) : p = p := by or_later
theorem tried (p : Prop) : p → p := by first | (skipped; fail) | exact id
§claim claimed§
def checked : Checked := §{§ size := 20 }
def both (p q : Prop) (h : q) : p ∧ q := ⟨by §skipped§, by §sorry§⟩
"""


async def test_what_makes_a_sorry_is_told_where_it_is_used(shared_lean: EmbeddedSession) -> None:
    text, spans = unmarked(MADE)
    found = await extracted(shared_lean, A=text)
    assert found.problems == ()
    where = {goal.declaration: goal.kind for goal in found.goals}
    assert set(where) == {"tactic", "term", "sign", "applied", "late", "claimed", "checked", "both"}
    for goal in found.goals:
        assert goal.span is not None
        assert goal.kind is (TACTIC if goal.span == spans[-1] else SorryKind.MACRO), goal
        assert any(span.contains(goal.span.start) for span in spans) or goal.declaration == "applied", goal
    hidden = {fact.user_name for fact in found.declarations["A"].values() if fact.own_sorry and not fact.auxiliary}
    assert hidden == set(where)


INSTANCES = {
    "a binder": "theorem t (α : Type) [Inhabited α] : Nonempty α := sorry",
    "a function": "theorem t : ∀ (α : Type) [Inhabited α], Nonempty α := fun _ _ => sorry",
    "have": "theorem t (α : Type) (a : α) : Nonempty α := have : Inhabited α := ⟨a⟩; sorry",
    "haveI": "theorem t (α : Type) (a : α) : Nonempty α := haveI : Inhabited α := ⟨a⟩; sorry",
    "letI": "theorem t (α : Type) (a : α) : Nonempty α := letI : Inhabited α := ⟨a⟩; id sorry",
    "a pattern": "theorem t (α : Type) (h : Nonempty (Inhabited α)) : Nonempty α := match h with | ⟨_⟩ => sorry",
    "a variable": "variable (α : Type) [Inhabited α]\ntheorem t : Nonempty α := sorry",
    "a pair": "def t (α : Type) [Inhabited α] (n : Nat) : { m : Nat // Nonempty α } := ⟨n, sorry⟩",
}


@pytest.mark.parametrize("text", INSTANCES.values(), ids=INSTANCES.keys())
async def test_the_sorry_of_a_term_sees_the_instances_in_scope(shared_lean: EmbeddedSession, text: str) -> None:
    goals = await Goals.of(shared_lean, text)
    async with goals.open(goals["t"]) as goal:
        (reply,) = await goal.tactics(["exact inferInstance"])
        assert reply.completed, reply
        assert (await goal.check("exact inferInstance")).accepted


GUARDED = """theorem plain (n : Nat) : n < n + 1 := Nat.lt_succ_self n
theorem classical (p : Prop) : p ∨ ¬p := Classical.em p
/-- info: 'plain' does not depend on any axioms -/
#guard_msgs in
#print axioms plain
/-- info: 'classical' depends on axioms: [propext, Classical.choice, Quot.sound] -/
#guard_msgs (info) in
#print axioms classical
open Nat in
/-- info: 'classical' depends on axioms: [propext, Classical.choice, Quot.sound] -/
#guard_msgs in
#print axioms classical
theorem t (n : Nat) : n = n + 0 := by sorry
"""


async def test_a_guard_around_what_cannot_be_seen_costs_no_file(shared_lean: EmbeddedSession) -> None:
    found = await extracted(shared_lean, A=GUARDED)
    assert found.problems == ()
    assert [goal.declaration for goal in found.goals] == ["t"]
    wrong = await extracted(shared_lean, A="/-- info: 3 -/\n#guard_msgs in\n#eval 1 + 1\n")
    assert len(wrong.problems) == 1


# Files among themselves


async def goals_and_problems(lean: EmbeddedSession, **texts: str) -> tuple[tuple[Goal, ...], dict[str, str]]:
    """The goals, and the problems by module."""
    extraction = await extracted(lean, **texts)
    return extraction.goals, {problem.path.removesuffix(".lean"): problem.message for problem in extraction.problems}


async def test_a_file_with_an_error_is_reported_and_the_others_go_on(lean: EmbeddedSession) -> None:
    goals, problems = await goals_and_problems(
        lean,
        A="theorem a : 1 = 1 := by sorry\n",
        B="import A\ntheorem b : 1 = 2 := by rfl\ntheorem b' : True := sorry\n",
        C="import B\ntheorem c : True := sorry\n",
        D="import A\ntheorem d : 1 = 1 := by exact a\ntheorem d' : 1 = 1 := by sorry\n",
        E="theorem e : True := by\n  exact (\n",
        F="end Nowhere\ntheorem f : True := sorry\n",
        G="section\nend\nend\ntheorem g : True := sorry\n",
        H="import NoSuchLibrary\n",
    )
    assert [goal.declaration for goal in goals] == ["a", "d'"]
    assert problems["B"].startswith("2:24: Tactic `rfl` failed")
    assert problems["C"] == "not looked at, because an import does not elaborate: B"
    assert problems["E"].startswith("3:0: unexpected end of input")
    assert "end" in problems["F"]
    assert problems["G"].startswith("3:0: ")
    assert "NoSuchLibrary" in problems["H"]
    assert set(problems) == set("BCEFGH")


async def test_what_is_local_to_a_file_ends_with_it(lean: EmbeddedSession) -> None:
    local = """private theorem same : 1 = 1 := by sorry
private def helper := 1
local notation "two" => (2 : Nat)
local instance : Inhabited Empty := ⟨sorry⟩
variable (n : Nat) {α : Type} [Inhabited α]
universe w
set_option autoImplicit false
open Nat
namespace Left.Open
section
theorem leftOpen : n = n := by sorry
"""
    goals, problems = await goals_and_problems(
        lean,
        A=local,
        B="import A\nprivate theorem same : 2 = 2 := by sorry\nprivate def helper := 2\nexample : helper = 2 := rfl\n",
        C="import A\n#check (two : Nat)\n",
        D="import A\n#check (default : Empty)\n",
        E="import A\n#check n\n",
        F="import A\n#check (succ : Nat → Nat)\n",
        G="import A\n#check leftOpen\n",
        H="import A\n#check (Left.Open.leftOpen 3 : 3 = 3)\n",
        I="import A\n#check same\n",
        J="import A\ndef two := 2\ntheorem j : two = 2 := rfl\n",
        K="import A\nuniverse w\nsection\nend\n",
        L="import A\ntheorem l (x : β) : x = x := by sorry\n",
    )
    assert [goal.declaration for goal in goals if goal.file == "B.lean"] == ["same"]
    assert set(problems) == set("CDEFGI"), problems
    assert "Unknown identifier `two`" in problems["C"]
    assert goals[-1].text == "β : Sort u_1\nx : β\n⊢ x = x"


async def test_what_is_not_imported_is_not_seen_and_what_is_imported_through_another_is(lean: EmbeddedSession) -> None:
    goals, problems = await goals_and_problems(
        lean,
        A='def one := 1\nnotation "uno" => one\n@[simp] theorem one_eq : one = 1 := rfl\n',
        B="import A\ntheorem b : uno = 1 := by simp\n",
        C="theorem c : A.one = 1 := sorry\n#check one\n",
        D="import B\ntheorem d : uno = 1 := by sorry\n",
        E="def one := 7\ntheorem e : one = 7 := by sorry\n",
        F="import Std\ntheorem f (m : Std.HashMap Nat Nat) : m = m := by sorry\n",
        G="theorem g (m : Std.HashMap Nat Nat) : m = m := by sorry\n",
    )
    assert [goal.declaration for goal in goals] == ["d", "e", "f"]
    assert set(problems) == set("CG")
    assert goals[0].text == "⊢ one = 1" or "uno" in goals[0].text


async def test_declarations_behave_as_in_an_ordinary_file(lean: EmbeddedSession) -> None:
    """Not as in a `module`, where they would be private."""
    goals, problems = await goals_and_problems(
        lean,
        A="""inductive Colour where
  | red
  | green
  deriving Repr, DecidableEq
structure Point where
  x : Nat
  y : Nat
  deriving BEq, Hashable, Inhabited
def turn : Colour → Colour
  | .red => .green
  | .green => .red
def Point.plus (p q : Point) : Point := ⟨p.x + q.x, p.y + q.y⟩
infixl:65 " ⊞ " => Point.plus
""",
        B="""import A
open Colour
theorem back : (c : Colour) → turn (turn c) = c
  | red => rfl
  | green => by sorry
theorem plus (p : Point) : p ⊞ ⟨0, 0⟩ = p := by sorry
theorem unfolded : turn red = green := by simp [turn]
#guard turn .red == .green
""",
    )
    assert problems == {}
    assert [goal.text for goal in goals] == [
        "⊢ turn (turn green) = green",
        "p : Point\n⊢ p ⊞ { x := 0, y := 0 } = p",
    ]


async def test_a_definition_that_cannot_be_compiled_here_is_read_as_noncomputable(lean: EmbeddedSession) -> None:
    """The embedded code generator cannot reach everything; what is proved about a definition does not depend on it."""
    loop = """def total (n : Nat) : Nat := Id.run do
  let mut sum := 0
  for i in [0:n] do
    sum := sum + i
  return sum
theorem total_zero : total 0 = 0 := by sorry
"""
    extraction = await extracted(
        lean,
        A="def back (l : List Nat) : List Nat := l.reverse\ntheorem a : back [] = [] := by sorry\n",
        B=loop,
        C="structure Bag where\n  items : List Nat\n  deriving DecidableEq\ntheorem c (b : Bag) : b = b := by sorry\n",
        D="import A\ndef twice (l : List Nat) := back (back l)\ntheorem d : twice [] = [] := by sorry\n",
        E="def plain (n : Nat) := n\ntheorem e : plain 1 = 1 := by sorry\n",
    )
    assert extraction.problems == ()
    assert [goal.declaration for goal in extraction.goals] == ["a", "total_zero", "c", "d", "e"]
    assert [note.partition(":")[0] for note in extraction.notes] == ["A.lean", "B.lean", "C.lean", "D.lean"]
    kinds = {fact.user_name: fact.kind for facts in extraction.declarations.values() for fact in facts.values()}
    assert (kinds["back"], kinds["total"], kinds["twice"]) == ("def", "def", "def")


async def test_lines_and_columns_count_characters(lean: EmbeddedSession) -> None:
    goals, _ = await goals_and_problems(lean, A="theorem t : (𝔸 : Prop) → 𝔸 → 𝔸 := fun 𝔸 x => /- é𝔸 -/ sorry\n")
    column = "theorem t : (𝔸 : Prop) → 𝔸 → 𝔸 := fun 𝔸 x => /- é𝔸 -/ ".__len__()
    assert goals[0].span == SourceSpan(Position(1, column), Position(1, column + 5))


async def test_where_a_warning_is_an_error_a_sorry_is_a_goal_all_the_same(shared_lean: EmbeddedSession) -> None:
    plain = project(A="theorem t (p : Prop) : p → p := by\n  sorry\n")
    strict = tuple(replace(module, options=(("warningAsError", "true"),)) for module in plain.modules)
    found = await extract(Workspace(shared_lean, replace(plain, modules=strict)), strict)
    assert found.problems == ()
    assert [goal.declaration for goal in found.goals] == ["t"]
