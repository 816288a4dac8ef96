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
from orchestrator.gate.differences import below, brought_up_to_date, differences, helper_problems, sorry_places
from orchestrator.gate.entries import entry_changes
from orchestrator.gate.fillings import Allowance
from orchestrator.gate.judge import Court, KernelReport
from orchestrator.gate.processes import Case, OpenCase, OpenWorkspace, fresh_cases
from orchestrator.gate.reach import look_alikes, read_above
from orchestrator.gate.report import DeclarationsByModule, PatchReport
from orchestrator.gate.shape import FilledCommand, Shape, shape_of
from orchestrator.gate.targets import (
    is_filled,
    sorries_left,
    takes_more_variables,
    targets_of,
    users_above,
    what_is_code,
    with_owners,
)
from orchestrator.gate.verdict import Check, CheckName, FileContext, Verdict, VerdictStatus, judge, shown_name
from orchestrator.gate.warnings import source_warnings
from orchestrator.goals.declaration import Fingerprint, is_generated
from orchestrator.goals.goal import Position
from orchestrator.goals.result import HelperLemma
from orchestrator.lean.checkers import NOT_CHECKED_EMBEDDED
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.protocol import ExportReply, Message, Severity, Sorry
from orchestrator.lean.workspace import Workspace
from orchestrator.source.helper_lemmas import helper_problem
from orchestrator.source.lexer import suffixes
from orchestrator.source.project import Project, SourceModule

_WORST_FIRST = (VerdictStatus.FAILED, VerdictStatus.PARTIAL, VerdictStatus.CONDITIONAL, VerdictStatus.PASSED)
_NOT_LOOKED_AT = "the patch is refused as it is written, so that none was looked at"


@dataclass(frozen=True, slots=True)
class _File:
    """What the four questions gave for one patched file.

    Attributes:
        shape: beside its original.
        errors, remaining: Lean's, when it was elaborated.
        original, patched: its constants before and after; None when it was not elaborated, or nothing came of it.
        below: the constants of all that it imports.
        unlike: what changed in files that it imports and the patch does not touch, and in its attributes, in words.
    """

    shape: Shape
    original: KernelReport
    patched: KernelReport | None = None
    errors: tuple[Message, ...] = ()
    remaining: tuple[Sorry, ...] = ()
    below: Mapping[str, Fingerprint] = field(default_factory=dict)
    unlike: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Elaborated:
    """What the first three questions gave, by module: how each differs from its original, and what Lean made of it.

    `again` are the modules that are made again; `known_alone`: their entries are those alone that Lean says of itself.
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
        self._allowed = allowance.axioms
        self._allowance = allowance
        self._keeps_export = keeps_export
        self._export: tuple[str, ...] = ()
        self._not_checked = not_checked
        self._originals: dict[str, ExportReply] = {}
        self._known: dict[tuple[str, frozenset[str]], _File] = {}
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
        refused: dict[SourceModule, _File] = {}
        if unknown:
            async with self._open_case(self.project, [module.name for module in unknown]) as case:
                found = await self._answers(case, unknown, patched, names)
            if all(one.shape.is_clean for one in found.values()):
                self._known.update({keys[module]: one for module, one in found.items()})
            else:
                refused = found
        files = {module: refused.get(module) or self._known[key] for module, key in keys.items()}
        return self._report(files, texts, helpers, names, refused=bool(refused))

    async def _answers(
        self, case: Case, modules: Sequence[SourceModule], patched: Project, names: frozenset[str]
    ) -> dict[SourceModule, _File]:
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
        made = _Elaborated(shapes, again, known_alone)
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
    ) -> dict[SourceModule, _File]:
        """The last question, and what the others gave."""
        everything = {**originals, **made.exports}
        answers = {}
        for module in modules:
            with _looking_at(module):
                original = await court.judged(self.project, module.name, originals)
            answer = _File(made.shapes[module.name], original)
            if module.name in made.errors or module.name not in made.exports:
                answers[module] = replace(answer, errors=made.errors.get(module.name, ()))
                continue
            facts: dict[str, Fingerprint] = {}
            unlike: list[str] = []
            for one in patched.closure(module.name):
                if one.name not in made.again:
                    continue
                judged = await self._judged(court, patched, one.name, everything)
                facts.update({**judged.below, **judged.declarations})
                if self.project.by_name[one.name] == one:
                    before = await court.judged(self.project, one.name, originals)
                    changed = differences(before.declarations, judged.declarations, allowed_axioms=self._allowed)
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

    def _report(
        self,
        files: Mapping[SourceModule, _File],
        texts: Mapping[str, str],
        helpers: Sequence[HelperLemma],
        names: frozenset[str],
        *,
        refused: bool,
    ) -> PatchReport:
        """The verdicts, and what else there is to say of the patch."""
        everything: dict[str, Fingerprint] = {}
        for one in files.values():
            everything.update({**one.original.declarations, **one.below})
        for one in files.values():
            everything.update(one.patched.declarations if one.patched is not None else {})
        wrong = self._wrong_helpers(helpers, names, texts, everything)
        unlike: dict[str, tuple[str, ...]] = {}
        verdicts: list[Verdict] = []
        for module, one in files.items():
            shape, found = one.shape, one.patched or KernelReport({}, {})
            targets = [(fact, it) for it in shape.filled for fact in targets_of(it, one.original.declarations)]
            elsewhere: tuple[str, ...] = ()
            wider = frozenset(
                fact.name
                for fact, _ in targets
                if (now := found.declarations.get(fact.name)) is not None
                and takes_more_variables(fact, now, module.text)
            )
            if one.patched is not None:
                found = replace(
                    found, declarations=with_owners(found.declarations, one.original.declarations, targets, names)
                )
                elsewhere = self._unlike(module, one, found, targets, names, wider)
            code = what_is_code(shape.filled, targets) if not shape.problems else ()
            unlike[module.path] = (*shape.problems, *shape.refused, *code, *elsewhere)
            general = [Check(CheckName.TEXT, not shape.problems, "; ".join(shape.problems[:5]))]
            in_helpers = [words for words in shape.refused if all(words not in it.refused for it in shape.filled)]
            if names:
                wrong_here = in_helpers or [_NOT_LOOKED_AT] if refused else wrong
                general.append(Check(CheckName.HELPERS, not wrong_here, "; ".join(wrong_here[:5])))
            if not refused and not one.errors:
                general += [
                    Check(CheckName.PROOF, not code, "; ".join(code[:5])),
                    Check(CheckName.COMPILES, True),
                    Check(CheckName.NOTHING_ELSE, not elsewhere, "; ".join(elsewhere[:5])),
                ]
            warnings = source_warnings(module.text, texts[module.path])
            context = FileContext(module.path, everything, self._allowed, tuple(general), self._not_checked, warnings)
            for fact, command in targets:
                now = found.declarations.get(fact.name)
                left: frozenset[Position | None] = frozenset()
                if refused:
                    no_proof = (*in_helpers, *command.refused)
                    own = Check(CheckName.PROOF, not no_proof, "; ".join(no_proof[:5]))
                    verdict = context.failed(fact.user_name, own)
                elif one.errors:
                    said = (f"line {message.start.line}: {message.text[:300]}" for message in one.errors[:3])
                    verdict = context.failed(fact.user_name, Check(CheckName.COMPILES, False, "; ".join(said)))
                else:
                    hidden, left = sorries_left(now, found.declarations, texts[module.path])
                    hidden_before, before = sorries_left(fact, one.original.declarations, module.text)
                    # A macro's sorry stays what it was.
                    shown = hidden <= hidden_before
                    if now is not None and now.own_sorry and shown and len(left) >= len(before):
                        continue
                    words = found.refused.get(fact.name, "") if now is None else ""
                    verdict = judge(fact, now, context, shown=shown, refused=words, wider=fact.name in wider)
                name = shown_name(verdict.declaration, command.original_line)
                open_here = tuple(sorted(place for place in left if place is not None))
                verdicts.append(replace(verdict, declaration=name, line=command.original_line, remaining=open_here))
        return PatchReport(
            _one_each(verdicts),
            {module.path: one.errors for module, one in files.items() if one.errors},
            {module.path: one.remaining for module, one in files.items() if one.patched is not None},
            unlike,
            self._declarations(files),
            self._export,
        )

    def _declarations(self, files: Mapping[SourceModule, _File]) -> DeclarationsByModule:
        """Those of the patched files, and of the files above them, which stay as they are but for their axioms."""
        patched = {module.name: one.patched.declarations for module, one in files.items() if one.patched is not None}
        changed = {name: fact for found in patched.values() for name, fact in found.items()}
        everything = {name: fact for found in self.original.values() for name, fact in found.items()} | changed
        above = {
            module.name: brought_up_to_date(self.original[module.name], changed, everything)
            for module in self.project.modules
            if module.name in self.original
            and module.name not in patched
            and any(one.name in patched for one in self.project.closure(module.name))
        }
        return {**above, **patched}

    def _unlike(
        self,
        module: SourceModule,
        file: _File,
        patched: KernelReport,
        filled: Sequence[tuple[Fingerprint, FilledCommand]],
        names: frozenset[str],
        wider: frozenset[str],
    ) -> tuple[str, ...]:
        """What the patch changed beside its targets, of which the `wider` take more arguments, each in words."""
        before, after = file.original.declarations, patched.declarations
        targets = {target.name: target for target, _ in filled}
        inner = below([*targets, *(name for name, fact in after.items() if fact.user_name in names)], after)
        inside = tuple(f"{before[name].user_name}." for name in targets)
        inner |= {name for name, fact in after.items() if fact.user_name.startswith(inside)}
        found = differences(
            {name: fact for name, fact in before.items() if name not in targets},
            {name: fact for name, fact in after.items() if name not in targets},
            allowed_axioms=self._allowed,
            helpers=names,
            below=frozenset(inner),
            filled=frozenset(place for name in targets for place in sorry_places(name, before)),
        )
        changed = [
            f"`{target.user_name}`: the body changed beside its sorry"
            for target, command in filled
            if (now := after.get(target.name)) is not None
            and not is_filled(target, now, command, wider=target.name in wider)
        ]
        changed += [
            f"`{target.user_name}` takes more variables of its section now, and {path} may use it"
            for target, _ in filled
            if target.name in wider
            for path in users_above(target, self.project, module.name, self.original)
        ]
        refused = [
            f"the kernel refuses `{name}`: {words}"
            for name, words in patched.refused.items()
            if name not in file.original.refused
        ]
        new = {name: fact for name, fact in (file.patched or patched).declarations.items() if name not in before}
        given = [fact.user_name for fact in new.values() if not fact.auxiliary and not is_generated(fact.name)]
        known = {fact.user_name for facts in self.original.values() for fact in facts.values()}
        read = read_above(self.project, module.name, given, known)
        return (*file.unlike, *found, *changed, *refused, *read, *look_alikes(new, {**file.below, **before}))

    def _wrong_helpers(
        self,
        helpers: Sequence[HelperLemma],
        names: frozenset[str],
        texts: Mapping[str, str],
        patched: Mapping[str, Fingerprint],
    ) -> tuple[str, ...]:
        original = {name: fact for found in self.original.values() for name, fact in found.items()}
        known = {name for fact in original.values() for name in suffixes(fact.user_name)} | self._shadowed[names]
        wrong = [problem for helper in helpers if (problem := helper_problem(helper))]
        wrong += [f"`{h.name}` is not in a changed file" for h in helpers if h.file not in texts]
        wrong += [f"`{name}` hides `{other}`" for name in sorted(names) for other in suffixes(name) if other in known]
        return (*wrong, *helper_problems(sorted(names), original, patched, allowed_axioms=self._allowed))


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


def _one_each(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """One verdict a declaration: of those on what belongs to it, the one that says least for it."""
    found: dict[tuple[str, str, int], Verdict] = {}
    for verdict in verdicts:
        key = (verdict.file, verdict.declaration, verdict.line)
        if key not in found or _WORST_FIRST.index(verdict.status) < _WORST_FIRST.index(found[key].status):
            found[key] = verdict
    return tuple(found.values())
