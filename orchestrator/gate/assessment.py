"""What the answers to the four questions come to: a verdict on each declaration, and what changed beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.gate.differences import below, brought_up_to_date, differences, helper_problems, sorry_places
from orchestrator.gate.judge import KernelReport
from orchestrator.gate.reach import look_alikes, read_above
from orchestrator.gate.report import DeclarationsByModule, PatchReport
from orchestrator.gate.shape import FilledCommand, Shape
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
from orchestrator.lean.protocol import Message, Sorry
from orchestrator.source.helper_lemmas import helper_problem
from orchestrator.source.lexer import suffixes
from orchestrator.source.project import Project, SourceModule

_WORST_FIRST = (VerdictStatus.FAILED, VerdictStatus.PARTIAL, VerdictStatus.CONDITIONAL, VerdictStatus.PASSED)
_NOT_LOOKED_AT = "the patch is refused as it is written, so that none was looked at"


@dataclass(frozen=True, slots=True)
class FileAnswers:
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
class Assessment:
    """How a project's answers are read.

    Attributes:
        project, original: the project, and what elaborating it gave before any patch existed.
        allowed: axioms that a proof may rest on.
        not_checked: what cannot be looked at with this Lean, in words; part of every verdict.
    """

    project: Project
    original: DeclarationsByModule
    allowed: frozenset[str]
    not_checked: tuple[str, ...]

    def report(
        self,
        files: Mapping[SourceModule, FileAnswers],
        texts: Mapping[str, str],
        helpers: Sequence[HelperLemma],
        names: frozenset[str],
        *,
        shadowed: frozenset[str],
    ) -> PatchReport:
        """The verdicts, and what else there is to say of the patch.

        `names` are those of the helper lemmas, and `shadowed` what the library has at their ends.
        """
        # What is refused as it is written was not elaborated, in any of its files.
        refused = not all(one.shape.is_clean for one in files.values())
        everything: dict[str, Fingerprint] = {}
        for one in files.values():
            everything.update({**one.original.declarations, **one.below})
        for one in files.values():
            everything.update(one.patched.declarations if one.patched is not None else {})
        wrong = self._wrong_helpers(helpers, names, shadowed, texts, everything)
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
            context = FileContext(module.path, everything, self.allowed, tuple(general), self.not_checked, warnings)
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
                    words = found.refused.get(fact.name, "")
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
        )

    def _declarations(self, files: Mapping[SourceModule, FileAnswers]) -> DeclarationsByModule:
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
        file: FileAnswers,
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
            allowed_axioms=self.allowed,
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
        shadowed: frozenset[str],
        texts: Mapping[str, str],
        patched: Mapping[str, Fingerprint],
    ) -> tuple[str, ...]:
        original = {name: fact for found in self.original.values() for name, fact in found.items()}
        known = {name for fact in original.values() for name in suffixes(fact.user_name)} | shadowed
        wrong = [problem for helper in helpers if (problem := helper_problem(helper))]
        wrong += [f"`{h.name}` is not in a changed file" for h in helpers if h.file not in texts]
        wrong += [f"`{name}` hides `{other}`" for name in sorted(names) for other in suffixes(name) if other in known]
        return (*wrong, *helper_problems(sorted(names), original, patched, allowed_axioms=self.allowed))


def _one_each(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """One verdict a declaration: of those on what belongs to it, the one that says least for it."""
    found: dict[tuple[str, str, int], Verdict] = {}
    for verdict in verdicts:
        key = (verdict.file, verdict.declaration, verdict.line)
        if key not in found or _WORST_FIRST.index(verdict.status) < _WORST_FIRST.index(found[key].status):
            found[key] = verdict
    return tuple(found.values())
