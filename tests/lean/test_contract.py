"""One contract for every session: what a `Session` answers, whichever Lean stands behind it.

The cases run over the scripted session (with recorded conversations of the embedded Lean), the embedded Lean,
lean-interact with the embedded Lean behind a shim, and over native Lean where `lean` and `lake` are on the PATH.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from contract_sessions import RECORD, RECORDED, Recording, native_session, read_recorded, scripted_from
from lake_artifacts import Artifact, find, keep
from real_lean import LONG, PATIENT, project
from shims import write_shims

from orchestrator.errors import RequestRefused, SessionClosed
from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.goal import Position
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import extract, to_elaborate
from orchestrator.lean.native import session as native_session_module
from orchestrator.lean.native.replies import tactic_reply
from orchestrator.lean.native.session import NativeSession
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.protocol import (
    Command,
    CommandReply,
    Describe,
    File,
    Forget,
    ForgetReply,
    LibraryConstants,
    Mentions,
    TacticReply,
    Tactics,
)
from orchestrator.lean.servers import Servers
from orchestrator.lean.session import Session, ask
from orchestrator.lean.testing import ScriptedSession
from orchestrator.lean.workspace import Workspace
from orchestrator.premises.statements import is_induction_principle
from orchestrator.source.project import Project

LAKEFILE = 'name = "Contract"\n\n[[lean_lib]]\nname = "Contract"\n'


@pytest.fixture(scope="session")
def lake_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "lakefile.toml").write_text(LAKEFILE)
    (folder / "lean-toolchain").write_text("leanprover/lean4:v4.28.0-rc1\n")
    return folder


@pytest.fixture(scope="session")
async def over_repl(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory, lake_project: Path
) -> AsyncIterator[dict[str, NativeSession]]:
    """Sessions over a REPL: behind the shim, and over native Lean where it is. Their processes start when needed."""
    shims = write_shims(tmp_path_factory.mktemp("shims"), servers.launch)
    sessions = {"shim": native_session(lake_project, shims.lake, shims.repl)}
    lake = shutil.which("lake")
    if lake and shutil.which("lean"):
        sessions["native"] = native_session(lake_project, Path(lake), None)
    yield sessions
    for session in sessions.values():
        await session.close()


@pytest.fixture(scope="session")
def conversations() -> Iterator[dict[str, list[dict[str, Any]]]]:
    recorded = read_recorded()
    yield recorded
    if RECORD:
        lines = [f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in sorted(recorded.items())]
        # Where Lean lies on this machine is nobody's business.
        text = re.sub(r"/[^\"\\]*/package-[0-9a-f]+", "/lean", ",\n".join(lines))
        RECORDED.write_text("{\n" + text + "\n}\n", encoding="utf-8")


@pytest.fixture(params=["scripted", "embedded", "shim", "native"])
async def session(
    request: pytest.FixtureRequest,
    lean: EmbeddedSession,
    over_repl: dict[str, NativeSession],
    conversations: dict[str, list[dict[str, Any]]],
) -> AsyncIterator[Session]:
    name = request.node.name.replace("[embedded", "[").replace("[scripted", "[").replace("[-", "[").replace("[]", "")
    match request.param:
        case "scripted":
            yield scripted_from(conversations.get(name, []))
        case "embedded" if RECORD:
            recording = Recording(lean)
            yield recording
            conversations[name] = recording.conversation
        case "embedded":
            yield lean
        case kind:
            if kind not in over_repl:
                pytest.skip("no `lean` and `lake` on the PATH")
            yield over_repl[kind]


async def compiled(session: Session, small: Project, folder: Path) -> None:
    """Leave of each module what `lake build` leaves, for a session that imports it."""
    if isinstance(session, NativeSession):
        await session.kill()
        for module in small.modules:
            below = {name: found.digest for name in module.imports if (found := find(folder, name)) is not None}
            keep(folder, Artifact(module.name, module.text, below))


async def base(session: Session) -> int:
    """An environment without imports."""
    reply = await ask(session, Command(""), timeout=LONG)
    assert reply.env is not None
    return reply.env


async def on_base(session: Session, text: str) -> CommandReply:
    """A text elaborated on it."""
    return await ask(session, Command(text, env=await base(session)), timeout=LONG)


async def file(session: Session, text: str, env: int | None = None, *, noncomputable: bool = False) -> CommandReply:
    """A file elaborated on an environment."""
    env = await base(session) if env is None else env
    return await ask(session, File(text, "A", env, noncomputable), timeout=LONG)


async def tried(session: Session, statement: str, *tactics: str, stop: bool = True) -> tuple[TacticReply, ...]:
    """What tactics do to `theorem t <statement> := by sorry`."""
    reply = await file(session, f"theorem t {statement} := by\n  sorry\n")
    (place,) = reply.sorries
    request = Tactics(tactics, place.proof_state, stop_on_success=stop, limits=PATIENT)
    return (await ask(session, request, timeout=LONG)).results


CLOSED = [
    ("(p : Prop) (h : p) : p", "exact h"),
    ("(p : Prop) (h : p) : p", "assumption"),
    ("(n : Nat) : n + 0 = n", "rfl"),
    ("(n : Nat) : 0 + n = n", "simp"),
    ("(a b : Nat) (h : a < b) : a + 1 ≤ b", "omega"),
    ("(p q : Prop) (h : p ∧ q) : q ∧ p", "exact ⟨h.2, h.1⟩"),
    ("(p q : Prop) (h : p ∨ q) : q ∨ p", "cases h with\n| inl a => exact Or.inr a\n| inr a => exact Or.inl a"),
    ("(p q : Prop) (h : p ∧ q) : q ∧ p", "constructor\nexact h.2\nexact h.1"),
    ("(n : Nat) : n * 0 = 0", "induction n <;> simp"),
    ("(xs : List Nat) : xs ++ [] = xs", "simp"),
    (": 2 ^ 10 = 1024", "decide"),
    ("(f : Nat → Nat) (h : ∀ x, f x = x) : f (f 1) = 1", "rw [h, h]"),
    ("(α : Type) (a : α) : ∃ b : α, b = a", "exact ⟨a, rfl⟩"),
    ("(h : 1 = 2) : False", "contradiction"),
    ("(p : Prop) : p → p", "intro h -- a comment\nexact h"),
]
FAILS = [
    ("(n : Nat) : n = n + 1", "rfl"),
    ("(n : Nat) : n = n + 1", "no_such_tactic"),
    ("(n : Nat) : n = n + 1", "exact (("),
    ("(p : Prop) (h : p) : p", "exact no_such_name"),
    ("(p q : Prop) (h : p) : q", "assumption"),
    ("(n : Nat) : n = 3", "omega"),
]
OPEN = [
    ("(p q : Prop) (a : p) (b : q) : p ∧ q", "constructor", 2),
    ("(p : Prop) : p → p", "intro h", 1),
    ("(n : Nat) (p : Nat → Prop) (h : p 0) : p n", "cases n", 2),
    ("(p : Prop) (h : p) : p", "have g := h", 1),
]
NOT_DONE = [
    ("(n : Nat) : n = n + 1", "sorry"),
    ("(n : Nat) : n = n + 1", "have : n = n + 1 := sorry\nexact this"),
    ("(n : Nat) : 0 + n = n", "simp [no_such_lemma]"),
    ("(n : Nat) : ∃ m, m > n", "refine ⟨?_, ?_⟩"),
]


@pytest.mark.parametrize(("statement", "tactic"), CLOSED, ids=range(len(CLOSED)))
async def test_a_tactic_that_closes_the_goal_is_completed(session: Session, statement: str, tactic: str) -> None:
    (reply,) = await tried(session, statement, tactic)
    assert (reply.completed, reply.failed, reply.goals, reply.tactic) == (True, False, (), tactic)
    assert reply.status == "Completed"


@pytest.mark.parametrize(("statement", "tactic"), FAILS, ids=range(len(FAILS)))
async def test_a_tactic_that_fails_is_a_value_with_leans_words(session: Session, statement: str, tactic: str) -> None:
    (reply,) = await tried(session, statement, tactic)
    assert (reply.completed, reply.failed, reply.proof_state) == (False, True, None)
    assert reply.error


async def test_a_state_with_an_error_message_taken_for_progress_fails_the_contract(
    over_repl: dict[str, NativeSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    def planted(tactic: str, reply: dict[str, Any], milliseconds: int) -> TacticReply:
        return tactic_reply(tactic, {name: value for name, value in reply.items() if name != "messages"}, milliseconds)

    statement, tactic = "(p : Prop) (h : p) : p", "exact no_such_name"
    assert (statement, tactic) in FAILS
    monkeypatch.setattr(native_session_module, "tactic_reply", planted)
    (reply,) = await tried(over_repl["shim"], statement, tactic)
    assert not reply.failed
    assert reply.proof_state is not None


@pytest.mark.parametrize(("statement", "tactic", "goals"), OPEN, ids=range(len(OPEN)))
async def test_what_is_left_open_is_told(session: Session, statement: str, tactic: str, goals: int) -> None:
    (reply,) = await tried(session, statement, tactic)
    assert (reply.completed, reply.failed, len(reply.goals)) == (False, False, goals)
    assert all("⊢ " in goal for goal in reply.goals)
    assert reply.proof_state is not None


@pytest.mark.parametrize(("statement", "tactic"), NOT_DONE, ids=range(len(NOT_DONE)))
async def test_no_goals_left_is_not_yet_a_proof(session: Session, statement: str, tactic: str) -> None:
    (reply,) = await tried(session, statement, tactic)
    assert not reply.completed


async def test_a_state_can_be_gone_on_from_and_gone_back_to(session: Session) -> None:
    (split,) = await tried(session, "(p q : Prop) (a : p) (b : q) : p ∧ q", "constructor")
    assert split.proof_state is not None
    one = (await ask(session, Tactics(("exact a",), split.proof_state, limits=PATIENT), timeout=LONG)).results[0]
    assert len(one.goals) == 1
    assert one.proof_state is not None
    again = (await ask(session, Tactics(("exact a",), split.proof_state, limits=PATIENT), timeout=LONG)).results[0]
    assert again.goals == one.goals
    done = (await ask(session, Tactics(("exact b",), one.proof_state, limits=PATIENT), timeout=LONG)).results[0]
    assert done.completed


async def test_a_batch_keeps_its_order_and_ends_with_the_first_success(session: Session) -> None:
    replies = await tried(session, "(p : Prop) (h : p) : p", "rfl", "exact h", "assumption")
    assert [(reply.tactic, reply.completed) for reply in replies] == [("rfl", False), ("exact h", True)]


async def test_a_batch_goes_on_when_asked_to(session: Session) -> None:
    replies = await tried(session, "(p : Prop) (h : p) : p", "exact h", "nope", "assumption", stop=False)
    assert [reply.completed for reply in replies] == [True, False, True]


async def test_a_theorem_does_not_see_itself(session: Session) -> None:
    reply = await file(session, "theorem t : 1 = 2 := by\n  sorry\n")
    (place,) = reply.sorries
    again = await ask(session, Command("theorem u : 1 = 2 := t", env=place.before), timeout=LONG)
    assert again.errors


async def test_commands_grow_from_environments_and_leave_them_alone(session: Session) -> None:
    first = await on_base(session, "def two : Nat := 2")
    assert first.env is not None
    second = await ask(session, Command("theorem t : two = 2 := rfl", env=first.env), timeout=LONG)
    assert (first.messages, second.messages) == ((), ())
    other = await on_base(session, "#check two")
    assert "two" in other.errors[0].text


async def test_scopes_stay_open_between_commands(session: Session) -> None:
    first = await on_base(session, "namespace A\nvariable (n : Nat)")
    assert first.env is not None
    second = await ask(session, Command("theorem t : n = n := rfl\nend A\n#check @A.t", env=first.env), timeout=LONG)
    assert second.errors == ()


async def test_errors_are_values_with_positions_in_characters(session: Session) -> None:
    reply = await on_base(session, "theorem ü (α : Type) (a : α) :\n  «𝔸 β» = a := rfl")
    assert reply.env is not None
    error = reply.errors[0]
    assert "«𝔸 β»" in error.text
    assert (error.start, error.end) == (Position(2, 2), Position(2, 7))


async def test_a_sorry_warns_in_one_of_leans_wordings(session: Session) -> None:
    reply = await on_base(session, "theorem t : 1 = 2 := sorry")
    assert [message.text.replace("`", "'") for message in reply.messages] == ["declaration uses 'sorry'"]


@pytest.mark.starts_often
async def test_an_unknown_library_is_refused(session: Session) -> None:
    with pytest.raises(RequestRefused, match="NoSuchLibrary"):
        await session.exchange(Command("import NoSuchLibrary"), timeout=LONG)


@pytest.mark.parametrize("wrong", [Command("def a := 1", env=10**6), Tactics(("rfl",), 10**6)], ids=["env", "state"])
async def test_unknown_numbers_are_refused_and_the_session_is_fine(session: Session, wrong: Command | Tactics) -> None:
    await base(session)
    generation = session.generation
    with pytest.raises(RequestRefused, match="Unknown"):
        await session.exchange(wrong, timeout=LONG)
    await base(session)
    assert session.generation == generation


async def test_what_is_forgotten_is_unknown(session: Session) -> None:
    reply = await on_base(session, "theorem t : 1 = 1 := by sorry")
    state = reply.sorries[0].proof_state
    assert reply.env is not None
    assert await session.exchange(Forget((reply.env,), proof_states_from=state), timeout=LONG) == ForgetReply(ok=True)
    for request in (Command("def a := 1", env=reply.env), Tactics(("rfl",), state)):
        with pytest.raises(RequestRefused, match="Unknown"):
            await session.exchange(request, timeout=LONG)


LAST = Position(4, 14)
PLACES = [
    ("theorem t : 1 = 1 := by\n  sorry", "tactic", Position(2, 2), True),
    ("theorem t : 1 = 1 := sorry", "term", Position(1, 21), True),
    ("theorem t : 1 = 1 := by\n  exact sorry", "term", Position(2, 8), True),
    ("theorem t : 1 = 1 := by\n  admit", "admit", Position(2, 2), True),
    ("def n : Nat := sorry", "term", Position(1, 15), False),
    ("def n : Nat := by sorry", "tactic", Position(1, 18), False),
    ("/-- sorry, a doc -/\n@[simp] theorem t : 1 = 1 :=\n  -- sorry\n  by sorry", "tactic", Position(4, 5), True),
    (
        "theorem t (n : Nat) : n = n := by\n  cases n with\n  | zero => rfl\n  | succ m => sorry",
        "tactic",
        Position(4, 14),
        True,
    ),
]


@pytest.mark.parametrize(("text", "syntax", "start", "is_prop"), PLACES, ids=range(len(PLACES)))
async def test_every_kind_of_sorry_is_found(
    session: Session, text: str, syntax: str, start: Position, is_prop: bool
) -> None:
    reply = await file(session, f"theorem before : True := trivial\n\n{text}\n\ntheorem behind : True := trivial\n")
    (place,) = reply.sorries
    assert reply.errors == ()
    assert (place.syntax, place.span.start, place.is_prop) == (syntax, Position(start.line + 2, start.column), is_prop)
    assert place.declaration in ("t", "n")
    assert place.command is not None
    assert (place.command.start, place.command.end.line) == (Position(3, 0), 3 + text.count("\n"))


async def test_stop_leaves_several_goals(session: Session) -> None:
    reply = await file(session, "theorem t : True ∧ 1 = 1 := by\n  constructor\n  stop\n  trivial\n")
    (place,) = reply.sorries
    assert (place.syntax, place.goals, place.span.start) == ("stop", 2, Position(3, 2))


async def test_namespaces_and_what_is_open_are_told(session: Session) -> None:
    text = "namespace A.B\nopen Nat List\ntheorem t : 1 = 1 := by sorry\nend A.B\n"
    (place,) = (await file(session, text)).sorries
    assert (place.declaration, place.namespace, set(place.opens)) == ("A.B.t", "A.B", {"Nat", "List"})


async def test_a_goal_is_printed_with_its_hypotheses(session: Session) -> None:
    (place,) = (await file(session, "theorem t (n : Nat) (h : 0 < n) : n ≠ 0 := by\n  sorry\n")).sorries
    assert place.goal == "n : Nat\nh : 0 < n\n⊢ n ≠ 0"


async def test_the_environment_in_front_of_a_place_takes_its_command_again(session: Session) -> None:
    text = "def two := 2\ntheorem t : two = 2 := by\n  sorry\ntheorem u : two = 2 := t\n"
    (place,) = (await file(session, text)).sorries
    assert place.before is not None
    again = await ask(session, Command("theorem t : two = 2 := by\n  rfl", env=place.before), timeout=LONG)
    assert (again.errors, again.sorries) == ((), ())


async def test_a_files_header_is_skipped_and_its_scopes_end_with_it(session: Session) -> None:
    first = await file(session, "import Init\n\nnamespace A\nopen Nat\ndef x := 1\nvariable (n : Nat)\n")
    assert first.errors == ()
    assert first.env is not None
    second = await file(session, "#check A.x\nexample : Nat := n\n", first.env)
    assert [("n" in error.text, error.start.line) for error in second.errors] == [(True, 2)]


async def test_an_end_too_many_is_an_error(session: Session) -> None:
    reply = await file(session, "def x := 1\nend\n")
    assert reply.errors


async def test_positions_in_a_file_are_those_of_the_file(session: Session) -> None:
    text = "import Init\n\ntheorem a : 1 = 1 := sorry\n\ntheorem b : 1 = 2 := rfl\n"
    reply = await file(session, text)
    assert reply.errors[0].start.line == 5


async def test_a_file_can_be_read_as_noncomputable(session: Session) -> None:
    text = "def f (p : Nat → Prop) (h : ∃ n, p n) : Nat := Classical.choose h\n"
    assert (await file(session, text)).errors
    assert (await file(session, text, noncomputable=True)).errors == ()


STRICT = (("autoImplicit", "false"), ("linter.all", "true"), ("no.such.option", "3"))
FACTS = """def two : Nat := 2
theorem open_one : two = 2 := sorry
theorem rests : two = 2 := open_one
theorem free (n : Nat) : n = n := rfl
theorem classical (p : Prop) : p ∨ ¬p := Classical.em p
axiom wish : two = 3
theorem wished : two = 3 := wish
"""


async def described(session: Session, request: Describe) -> dict[str, Fingerprint]:
    return {found.name: found for found in (await ask(session, request, timeout=LONG)).declarations}


@pytest.mark.starts_often
async def test_fingerprints_say_what_rests_on_what(session: Session) -> None:
    env = await base(session)
    reply = await file(session, FACTS, env)
    assert reply.env is not None
    told = await described(session, Describe(reply.env, env))
    shown = {n: (f.kind, f.own_sorry, f.has_sorry) for n, f in told.items() if not f.auxiliary}
    assert shown == {
        "two": ("def", False, False),
        "open_one": ("theorem", True, True),
        "rests": ("theorem", False, True),
        "free": ("theorem", False, False),
        "classical": ("theorem", False, False),
        "wish": ("axiom", False, False),
        "wished": ("theorem", False, False),
    }
    assert set(told["wished"].axioms) == {"wish"}
    assert "Classical.choice" in told["classical"].axioms or told["classical"].axioms == ()
    assert told["free"].axioms == ()


PROVED = """def equation : 1 = 1 := rfl
def number : Nat := 1
def Positive (n : Nat) : Prop := 0 < n
def positive : Positive 1 := Nat.one_pos
def byStep {motive : Nat → Prop} (zero : motive 0) (step : ∀ n, motive n → motive (n + 1)) (n : Nat) : motive n :=
  Nat.rec zero step n
def choose (p : Nat → Type) (x : p 0) : p 0 := x
class Law (α : Type) where
  op : α → α → α
  comm : ∀ a b, op a b = op b a
"""


async def test_what_is_proved_by_a_def_is_known_as_proved(session: Session) -> None:
    env = await base(session)
    reply = await file(session, PROVED, env)
    assert reply.env is not None
    told = await described(session, Describe(reply.env, env))
    proved = {"equation", "positive", "byStep", "Law.comm"}
    assert {name for name, fact in told.items() if fact.is_theorem and not fact.auxiliary} >= proved
    assert not {name for name in ("number", "Positive", "choose", "Law", "Law.op") if told[name].is_theorem}
    assert {name for name, fact in told.items() if is_induction_principle(fact.type)} >= {"byStep"}
    assert not any(is_induction_principle(told[name].type) for name in ("choose", "positive", "Law.comm"))


async def test_fingerprints_tell_statements_apart_and_not_names_of_binders(session: Session) -> None:
    env = await base(session)
    told = []
    for text in (
        "theorem t (n : Nat) : n = n := rfl",
        "theorem t (m : Nat) : m = m := by rfl",
        "theorem t (n : Int) : n = n := rfl",
    ):
        reply = await file(session, text, env)
        assert reply.env is not None
        told.append((await described(session, Describe(reply.env, env)))["t"].type)
    assert told[0] == told[1] != told[2]


async def test_only_what_is_new_is_described(session: Session) -> None:
    first = await file(session, "def old := 1\n")
    assert first.env is not None
    second = await file(session, "def new := old\n", first.env)
    assert second.env is not None
    told = await described(session, Describe(second.env, first.env))
    assert {name for name, f in told.items() if not f.auxiliary} == {"new"}
    assert told["new"].kind == "def"


async def test_an_axiom_of_the_project_is_told_by_its_exact_name(session: Session) -> None:
    env = await base(session)
    reply = await file(session, "private axiom own_one : 1 = 2\ntheorem t : 1 = 2 := own_one\n", env)
    assert (reply.errors, reply.env is None) == ((), False)
    assert reply.env is not None
    told = await described(session, Describe(reply.env, env))
    assert any(name.startswith("_private.") and name.endswith(".own_one") for name in told["t"].axioms)


async def test_one_goal_of_a_state_can_be_worked_on_alone(session: Session) -> None:
    (split,) = await tried(session, "(p q r : Prop) (a : p) (b : q ∧ r) : p ∧ q ∧ r", "constructor")
    assert split.proof_state is not None

    async def alone(tactic: str, state: int, goal: int) -> TacticReply:
        request = Tactics((tactic,), state, limits=PATIENT, goal=goal)
        return (await ask(session, request, timeout=LONG)).results[0]

    first, wrong, second = [
        await alone(tactic, split.proof_state, goal)
        for tactic, goal in (("exact a", 0), ("exact a", 1), ("exact b", 1))
    ]
    assert (first.completed, wrong.failed, second.completed) == (True, True, True)
    parts = await alone("constructor", split.proof_state, 1)
    assert (parts.completed, [goal.rpartition("⊢ ")[2] for goal in parts.goals]) == (False, ["q", "r"])
    assert parts.proof_state is not None
    one, other = await alone("exact b.1", parts.proof_state, 0), await alone("exact b.2", parts.proof_state, 1)
    assert (one.completed, other.completed) == (True, True)
    assert not (await alone("sorry", parts.proof_state, 1)).completed
    with pytest.raises(RequestRefused, match="no such goal"):
        await alone("rfl", parts.proof_state, 2)


async def test_the_constants_that_a_goal_speaks_of_are_told(session: Session) -> None:
    statement = "theorem t (xs : List Nat) (h : ∀ k, dbl k = k) : (xs.map dbl).length = 0"
    text = f"def dbl (n : Nat) := n + n\n{statement} := by sorry\n"
    (place,) = (await file(session, text)).sorries
    names = set((await ask(session, Mentions(place.proof_state), timeout=LONG)).names)
    assert {"List", "Nat", "dbl", "List.map", "List.length", "Eq"} <= names
    assert not names & {"xs", "h", "k", "n", "t", "fun"}


async def test_the_librarys_constants_are_told_module_by_module(session: Session) -> None:
    env = await base(session)
    reply = await ask(session, LibraryConstants(env, 0, 0, 60), timeout=LONG)
    assert (reply.module, reply.modules > 10, reply.constants > 60) == ("Init.Prelude", True, True)
    assert any(premise.kind in ("theorem", "def", "inductive") and premise.type for premise in reply.premises)
    behind = await ask(session, LibraryConstants(env, 10**6), timeout=LONG)
    assert (behind.module, behind.premises) == ("", ())
    if session.compiled is not None:
        assert await ask(session, LibraryConstants(env, "Init.Prelude", 0, 60), timeout=LONG) == reply
        absent = await ask(session, LibraryConstants(env, "Init.«no such»", 0, 60), timeout=LONG)
        assert (absent.module, absent.premises) == ("", ())


@pytest.mark.starts_often
async def test_options_of_a_library_hold_in_its_files_alone(session: Session, lake_project: Path) -> None:
    loose = "theorem {} (xs : List α) : xs = xs := by\n  sorry\n"
    plain = project(
        A=loose.format("a"),
        B="import A\n" + loose.format("b"),
        C="import A\ntheorem c : 1 = 1 := by\n  sorry\n",
        D="import C\n" + loose.format("d"),
    )
    modules = [replace(m, options=STRICT) if m.name in "BC" else m for m in plain.modules]
    await compiled(session, plain, lake_project)
    workspace = Workspace(session, replace(plain, modules=tuple(modules)))
    found = await extract(workspace, modules)
    assert [goal.declaration for goal in found.goals] == ["a", "c", "d"]
    (problem,) = found.problems
    assert problem.path == "B.lean"
    assert "α" in problem.message


@pytest.mark.starts_often
async def test_a_sketch_becomes_goals(session: Session) -> None:
    small = project(A="theorem t (p q : Prop) (a : p) (b : q) : p ∧ q := by\n  sorry\n")
    workspace = Workspace(session, small)
    (goal,) = (await extract(workspace, small.modules)).goals
    opened = OpenGoal(workspace, goal, PATIENT)
    await opened.ready()
    parts = await opened.split("constructor\n· exact a\n· have c : q := by sorry\n  exact c", seconds=100)
    assert parts.errors == ()
    assert [part.text.rpartition("⊢ ")[2] for part in parts.goals] == ["q"]
    broken = await opened.split("exact no_such", seconds=100)
    assert broken.errors
    await opened.release()


async def test_goals_are_extracted_opened_proved_and_checked(session: Session, lake_project: Path) -> None:
    small = project(
        A="def dbl (n : Nat) := n + n\n",
        B="import A\n\nnamespace B\ntheorem t (n : Nat) : dbl n = 2 * n := by\n  sorry\nend B\n",
    )
    await compiled(session, small, lake_project)
    workspace = Workspace(session, small)
    found = await extract(workspace, await to_elaborate(session, small.modules))
    assert found.problems == ()
    (goal,) = found.goals
    assert (goal.declaration, goal.context.namespace, goal.module) == ("B.t", "B", "B")
    opened = OpenGoal(workspace, goal, PATIENT)
    await opened.ready()
    replies = await opened.tactics(["rfl", "simp [dbl]; omega"])
    assert [reply.completed for reply in replies] == [False, True]
    assert (await opened.check("simp [dbl]; omega", seconds=100)).accepted
    refused = await opened.check("exact no_such", seconds=100)
    assert (refused.accepted, bool(refused.errors)) == (False, True)
    assert not (await opened.check("sorry", seconds=100)).accepted
    await opened.release()


@pytest.mark.starts_often
async def test_a_proof_that_hides_a_sorry_is_not_accepted(session: Session) -> None:
    small = project(A="theorem t (n : Nat) : n = n + 1 := by\n  sorry\n")
    workspace = Workspace(session, small)
    (goal,) = (await extract(workspace, small.modules)).goals
    opened = OpenGoal(workspace, goal, PATIENT)
    await opened.ready()
    assert not (await opened.check("exact sorryAx _ true", seconds=100)).accepted


@pytest.mark.parametrize("kind", ["scripted", "embedded", "native"])
async def test_a_closed_session_says_so_and_closing_twice_is_fine(kind: str, servers: Servers, tmp_path: Path) -> None:
    made: dict[str, Session] = {
        "scripted": ScriptedSession([]),
        "embedded": servers.session(),
        "native": native_session(tmp_path, tmp_path / "lake", tmp_path),
    }
    session = made[kind]
    await session.close()
    await session.close()
    with pytest.raises(SessionClosed):
        await session.exchange(Command(""), timeout=1.0)


def test_both_real_sessions_are_sessions() -> None:
    for kind in (EmbeddedSession, NativeSession, ScriptedSession):
        assert {"generation", "exchange", "close"} <= set(dir(kind))
