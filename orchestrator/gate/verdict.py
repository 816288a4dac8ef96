"""What the gate concludes, and the comparison it rests on: a patched project against the original. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.gate.canonical import has_data_sorry
from orchestrator.gate.differences import Declarations, sorried_below, statement_change
from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.goal import Position

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


_EXAMPLE = re.compile(r"(?:^|\.)_example(?:\.\d+)?$")


def shown_name(declaration: str, line: int) -> str:
    """A declaration's name as it is shown: an example has none of its own, only a place."""
    return f"example at line {line}" if _EXAMPLE.search(declaration) else declaration


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
    wider: bool = False,
) -> Verdict:
    """The verdict on one declaration that had a sorry.

    Args:
        before, after: the declaration in the original and in the patched project (None when it is gone).
        context: what concerns the file.
        hole: the axiom that fills the sorries the patch leaves in this declaration, "" when it leaves none.
        shown: whether every sorry that it still has is written in the text.
        refused: what the kernel says of it, "" when it accepted it.
        wider: whether it has its statement under variables of a section, which its filling speaks of.
    """
    if after is None:
        gone = Check(CheckName.KERNEL if refused else CheckName.STATEMENT, False, refused or "the declaration is gone")
        checks = [*context.general, gone]
        axioms: tuple[str, ...] = ()
        rests_on: tuple[str, ...] = ()
    else:
        changed = "" if wider else statement_change(before, after)
        foreign = sorted(set(after.axioms) - context.allowed_axioms - {hole, "sorryAx"})
        hidden = "it has a sorry of its own that the text does not show" if after.own_sorry and not shown else ""
        checks = [
            *context.general,
            Check(CheckName.STATEMENT, not changed, changed),
            Check(CheckName.NO_SORRY, not hidden, hidden),
            Check(CheckName.AXIOMS, not foreign, ", ".join(foreign)),
            Check(CheckName.KERNEL, not refused, refused),
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
    warnings = [*context.warnings]
    if wider:
        warnings.append(f"`{name}` now takes variables of its section that it did not take with a sorry")
    if after is not None and not after.own_sorry and has_data_sorry(before.value):
        warnings.append(f"`{name}` is data that the patch chose: what is proved of it holds for this choice")
    return Verdict(name, context.file, status, tuple(checks), axioms, rests_on, unseen, tuple(warnings))
