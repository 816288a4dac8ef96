"""The gate: nothing reaches git, the ledger's successes, a ticket or the blueprint without passing here.

Code that is judged never speaks for itself: it only produces data, and a process that never ran it judges the data.
Four questions, each answered alone: is the patch the original with its sorries filled (`syntax`), are the fillings
proofs (`fillings`), what did they become (an export, made in a process that is believed in nothing), and is that true,
and the statement that was asked for (`judge`, `verdict`)?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace

from orchestrator.errors import MalformedReply, NotJudged, RequestRefused, SessionClosed, SessionError
from orchestrator.gate.assessment import Assessment, FileAnswers
from orchestrator.gate.differences import differences
from orchestrator.gate.entries import entry_changes
from orchestrator.gate.fillings import Allowance
from orchestrator.gate.judge import Court, KernelReport
from orchestrator.gate.processes import Case, OpenCase, OpenWorkspace, fresh_cases
from orchestrator.gate.report import DeclarationsByModule, PatchReport
from orchestrator.gate.shape import Shape, shape_of
from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.goal import Position
from orchestrator.goals.result import HelperLemma
from orchestrator.lean.checkers import NOT_CHECKED_EMBEDDED
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.protocol import ExportReply, Message, Severity, Sorry
from orchestrator.lean.workspace import Workspace
from orchestrator.source.lexer import suffixes
from orchestrator.source.project import Project, SourceModule


@dataclass(frozen=True, slots=True)
class _Elaborated:
    """What the first three questions gave, by module: how each differs from its original, and what Lean made of it.

    `again` are the modules that the patch makes others; `known_alone`: their entries are those alone that Lean says of
    itself.
    """

    shapes: Mapping[str, Shape]
    again: frozenset[str]
    known_alone: bool
    exports: dict[str, ExportReply] = field(default_factory=dict)
    errors: dict[str, tuple[Message, ...]] = field(default_factory=dict)
    remaining: dict[str, tuple[Sorry, ...]] = field(default_factory=dict)


class Gate:
    """Judges patches of one project.

    Args:
        project: the original.
        original: what elaborating it gave, before any patch existed.
        open_workspace: gives a workspace on a fresh process.
        allowance: what a proof may rest on, and what else the project's owner allows.
        keeps_export: whether what the kernel accepted is kept as an export that other checkers can read.
        not_checked: what cannot be looked at with this Lean, in words; part of every verdict.
        open_case: the processes of a verdict; fresh ones unless given.
    """

    def __init__(
        self,
        project: Project,
        original: Extraction,
        open_workspace: OpenWorkspace,
        *,
        allowance: Allowance = Allowance(),  # noqa: B008 - frozen
        keeps_export: bool = False,
        not_checked: tuple[str, ...] = NOT_CHECKED_EMBEDDED,
        open_case: OpenCase | None = None,
    ) -> None:
        self.project = project
        self.original: DeclarationsByModule = original.declarations
        self._open_case = open_case or fresh_cases(open_workspace)
        self._allowance = allowance
        self._keeps_export = keeps_export
        self._export: tuple[str, ...] = ()
        self._not_checked = not_checked
        self._originals: dict[str, ExportReply] = {}
        self._known: dict[tuple[str, frozenset[str]], FileAnswers] = {}
        self._shadowed: dict[frozenset[str], frozenset[str]] = {frozenset(): frozenset()}

    def apart(self) -> Gate:
        """A gate on the same project that has judged nothing yet: no verdict of another patch can be one of its own."""
        other = copy(self)
        other._known, other._export = {}, ()
        return other

    async def verify(
        self, texts: Mapping[str, str], helpers: Sequence[HelperLemma] = (), *, named: frozenset[str] = frozenset()
    ) -> PatchReport:
        """Judge the project with the files in `texts` (path → content) in place of the original ones.

        `helpers` and `named` are lemmas that these texts have and the original ones have not: proved theorems of new
        names.

        Raises:
            NotJudged: one of these files cannot be looked at; the others may be judged without it.
            SessionError: the process that judges broke.
        """
        names = named | {helper.name for helper in helpers}
        patched = self.project.with_texts(texts)
        keys = {
            module: (patched.environment_digest(module.name), names)
            for module in self.project.modules
            if module.path in texts
        }
        # Nothing else decides what a file comes to: one that was judged like this is not judged again.
        unknown = [module for module, key in keys.items() if key not in self._known]
        if not unknown:
            return self._report({module: self._known[key] for module, key in keys.items()}, texts, helpers, names)
        async with self._open_case(self.project, [module.name for module in unknown]) as case:
            found = await self._answers(case, unknown, patched, names)
            if may_run := all(one.shape.is_clean for one in found.values()):
                self._known.update({keys[module]: one for module, one in found.items()})
            files = {module: found.get(module) or self._known[key] for module, key in keys.items()}
            report = self._report(files, texts, helpers, names)
            # Of what Lean itself does not accept nothing is left.
            case.harmless = report.accepted or (may_run and all(one.errors for one in found.values()))
        return report

    def _report(
        self,
        files: Mapping[SourceModule, FileAnswers],
        texts: Mapping[str, str],
        helpers: Sequence[HelperLemma],
        names: frozenset[str],
    ) -> PatchReport:
        assessment = Assessment(self.project, self.original, self._allowance.axioms, self._not_checked)
        report = assessment.report(files, texts, helpers, names, shadowed=self._shadowed[names])
        return replace(report, export=self._export)

    async def _answers(
        self, case: Case, modules: Sequence[SourceModule], patched: Project, names: frozenset[str]
    ) -> dict[SourceModule, FileAnswers]:
        """The four questions, asked of some modules: everything of the patch is parsed before anything of it runs."""
        shapes: dict[str, Shape] = {}
        async with case.reading() as workspace:
            workspace.examples = True
            again = workspace.made_again({module.name for module in modules})
            known_alone = workspace.session.compiled is not None
            for module in modules:
                with _looking_at(module):
                    for imported in self.project.closure(module.name):
                        if imported.name in again and imported.name not in self._originals:
                            self._originals[imported.name] = await workspace.export(imported.name)
                    try:
                        _, found = await workspace.compare(module.name, patched.by_name[module.name].text)
                        shapes[module.name] = shape_of(found, names, self._allowance)
                    except MalformedReply as error:
                        # Where the original can be elaborated, as is done next, it is the patch that cannot be read.
                        shapes[module.name] = Shape(problems=(f"it cannot be read beside the original: {error.what}",))
                    if module.name not in self._originals:
                        self._originals[module.name] = await workspace.export(module.name)
            if names not in self._shadowed:
                ends = sorted({end for name in names for end in suffixes(name)})
                self._shadowed[names] = await workspace.library_has(ends)
        originals = {name: self._originals[name] for name in again}
        # The rest of a patched project is what it was: its exports are the originals'.
        changed = {name for name in again if patched.environment_digest(name) != self.project.environment_digest(name)}
        made = _Elaborated(shapes, frozenset(changed), known_alone)
        if all(shape.is_clean for shape in shapes.values()):
            async with case.running(patched) as variant:
                for module in modules:
                    try:
                        await _elaborate(variant, module, made)
                    except NotJudged as error:
                        raise NotJudged(error.what, where=module.path, hint=error.hint) from error
                    except (SessionError, RequestRefused, MalformedReply) as error:
                        # A proof can end the process that it runs in; then it is no proof.
                        made.errors[module.name] = (Message(Severity.ERROR, str(error), Position(0, 0)),)
        async with case.judging() as court:
            return await self._truths(court, modules, patched, originals, made)

    async def _truths(
        self,
        court: Court,
        modules: Sequence[SourceModule],
        patched: Project,
        originals: Mapping[str, ExportReply],
        made: _Elaborated,
    ) -> dict[SourceModule, FileAnswers]:
        """The last question, and what the others gave."""
        everything = {**originals, **made.exports}
        answers = {}
        for module in modules:
            with _looking_at(module):
                original = await court.judged(self.project, module.name, originals)
            answer = FileAnswers(made.shapes[module.name], original)
            if module.name in made.errors or module.name not in made.exports:
                answers[module] = replace(answer, errors=made.errors.get(module.name, ()))
                continue
            facts: dict[str, Fingerprint] = {}
            unlike: list[str] = []
            for one in patched.closure(module.name):
                if one.name not in originals:
                    continue
                judged = await self._judged(court, patched, one.name, everything)
                facts.update({**judged.below, **judged.declarations})
                if one.name in made.again and self.project.by_name[one.name] == one:
                    before = await court.judged(self.project, one.name, originals)
                    changed = differences(
                        before.declarations, judged.declarations, allowed_axioms=self._allowance.axioms
                    )
                    unlike += (f"{one.path}: {words}" for words in changed)
            judged = await self._judged(court, patched, module.name, everything)
            facts = {**original.below, **judged.below, **facts}
            filled = {name for command in made.shapes[module.name].filled for name in command.made}
            kept = set(original.declarations) - filled
            unlike += entry_changes(
                originals[module.name], made.exports[module.name], kept, known_alone=made.known_alone
            )
            left = made.remaining.get(module.name, ())
            answers[module] = replace(answer, patched=judged, remaining=left, below=facts, unlike=tuple(unlike))
        if self._keeps_export and made.exports and not made.errors:
            self._export = await court.whole(patched, [module.name for module in modules], everything)
        return answers

    async def _judged(
        self, court: Court, patched: Project, module: str, exports: Mapping[str, ExportReply]
    ) -> KernelReport:
        try:
            return await court.judged(patched, module, exports)
        except (SessionError, RequestRefused, MalformedReply) as error:
            return KernelReport({}, {"": str(error)})


async def _elaborate(variant: Workspace, module: SourceModule, made: _Elaborated) -> None:
    """A patched module and what it imports, each as its export or as Lean's errors."""
    for one in (*variant.project.closure(module.name), module):
        if one.name not in made.again or one.name in made.exports or one.name in made.errors:
            continue
        elaborated = await variant.load(one.name)
        if elaborated.errors or elaborated.blocked_by:
            above = f"it imports {', '.join(elaborated.blocked_by)}, which Lean does not accept"
            made.errors[one.name] = elaborated.errors or (Message(Severity.ERROR, above, Position(1, 0)),)
        else:
            made.remaining[one.name] = elaborated.reply.sorries
            made.exports[one.name] = await variant.export(one.name)


@contextmanager
def _looking_at(module: SourceModule) -> Iterator[None]:
    """What breaks while the original of a file is read or judged says nothing of the patch: `NotJudged`."""
    try:
        yield
    except SessionClosed:
        raise
    except (SessionError, RequestRefused) as error:
        raise NotJudged(error.what, where=module.path, hint=error.hint) from error
