"""The gate for the user's own Lean: the patched project is replayed, and compared as that Lean describes it.

It believes the process that ran the proof, which `orchestrator.gate.gate` does not.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from orchestrator.errors import PatchError
from orchestrator.gate.differences import command_change, differences, helper_problems
from orchestrator.gate.holes import fill_holes, only_places_changed
from orchestrator.gate.replay import OpenWorkspace, Replay, Replayer
from orchestrator.gate.report import DeclarationsByModule, PatchReport
from orchestrator.gate.verdict import Check, CheckName, FileContext, Verdict, judge
from orchestrator.gate.warnings import raised_limit, source_warnings, switches_kernel_off
from orchestrator.goals.declaration import STANDARD_AXIOMS, Fingerprint
from orchestrator.goals.goal import SourceSpan
from orchestrator.goals.result import HelperLemma
from orchestrator.lean.checkers import (
    NOT_CHECKED_EMBEDDED,
)
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.protocol import Sorry
from orchestrator.source.helper_lemmas import helper_problem, with_helpers
from orchestrator.source.lexer import suffixes
from orchestrator.source.project import Project, SourceModule

TEXT_DIFFERS = "text outside the sorries differs"


class ReplayGate:
    """Judges patches of one project on a Lean that exports nothing: the user's own, through the REPL.

    Args:
        project: the original.
        original: what elaborating it gave, before any patch existed.
        open_workspace: gives a workspace on a fresh process.
        allowed_axioms: what a proof may rest on.
        not_checked: what cannot be looked at with this Lean, in words; part of every verdict.
    """

    def __init__(
        self,
        project: Project,
        original: Extraction,
        open_workspace: OpenWorkspace,
        *,
        allowed_axioms: frozenset[str] = STANDARD_AXIOMS,
        not_checked: tuple[str, ...] = NOT_CHECKED_EMBEDDED,
    ) -> None:
        self.project = project
        self.original: DeclarationsByModule = original.declarations
        self._commands = original.commands
        self._goals = original.goals
        self._replayer = Replayer(open_workspace)
        self._allowed = allowed_axioms
        self._not_checked = not_checked
        # A proof must not be able to name it.
        self._hole = f"hole_{secrets.token_hex(8)}"

    async def verify(
        self,
        texts: Mapping[str, str],
        helpers: Sequence[HelperLemma] = (),
        *,
        named: frozenset[str] = frozenset(),
    ) -> PatchReport:
        """Judge the project with the files in `texts` (path → content) in place of the original ones.

        `helpers` are lemmas that these texts have and the original ones have not. Each has to be a proved theorem of a
        new name, written exactly as it says. `named` are names of others, which may stand, in any words, in front of a
        declaration with a sorry.
        """
        patched = self.project.with_texts(texts)
        affected = self._affected(set(texts))
        added = named | {helper.name for helper in helpers}
        hole = self._hole
        elaborated = await self._replayer.replay(patched, self._with_unchecked(affected), "", added)
        touched = self._touched(texts, elaborated.remaining)
        partial = {
            path: tuple(s for s in sorries if (path, s.declaration) in touched)
            for path, sorries in elaborated.remaining.items()
        }
        filled: DeclarationsByModule = {}
        if any(partial.values()) and not elaborated.errors:
            fuller = {path: fill_holes(texts[path], sorries, hole) for path, sorries in partial.items() if sorries}
            # Of what is imported the first replay knows all there is to know.
            modules = [module for module in affected if module.path in fuller]
            preamble = f"axiom {hole}.{{u}} {{α : Sort u}} : α"
            with_holes = await self._replayer.replay(patched.with_texts(fuller), modules, preamble, added)
            filled = {} if with_holes.errors else with_holes.declarations
        return self._conclude(texts, touched, partial, elaborated, filled, hole, helpers, named)

    def _with_unchecked(self, affected: Sequence[SourceModule]) -> tuple[SourceModule, ...]:
        """`affected`, and what they import that the kernel may never have seen, in build order."""
        below = {module.name for one in affected for module in self.project.closure(one.name)}
        wanted = {module.name for module in affected}
        wanted |= {m.name for m in self.project.modules if m.name in below and switches_kernel_off(m.text)}
        return tuple(m for m in self.project.modules if m.name in wanted and m.name in self.original)

    def _affected(self, paths: set[str]) -> tuple[SourceModule, ...]:
        changed = {self.project.by_path[path].name for path in paths}
        return tuple(
            module for module in self.project.modules if module.name in self.original and module.name in changed
        )

    def _touched(self, texts: Mapping[str, str], remaining: Mapping[str, tuple[Sorry, ...]]) -> set[tuple[str, str]]:
        """Declarations (path, name) of changed files with fewer sorries than before."""
        before: dict[tuple[str, str], int] = {}
        for goal in self._goals:
            if goal.file in texts:
                before[(goal.file, goal.declaration)] = before.get((goal.file, goal.declaration), 0) + 1
        after: dict[tuple[str, str], set[SourceSpan]] = {}
        for path, sorries in remaining.items():
            for sorry in sorries:
                after.setdefault((path, sorry.declaration), set()).add(sorry.span)
        return {key for key, count in before.items() if len(after.get(key, ())) < count}

    def _conclude(
        self,
        texts: Mapping[str, str],
        touched: set[tuple[str, str]],
        partial: Mapping[str, tuple[Sorry, ...]],
        replay: Replay,
        filled: DeclarationsByModule,
        hole: str,
        helpers: Sequence[HelperLemma],
        named: frozenset[str],
    ) -> PatchReport:
        everything: dict[str, Fingerprint] = {}
        for declarations in (*self.original.values(), *replay.declarations.values()):
            everything.update(declarations)
        with_holes = dict(everything)
        for declarations in filled.values():
            with_holes.update(declarations)
        unlike: dict[str, tuple[str, ...]] = {}
        names = named | {helper.name for helper in helpers}
        wrong = self._wrong_helpers(helpers, names, texts, everything, replay.shadowed)
        verdicts: list[Verdict] = []
        for module in self._affected(set(texts)):
            if module.name not in replay.declarations:
                continue
            original, patched = self.original[module.name], replay.declarations[module.name]
            added = sum(f.user_name in names for name, f in patched.items() if name not in original)
            changed = command_change(self._commands[module.name], replay.commands[module.name], new_declarations=added)
            found = differences(original, patched, allowed_axioms=self._allowed, helpers=names)
            unlike[module.path] = (*([changed] if changed else []), *found)
            general = self._general_checks(module.path, texts, unlike[module.path], helpers, bool(added and named))
            if names:
                general = (*general, Check(CheckName.HELPERS, not wrong, "; ".join(wrong[:5])))
            warnings = source_warnings(module.text, texts.get(module.path, module.text))
            partial_names = {sorry.declaration for sorry in partial.get(module.path, ())}
            for name, before in original.items():
                if (module.path, before.user_name) not in touched or before.auxiliary:
                    continue
                # What a place left open hides shows when it is filled.
                is_partial = before.user_name in partial_names
                after = filled.get(module.name, patched) if is_partial else patched
                context = FileContext(
                    module.path,
                    with_holes if is_partial else everything,
                    self._allowed,
                    general,
                    self._not_checked,
                    warnings,
                )
                verdicts.append(judge(before, after.get(name), context, hole=hole if is_partial else ""))
        judged = {verdict.file for verdict in verdicts}
        for path in sorted(set(texts) - judged):
            # Attributes leave no trace in a fingerprint: where nothing is judged, the text has to be the same.
            if not self._same_text(path, texts, helpers, named=False):
                unlike[path] = (*unlike.get(path, ()), TEXT_DIFFERS)
        return PatchReport(tuple(verdicts), replay.errors, replay.remaining, unlike, replay.declarations)

    def _wrong_helpers(
        self,
        helpers: Sequence[HelperLemma],
        names: frozenset[str],
        texts: Mapping[str, str],
        patched: Mapping[str, Fingerprint],
        shadowed: frozenset[str],
    ) -> tuple[str, ...]:
        original = {name: fact for found in self.original.values() for name, fact in found.items()}
        known = {name for fact in original.values() for name in suffixes(fact.user_name)} | shadowed
        wrong = [problem for helper in helpers if (problem := helper_problem(helper))]
        wrong += [f"`{h.name}` is not in a changed file" for h in helpers if h.file not in texts]
        wrong += [f"`{name}` hides `{other}`" for name in sorted(names) for other in suffixes(name) if other in known]
        return (*wrong, *helper_problems(sorted(names), original, patched, allowed_axioms=self._allowed))

    def _same_text(self, path: str, texts: Mapping[str, str], helpers: Sequence[HelperLemma], *, named: bool) -> bool:
        if path not in texts:
            return True
        try:
            base = with_helpers(self.project.by_path[path].text, [h for h in helpers if h.file == path])
        except PatchError:
            return False
        goals = [goal for goal in self._goals if goal.file == path]
        spans = {base.moved(goal.span) for goal in goals if goal.span is not None}
        if named:
            commands = [base.moved(goal.command) for goal in goals if goal.command is not None]
            spans |= {SourceSpan(command.start, command.start) for command in commands}
        return only_places_changed(base.text, spans, texts[path])

    def _general_checks(
        self,
        path: str,
        texts: Mapping[str, str],
        unlike: tuple[str, ...],
        helpers: Sequence[HelperLemma],
        named: bool,
    ) -> tuple[Check, ...]:
        text = self.project.by_path[path].text
        raised = raised_limit(text, texts.get(path, text))
        same = self._same_text(path, texts, helpers, named=named)
        return (
            Check(CheckName.TEXT, same, "" if same else TEXT_DIFFERS),
            Check(CheckName.COMPILES, True),
            Check(CheckName.LIMITS, not raised, f"maxHeartbeats {raised}" if raised else ""),
            Check(CheckName.NOTHING_ELSE, not unlike, "; ".join(unlike[:5])),
        )
