"""What the gate concludes, and the comparison it rests on: a patched project against the original. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from orchestrator.gate.canonical import has_data_sorry
from orchestrator.goals.declaration import STANDARD_AXIOMS, Fingerprint, is_generated
from orchestrator.goals.goal import Position, SourceSpan
from orchestrator.source.lexer import code_mask

DECLARATION = "Lean.Parser.Command.declaration"
"""Syntax kind of the command that declares a theorem."""


COMPILED_CODE = "Lean.ofReduceBool"
"""The axiom that what a compiled program computes is true."""


class Question(StrEnum):
    """The four questions, in the order in which they are asked."""

    TEXT = "1, is it the original with its sorries filled"
    FILLINGS = "2, are the fillings proofs and nothing else"
    EXPORT = "3, what does Lean make of it"
    TRUTH = "4, is it true, and the statement that was asked for"


class CheckName(StrEnum):
    """What the gate looks at."""

    TEXT = "the patch is the original with its sorries filled, and nothing else"
    PROOF = "what fills them runs no code and changes nothing that others see"
    COMPILES = "the project compiles with the proof in place"
    STATEMENT = "kind, name, universe levels and statement are as in the original"
    NO_SORRY = "no sorry below it"
    AXIOMS = "only allowed axioms below it"
    KERNEL = "the kernel accepts it, and what it rests on, once more"
    LIMITS = "it stays within Lean's own limit of work"
    NOTHING_ELSE = "every other declaration is as in the original"
    HELPERS = "every helper lemma is a proved theorem of a new name, and nothing else"
    OTHERS = "other checkers accept the compiled modules"

    @property
    def question(self) -> Question:
        """Which of the four questions it belongs to."""
        return _QUESTIONS.get(self, Question.TRUTH)

    @property
    def advice(self) -> str:
        """What whoever wrote the patch can do when it fails."""
        return _ADVICE[self]


_QUESTIONS = {
    CheckName.TEXT: Question.TEXT,
    CheckName.PROOF: Question.FILLINGS,
    CheckName.LIMITS: Question.FILLINGS,
    CheckName.HELPERS: Question.FILLINGS,
    CheckName.COMPILES: Question.EXPORT,
}
_ADVICE = {
    CheckName.TEXT: "Change nothing but the sorries; a line `Helper-lemma: NAME` in front of the patch, "
    "or --helper NAME, allows a lemma that it adds",
    CheckName.PROOF: "Prove it without that; the project's owner can allow native_decide, options and a higher limit "
    "in orchestrator.toml",
    CheckName.COMPILES: "Change the proof until Lean accepts the file",
    CheckName.STATEMENT: "Prove the statement as the original has it",
    CheckName.NO_SORRY: "Look for the tactic, macro or instance that leaves a sorry behind, and prove it without",
    CheckName.AXIOMS: "Prove it without them; the project's owner can list them under allowed_axioms "
    "in orchestrator.toml",
    CheckName.KERNEL: "Prove it another way: what the elaborator took is no proof",
    CheckName.LIMITS: "Find a proof that needs less; the project's owner can set max_heartbeats in orchestrator.toml",
    CheckName.NOTHING_ELSE: "Leave every other declaration as it is; a line `Helper-lemma: NAME` in front of the patch "
    "allows a lemma that it adds",
    CheckName.HELPERS: "Write each helper as a plain theorem with a proof and a new name, and name it in a line "
    "`Helper-lemma: NAME` or with --helper NAME",
    CheckName.OTHERS: "See what the checker says of the compiled file",
}


class VerdictStatus(StrEnum):
    """Passed: proved. Partial: this place is closed, others of the declaration are open. Conditional: proved from
    another declaration that still has a sorry. Failed: not to be used."""

    PASSED = "passed"
    PARTIAL = "partial"
    CONDITIONAL = "conditional"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at, and what was seen when it is not as it should be."""

    name: CheckName
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's word on one declaration.

    Attributes:
        declaration: its name as a user writes it.
        file: path in the repository.
        status: see `VerdictStatus`.
        checks: everything that was looked at.
        axioms: what it rests on.
        rests_on: declarations with a sorry below a conditional one.
        not_checked: what could not be looked at here, in words.
        warnings: what a reader should look at twice, in words; it decides nothing.
        line: where its command begins in the original file, 0 where that is not known.
        remaining: where the sorries of a partial one stand in the patched file.
    """

    declaration: str
    file: str
    status: VerdictStatus
    checks: tuple[Check, ...] = ()
    axioms: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    line: int = 0
    remaining: tuple[Position, ...] = ()

    @property
    def accepted(self) -> bool:
        """The patch may hold it; it is green only when `status` is passed."""
        return self.status is not VerdictStatus.FAILED

    @property
    def reason(self) -> str:
        """Why it failed ("" when it did not): the question that it failed first, and what was seen."""
        failed = [check for check in self.checks if not check.passed]
        words = "; ".join(f"not so: {c.name.value}" + (f" ({c.detail})" if c.detail else "") for c in failed)
        return f"question {failed[0].name.question[0]}, {words}" if failed else ""

    @property
    def advice(self) -> str:
        """What to do about it ("" when it did not fail)."""
        return next((check.name.advice for check in self.checks if not check.passed), "")

    @property
    def conclusion(self) -> str:
        """What its status rests on: why it failed, what it is conditional on, which sorries stay."""
        if self.rests_on:
            return f"rests on {', '.join(self.rests_on)}"
        where = ", ".join(f"{self.file}:{place.line}:{place.column}" for place in self.remaining)
        return self.reason or (f"still open: {where}" if where else "")

    @property
    def axioms_seen(self) -> str:
        """The axioms that were seen below it; that none was seen is not that there are none."""
        unseen = any(word.startswith("axioms") for word in self.not_checked)
        return ", ".join(self.axioms) or ("none seen" if unseen else "none")


Declarations = Mapping[str, Fingerprint]
_OF_A_TYPE = {"inductive", "constructor", "recursor"}
_EXAMPLE = re.compile(r"(?:^|\.)_example(?:\.\d+)?$")


def shown_name(declaration: str, line: int) -> str:
    """A declaration's name as it is shown: an example has none of its own, only a place."""
    return f"example at line {line}" if _EXAMPLE.search(declaration) else declaration


def differences(
    original: Declarations,
    patched: Declarations,
    *,
    allowed_axioms: frozenset[str] = STANDARD_AXIOMS,
    helpers: frozenset[str] = frozenset(),
    below: frozenset[str] = frozenset(),
    filled: frozenset[Position | None] | None = None,
) -> tuple[str, ...]:
    """What the patch changed beside the bodies of declarations that had a sorry, each in words.

    `helpers` are names of lemmas that the patch is allowed to add, `below` exact names of constants that hang below
    what it fills, `filled` the places of the sorries that it fills (None: any), which Lean may have copied elsewhere.
    """
    found: list[str] = []
    kinds = {name: facts.kind for name, facts in (*original.items(), *patched.items())}
    for name, before in original.items():
        after = patched.get(name)
        if after is None:
            if not (before.auxiliary or is_generated(name, kinds)):
                found.append(f"`{before.user_name}` is gone")
            continue
        changed = statement_change(before, after)
        if changed:
            found.append(f"`{before.user_name}`: {changed}")
        elif (
            before.value != after.value
            and not before.auxiliary
            and not (has_data_sorry(before.value) and (filled is None or filled & sorry_places(name, original)))
        ):
            found.append(f"`{before.user_name}`: the body changed")
        if after.own_sorry and not before.own_sorry:
            found.append(f"`{before.user_name}` has a sorry now")
        foreign = sorted(set(after.axioms) - set(before.axioms) - allowed_axioms - {"sorryAx"})
        if foreign and not before.has_sorry:
            found.append(f"`{before.user_name}` rests on {', '.join(foreign)} now")
    for name, after in patched.items():
        if name in original:
            continue
        if after.kind == "axiom":
            found.append(f"new axiom `{after.user_name}`")
        elif after.user_name in helpers and after.kind == "theorem":
            foreign = sorted(set(after.axioms) - allowed_axioms - {"sorryAx"})
            if after.own_sorry:
                found.append(f"the helper `{after.user_name}` has a sorry")
            if foreign:
                found.append(f"the helper `{after.user_name}` rests on {', '.join(foreign)}")
        elif not (after.auxiliary or is_generated(name, kinds) or name in below):
            found.append(f"new declaration `{after.user_name}`")
    return tuple(found)


def command_change(original: Sequence[str], patched: Sequence[str], new_declarations: int = 0) -> str:
    """How the commands of a file differ, "" when they are of the same kinds in the same order.

    A proof that ends its declaration and goes on with commands of its own shows here, whatever it declares. As many
    as `new_declarations` more of the kind `declaration` are no difference.
    """
    todo = list(original)
    extra = 0
    for kind in patched:
        if todo and todo[0] == kind:
            del todo[0]
        elif kind == DECLARATION:
            extra += 1
        else:
            todo.append("")
            break
    if not todo and extra <= new_declarations:
        return ""
    return f"the file had {len(original)} commands and has {len(patched)}, or others in their places"


def helper_problems(
    names: Iterable[str], original: Declarations, patched: Declarations, *, allowed_axioms: frozenset[str]
) -> tuple[str, ...]:
    """What is wrong with the helper lemmas that a patch adds, each in words. `original` is the whole project's."""
    found: list[str] = []
    there = {facts.user_name for facts in original.values() if not facts.auxiliary}
    added = {facts.user_name: facts for facts in patched.values() if not facts.auxiliary}
    for name in names:
        facts = added.get(name)
        if name in there:
            found.append(f"`{name}` is the name of something else")
        elif facts is None:
            found.append(f"`{name}` was not found")
        elif facts.kind != "theorem":
            found.append(f"`{name}` is a {facts.kind}, not a theorem")
        elif facts.own_sorry:
            found.append(f"`{name}` is not proved")
        elif foreign := sorted(set(facts.axioms) - allowed_axioms - {"sorryAx"}):
            found.append(f"`{name}` rests on {', '.join(foreign)}")
        elif facts.recheck:
            found.append(f"`{name}`: {facts.recheck}")
    return tuple(found)


def statement_change(before: Fingerprint, after: Fingerprint) -> str:
    """How the statement differs, "" when it does not. An auxiliary proof or definition is compared where it is used."""
    if before.auxiliary and before.kind in ("theorem", "def"):
        return ""
    if before.kind != after.kind:
        return f"was a {before.kind}, is a {after.kind}"
    if before.levels != after.levels:
        return "the universe levels changed"
    return "the statement changed" if before.type != after.type else ""


def sorried_below(name: str, everything: Declarations) -> tuple[str, ...]:
    """User names of the declarations below `name` that have a sorry of their own, sorted."""
    seen: set[str] = set()
    todo = [name]
    found: set[str] = set()
    while todo:
        current = todo.pop()
        if current in seen or current not in everything:
            continue
        seen.add(current)
        facts = everything[current]
        if current != name and facts.own_sorry:
            # What the elaborator made belongs to the declaration that it was made for.
            found.add(facts.owner if facts.auxiliary else facts.user_name)
        todo.extend(facts.uses)
    own = everything[name].user_name if name in everything else ""
    return tuple(sorted(found - {"", own}))


def sorry_places(name: str, declarations: Declarations) -> frozenset[Position | None]:
    """Where the sorries of a declaration stand, those of the auxiliary constants that it speaks of included."""
    todo, seen, found = [name], set[str](), set[Position | None]()
    while todo:
        current = todo.pop()
        facts = declarations.get(current)
        if current not in seen and facts is not None and (facts.auxiliary or current == name):
            seen.add(current)
            found |= set(facts.sorry_places)
            todo.extend(facts.uses)
    return frozenset(found)


def below(names: Iterable[str], everything: Declarations) -> set[str]:
    """Exact names of some declarations and of all that they rest on."""
    todo, seen = list(names), set[str]()
    while todo:
        name = todo.pop()
        if name not in seen and name in everything:
            seen.add(name)
            todo.extend(everything[name].uses)
    return seen


def brought_up_to_date(declarations: Declarations, patched: Declarations, everything: Declarations) -> Declarations:
    """Declarations of a file that stays as it is, with the axioms that they rest on now.

    What they rest on by themselves is as it was; what they rest on through `patched` is as that is now. `everything`
    holds both, and what lies between.
    """
    found = {}
    for name, facts in declarations.items():
        under = below([name], everything)
        sorries = {"sorryAx"} if any(everything[one].own_sorry for one in under) else set()
        theirs = {axiom for one in under if one in patched for axiom in patched[one].axioms}
        axioms = (set(facts.axioms) | theirs) - {"sorryAx"} | sorries
        found[name] = replace(facts, axioms=tuple(sorted(axioms)), has_sorry=bool(sorries))
    return found


def kernel_complaints(name: str, everything: Declarations) -> tuple[str, ...]:
    """What the kernel has against `name` or anything of the project below it, each in words.

    A declaration that was made while the kernel's check was switched off can be wrong, and it can rest on itself.
    """
    found: list[str] = []
    seen: set[str] = set()
    todo = [name]
    while todo:
        current = todo.pop()
        if current in seen or current not in everything:
            continue
        seen.add(current)
        facts = everything[current]
        if facts.recheck:
            found.append(facts.recheck if current == name else f"`{facts.user_name}`: {facts.recheck}")
        # A type and its constructors speak of one another; the kernel takes them together.
        if name in facts.uses and not {facts.kind, everything[name].kind} <= _OF_A_TYPE:
            found.append("it rests on itself")
        todo.extend(facts.uses)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class FileContext:
    """What the verdicts on the declarations of one patched file have in common.

    Attributes:
        file: its path.
        everything: the patched project's declarations by exact name.
        allowed_axioms: the allowlist.
        general: checks that concern the whole patch.
        not_checked, warnings: as in `Verdict`.
    """

    file: str
    everything: Declarations
    allowed_axioms: frozenset[str]
    general: tuple[Check, ...] = ()
    not_checked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def failed(self, declaration: str, own: Check) -> Verdict:
        """The verdict on a declaration of a patch that is refused as it is written: it was never elaborated."""
        checks = (*self.general, own)
        if all(check.passed for check in checks):
            checks = (Check(CheckName.TEXT, False, "another part of the patch is refused"), *checks[1:])
        return Verdict(
            declaration,
            self.file,
            VerdictStatus.FAILED,
            checks,
            not_checked=self.not_checked,
            warnings=self.warnings,
        )


def judge(
    before: Fingerprint,
    after: Fingerprint | None,
    context: FileContext,
    *,
    hole: str = "",
    shown: bool = False,
    refused: str = "",
) -> Verdict:
    """The verdict on one declaration that had a sorry.

    Args:
        before, after: the declaration in the original and in the patched project (None when it is gone).
        context: what concerns the file.
        hole: the axiom that fills the sorries the patch leaves in this declaration, "" when it leaves none.
        shown: whether every sorry that it still has is written in the text.
        refused: what the kernel says of it, "" when it accepted it.
    """
    if after is None:
        gone = Check(CheckName.KERNEL if refused else CheckName.STATEMENT, False, refused or "the declaration is gone")
        checks = [*context.general, gone]
        axioms: tuple[str, ...] = ()
        rests_on: tuple[str, ...] = ()
    else:
        changed = statement_change(before, after)
        foreign = sorted(set(after.axioms) - context.allowed_axioms - {hole, "sorryAx"})
        complaints = kernel_complaints(after.name, {**context.everything, after.name: after})
        hidden = "it has a sorry of its own that the text does not show" if after.own_sorry and not shown else ""
        checks = [
            *context.general,
            Check(CheckName.STATEMENT, not changed, changed),
            Check(CheckName.NO_SORRY, not hidden, hidden),
            Check(CheckName.AXIOMS, not foreign, ", ".join(foreign)),
            Check(CheckName.KERNEL, not complaints, "; ".join(complaints[:3])),
        ]
        # Of what is still to be proved nobody knows the axioms.
        open_here = {hole, "sorryAx"} if hole or after.own_sorry else set()
        axioms = tuple(sorted(set(after.axioms) - open_here))
        rests_on = sorried_below(after.name, context.everything) if after.has_sorry else ()
    if not all(check.passed for check in checks):
        status = VerdictStatus.FAILED
    elif hole or (after is not None and after.own_sorry):
        status = VerdictStatus.PARTIAL
    elif after is not None and after.has_sorry:
        status = VerdictStatus.CONDITIONAL
    else:
        status = VerdictStatus.PASSED
    name, unseen = before.user_name, context.not_checked
    if COMPILED_CODE in axioms:
        unseen = (*unseen, "what compiled code computes: the process that ran the proof is believed there")
    return Verdict(name, context.file, status, tuple(checks), axioms, rests_on, unseen, context.warnings)


def only_places_changed(original: str, spans: Iterable[SourceSpan], patched: str) -> bool:
    """Whether `patched` is `original` with something else, or the same, at each of the spans.

    White space at the edges of a place may differ. What stands in a place is not looked at here, except that it may
    not turn what follows into a comment or a string.
    """
    pieces = _around(original, sorted(spans))
    if len(pieces) == 1:
        return original == patched
    kept = [piece.strip() for _, piece in pieces]
    kept[0], kept[-1] = pieces[0][1].rstrip(), pieces[-1][1].lstrip()
    if not patched.startswith(kept[0]) or not patched.endswith(kept[-1]):
        return False
    stop = len(patched) - len(kept[-1])
    before, after = code_mask(original), code_mask(patched)
    same = [before[place + piece.find(text) :][: len(text)] for (place, piece), text in zip(pieces, kept, strict=True)]
    position = len(kept[0])
    for piece, code in zip(kept[1:-1], same[1:-1], strict=True):
        # Leftmost is right: it leaves the most room to what follows, as in matching a glob.
        found = patched.find(piece, position, stop)
        while found >= 0 and after[found : found + len(piece)] != code:
            found = patched.find(piece, found + 1, stop)
        if found < 0:
            return False
        position = found + len(piece)
    return position <= stop and after.startswith(same[0]) and after.endswith(same[-1])


def _around(text: str, spans: Sequence[SourceSpan]) -> list[tuple[int, str]]:
    """The stretches between the spans, each with its offset."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    pieces = []
    position = 0
    for span in spans:
        pieces.append((position, text[position : starts[span.start.line - 1] + span.start.column]))
        position = starts[span.end.line - 1] + span.end.column
    return [*pieces, (position, text[position:])]
