"""What the gate says of a patch: a verdict for each declaration, and what is wrong with the patch as a whole. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.gate.verdict import Check, CheckName, Verdict, VerdictStatus
from orchestrator.goals.declaration import Fingerprint
from orchestrator.lean.checkers import Checker, Judgement, not_checked
from orchestrator.lean.protocol import Message, Sorry

DeclarationsByModule = Mapping[str, Mapping[str, Fingerprint]]


@dataclass(frozen=True, slots=True)
class PatchReport:
    """The gate's word on a set of changed files.

    Attributes:
        verdicts: one for each declaration whose sorries the patch touches.
        errors: Lean's error messages in the patched project, by path.
        remaining: sorries of the patched files, by path.
        differences: what else changed, by path.
        declarations: fingerprints of the modules that were looked at, as patched.
        export: the patched modules as lean4export writes them, where that was asked for and they were elaborated.
    """

    verdicts: tuple[Verdict, ...] = ()
    errors: Mapping[str, tuple[Message, ...]] = field(default_factory=dict)
    remaining: Mapping[str, tuple[Sorry, ...]] = field(default_factory=dict)
    differences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    declarations: DeclarationsByModule = field(default_factory=dict)
    export: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Something was proved, every touched declaration was accepted, and nothing else happened."""
        return (
            bool(self.verdicts)
            and not self.errors
            and not any(self.differences.values())
            and all(v.accepted for v in self.verdicts)
        )


def with_judgements(report: PatchReport, judgements: Sequence[Judgement]) -> PatchReport:
    """A report that other checkers had their say on, too: one that refuses fails every verdict. Pure.

    For a native project that is built with the patch in place (see `orchestrator.lean.checkers.run_checkers`).
    """
    refused = [f"{one.checker.value}: {one.words}" for one in judgements if one.passed is False]
    asked = [one.checker.value for one in judgements if one.passed is not None]
    silent = {word for one in Checker for word in not_checked([Judgement(one, None, "")])}
    verdicts = []
    for verdict in report.verdicts:
        before = tuple(w for w in verdict.not_checked if not any(w.startswith(start) for start in silent))
        changed = replace(verdict, not_checked=(*before, *not_checked(judgements)))
        if asked:
            check = Check(CheckName.OTHERS, not refused, "; ".join(refused) or ", ".join(asked))
            changed = replace(changed, checks=(*changed.checks, check))
        verdicts.append(replace(changed, status=VerdictStatus.FAILED) if refused else changed)
    return replace(report, verdicts=tuple(verdicts))
