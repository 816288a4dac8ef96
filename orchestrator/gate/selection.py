"""Which of the proofs found pass the gate together: those to blame are dropped, then tried again alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.errors import NotJudged
from orchestrator.gate.gate import Gate
from orchestrator.gate.report import DeclarationsByModule, PatchReport
from orchestrator.gate.verdict import Check, CheckName, Verdict, VerdictStatus, shown_name
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.goals.result import HelperLemma
from orchestrator.lean.extraction import project_parts
from orchestrator.lean.protocol import Message
from orchestrator.ledger.content_cache import ContentCache, content_key, program_digest
from orchestrator.source.helper_lemmas import helper_text, with_helpers
from orchestrator.source.project import Project
from orchestrator.source.splice import splice_all


async def known_names(
    cache: ContentCache,
    project: Project,
    lean: str,
    names: Sequence[str],
    work: Callable[[], Awaitable[frozenset[str]]],
) -> frozenset[str]:
    """Which of `names` Lean's library declares, from the cache or by `work`.

    Raises:
        SessionError: as `work` does.
    """
    known = recalled_names(cache, project, lean, names)
    if known is not None:
        return known
    found = await work()
    cache.put(_names_key(project, lean, names), found)
    return found


def recalled_names(cache: ContentCache, project: Project, lean: str, names: Sequence[str]) -> frozenset[str] | None:
    """Which of `names` Lean's library declares, None when that was not asked before."""
    return cache.get(_names_key(project, lean, names), frozenset[str])


def _names_key(project: Project, lean: str, names: Sequence[str]) -> str:
    return content_key("names", [*project_parts(project, lean), *names])


_OF_THE_FILE = frozenset(
    {CheckName.TEXT, CheckName.COMPILES, CheckName.LIMITS, CheckName.NOTHING_ELSE, CheckName.HELPERS}
)
"""Checks that say the same of every proof in a file."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that a strategy found for a goal: what is to be put in place of the sorry, and the lemmas it needs."""

    goal: Goal
    script: str
    helpers: tuple[HelperLemma, ...] = ()


@dataclass(frozen=True, slots=True)
class GateReport:
    """What became of a set of proofs.

    Attributes:
        accepted: the proofs that passed together.
        verdicts: one for every goal, by its id.
        texts: path → content of the files with the accepted proofs in place.
        declarations: every module's fingerprints with these files.
        not_judged: why the gate could not look at a proof, by its goal's id.
    """

    accepted: tuple[Proof, ...]
    verdicts: Mapping[str, Verdict]
    texts: Mapping[str, str]
    declarations: DeclarationsByModule
    not_judged: Mapping[str, str] = field(default_factory=dict)


class Selection:
    """Finds proofs that pass together.

    Args:
        gate: judges sets of changed files.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._project = gate.project

    async def select(self, proofs: Sequence[Proof]) -> GateReport:
        """Find proofs that pass together, starting from all of them and dropping those that are to blame.

        A file that the gate cannot look at costs its own proofs alone; those are neither passed nor refused.

        Raises:
            SessionError: Lean broke in a way that no single proof can be blamed for.
        """
        unseen: dict[str, NotJudged] = {}
        while True:
            left_out = {p.goal.id: str(unseen[path]) for p in proofs for path in _files(p) if path in unseen}
            try:
                report = await self._passing([proof for proof in proofs if proof.goal.id not in left_out])
            except NotJudged as error:
                if error.where in unseen:
                    raise
                unseen[error.where] = error
            else:
                return replace(report, not_judged=left_out)

    async def _passing(self, proofs: Sequence[Proof]) -> GateReport:
        pending = list(proofs)
        verdicts: dict[str, Verdict] = {}
        dropped: list[Proof] = []
        failed: set[frozenset[str]] = set()
        while pending:
            report = await self._verify(pending)
            blamed = self._blame(pending, report)
            for proof in blamed:
                verdicts[proof.goal.id] = verdict_on(proof.goal, report)
            if not blamed:
                break
            failed.add(_ids(pending))
            dropped.extend(blamed)
            pending = [proof for proof in pending if proof not in blamed]
        else:
            report = PatchReport()
        for proof in dropped:
            together = [*pending, proof]
            if _ids(together) in failed:
                continue
            retry = await self._verify(together)
            if not self._blame(together, retry):
                pending, report = together, retry
            else:
                verdicts[proof.goal.id] = verdict_on(proof.goal, retry)
        by_declaration = {(verdict.file, verdict.declaration): verdict for verdict in report.verdicts}
        for proof in pending:
            verdicts[proof.goal.id] = by_declaration[_declared(proof.goal)]
        declarations = {**self._gate.original, **report.declarations}
        return GateReport(tuple(pending), verdicts, self._texts(pending), declarations)

    async def _verify(self, proofs: Sequence[Proof]) -> PatchReport:
        texts, helpers = self._texts(proofs), _helpers(proofs)
        return await self._gate.verify(texts, helpers) if helpers else await self._gate.verify(texts)

    def _texts(self, proofs: Sequence[Proof]) -> dict[str, str]:
        helpers = _helpers(proofs)
        texts = {}
        for path in dict.fromkeys([*(p.goal.file for p in proofs), *(h.file for h in helpers)]):
            base = with_helpers(self._project.by_path[path].text, [h for h in helpers if h.file == path])
            places = [
                (base.moved(proof.goal.span), proof.script, proof.goal.kind)
                for proof in proofs
                if proof.goal.file == path and proof.goal.span is not None
            ]
            texts[path] = splice_all(base.text, places)
        return texts

    def _blame(self, proofs: Sequence[Proof], report: PatchReport) -> list[Proof]:
        if not report.errors and report.accepted and self._all_judged(proofs, report):
            return []
        # Where Lean gives errors, their lines tell whose they are.
        refused = [verdict for verdict in report.verdicts if not verdict.accepted and verdict.file not in report.errors]
        # What one proof does wrong fails the whole file: the others are looked at again without it.
        own = [v for v in refused if any(not check.passed and check.name not in _OF_THE_FILE for check in v.checks)]
        failed = {(v.file, v.declaration) for v in own or refused}
        blamed = [p for p in proofs if _declared(p.goal) in failed]
        for path, messages in report.errors.items():
            blamed.extend(p for p in self._at_lines(proofs, path, messages) if p not in blamed)
        if not blamed:
            unlike = {path for path, found in report.differences.items() if found}
            judged = {(v.file, v.declaration) for v in report.verdicts}
            blamed = [p for p in proofs if p.goal.file in unlike or _declared(p.goal) not in judged]
        return blamed or list(proofs)

    @staticmethod
    def _all_judged(proofs: Sequence[Proof], report: PatchReport) -> bool:
        judged = {(verdict.file, verdict.declaration) for verdict in report.verdicts}
        return all(_declared(proof.goal) in judged for proof in proofs)

    def _at_lines(self, proofs: Sequence[Proof], path: str, messages: Sequence[Message]) -> list[Proof]:
        """Proofs whose command, in the patched file, holds one of the messages."""
        here = sorted((p for p in proofs if p.goal.file == path), key=lambda p: p.goal.span or _NOWHERE)
        base = with_helpers(self._project.by_path[path].text, [h for h in _helpers(proofs) if h.file == path])
        found = []
        shift = 0
        starts: dict[SourceSpan, int] = {}
        ends: dict[SourceSpan, int] = {}
        for proof in here:
            command = proof.goal.command
            assert proof.goal.span is not None
            assert command is not None
            now = base.moved(command)
            # The helper lemmas in front of a command are its own.
            starts.setdefault(command, now.start.line + shift - base.lines_before(command))
            spliced = splice_all(base.text, [(base.moved(proof.goal.span), proof.script, proof.goal.kind)])
            shift += spliced.count("\n") - base.text.count("\n")
            ends[command] = now.end.line + shift
        for proof in here:
            command = proof.goal.command
            if command is not None and any(starts[command] <= m.start.line <= ends[command] for m in messages):
                found.append(proof)
        return found


def verdict_on(goal: Goal, report: PatchReport) -> Verdict:
    """The verdict on a goal's declaration, of a report that may say of it nothing but that something went wrong."""
    file, name = _declared(goal)
    own = [verdict for verdict in report.verdicts if (verdict.file, verdict.declaration) == (file, name)]
    if report.accepted and own:
        return own[0]
    if refused := [verdict for verdict in own if not verdict.accepted]:
        return refused[0]
    messages = [message.text for found in report.errors.values() for message in found]
    unlike = [words for found in report.differences.values() for words in found]
    check = (
        Check(CheckName.COMPILES, False, messages[0][:300])
        if messages
        else Check(CheckName.NOTHING_ELSE, False, "; ".join(unlike[:5]) or "its declaration was not found again")
    )
    return Verdict(name, file, VerdictStatus.FAILED, (check,))


def _declared(goal: Goal) -> tuple[str, str]:
    """File and name of a goal's declaration, as its verdict says them."""
    return goal.file, shown_name(goal.declaration, goal.command.start.line if goal.command is not None else 0)


def _files(proof: Proof) -> frozenset[str]:
    """The files that a proof changes."""
    return frozenset({proof.goal.file, *(helper.file for helper in proof.helpers)})


def _helpers(proofs: Iterable[Proof]) -> tuple[HelperLemma, ...]:
    """The helper lemmas of all, each once, at its first place."""
    found: dict[str, HelperLemma] = {}
    for proof in proofs:
        for helper in proof.helpers:
            known = found.setdefault(helper.name, helper)
            if (helper.file, helper.before) < (known.file, known.before):
                found[helper.name] = helper
    return tuple(found.values())


def _ids(proofs: Iterable[Proof]) -> frozenset[str]:
    return frozenset(proof.goal.id for proof in proofs)


_NOWHERE = SourceSpan(Position(0, 0), Position(0, 0))


async def known_gate(
    cache: ContentCache,
    project: Project,
    lean: str,
    proofs: Sequence[Proof],
    work: Callable[[], Awaitable[GateReport]],
) -> GateReport:
    """The gate's report on exactly these proofs in exactly this project, from the cache or by `work`.

    What is kept is the report on the proofs that passed together; a refusal is looked into again.

    Raises:
        SessionError: as `work` does.
    """

    known = recalled_report(cache, project, lean, proofs)
    if known is not None:
        return known
    report = await work()
    # The next run comes with what passed alone: the ledger does not offer again what was turned down.
    verdicts = {proof.goal.id: report.verdicts[proof.goal.id] for proof in report.accepted}
    cache.put(_key(project, lean, report.accepted), replace(report, verdicts=verdicts, not_judged={}))
    return report


def recalled_report(cache: ContentCache, project: Project, lean: str, proofs: Sequence[Proof]) -> GateReport | None:
    """The gate's report on exactly these proofs in exactly this project, None when it was not worked out before."""
    return cache.get(_key(project, lean, proofs), GateReport)


def _key(project: Project, lean: str, placed: Sequence[Proof]) -> str:
    parts = ["\x00".join((proof.goal.id, proof.script, *map(helper_text, proof.helpers))) for proof in placed]
    # A verdict is never older than the gate's code.
    return content_key("gate", [program_digest(), *project_parts(project, lean), *sorted(parts)])
