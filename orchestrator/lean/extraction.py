"""From files to goals: elaborate each module and turn every sorry into a goal."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.errors import RequestRefused, SessionError
from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.goal import Context, Goal
from orchestrator.lean.protocol import Constant, Sorry
from orchestrator.lean.session import CompiledProject, Session
from orchestrator.lean.sketches import by_span, goal_at
from orchestrator.lean.workspace import Elaborated, Workspace
from orchestrator.ledger.content_cache import ContentCache, content_key
from orchestrator.source.project import FileProblem, Project, SourceModule
from orchestrator.source.scan import OpenWord, scan
from orchestrator.text import counted


@dataclass(frozen=True, slots=True)
class Extraction:
    """What elaborating a project gave.

    Attributes:
        goals: every sorry, in the order of files and positions.
        problems: files that do not elaborate, with Lean's message; the rest went on.
        declarations: per module that elaborated, the fingerprints of its declarations.
        notes: what a reader should know, such as a file that had to be read as noncomputable.
        constants: per module that is compiled and was not elaborated, what it declares, where Lean was asked.
    """

    goals: tuple[Goal, ...] = ()
    problems: tuple[FileProblem, ...] = ()
    declarations: dict[str, dict[str, Fingerprint]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    constants: dict[str, tuple[Constant, ...]] = field(default_factory=dict)

    def is_whole(self, project: Project) -> bool:
        """Whether every file was looked at and elaborates: else nobody can say that a declaration does not exist."""
        missing = any(module.name not in self.declarations for module in project.modules)
        return not (missing or self.problems or project.problems)

    def of(self, module: SourceModule) -> Extraction:
        """What elaborating one of its modules gave."""
        return Extraction(
            tuple(goal for goal in self.goals if goal.file == module.path),
            tuple(problem for problem in self.problems if problem.path == module.path),
            {name: found for name, found in self.declarations.items() if name == module.name},
            tuple(note for note in self.notes if note.startswith(f"{module.path}:")),
        )


BROKE = "Lean broke on this file"
Difficulty = Callable[[str], float]


async def extract(
    workspace: Workspace,
    modules: Iterable[SourceModule],
    *,
    difficulty: Difficulty = lambda _text: 0.5,
    progress: Callable[[SourceModule], None] = lambda _module: None,
    broken: set[str] | None = None,
) -> Extraction:
    """Elaborate `modules` and collect their goals.

    A file whose elaboration breaks the session is a problem of that file; the next one gets a new process. What
    imports a file that does not elaborate is left out at once.

    Args:
        broken: modules that are known not to elaborate; those found here are added, for whoever works on the others.
    """
    broken = set() if broken is None else broken
    goals: list[Goal] = []
    problems: list[FileProblem] = []
    declarations: dict[str, dict[str, Fingerprint]] = {}
    notes: list[str] = []
    for module in modules:
        progress(module)
        # Whether a compiled module can be imported is said by what compiled it, not by what we found in its text.
        above = () if workspace.session.compiled else workspace.project.closure(module.name)
        if blocked := [one.name for one in above if one.name in broken]:
            problems.append(FileProblem(module.path, _left_out(blocked)))
            continue
        try:
            elaborated = await workspace.load(module.name)
            message = _what_is_wrong(elaborated)
            broken.update(elaborated.blocked_by or ([module.name] if message else ()))
            if not message:
                declarations[module.name] = await workspace.fingerprints(module.name)
        except SessionError as error:
            message = f"{BROKE}: {error.what}"
            broken.add(module.name)
        except RequestRefused as error:
            message = str(error)
            broken.add(module.name)
        if message:
            problems.append(FileProblem(module.path, message))
            continue
        if elaborated.noncomputable:
            notes.append(f"{module.path}: elaborated as noncomputable, since the embedded Lean cannot compile it")
        notes.extend(_not_met(module, elaborated.reply.sorries))
        goals.extend(goals_of(module, elaborated.reply.sorries, difficulty))
    return Extraction(tuple(goals), tuple(problems), declarations, tuple(notes))


async def to_elaborate(
    session: Session, modules: Sequence[SourceModule], also: Collection[str] = ()
) -> Sequence[SourceModule]:
    """Which modules have to be elaborated for their sorries, those of one header one after the other.

    Of compiled modules, those with sorries, and those in `also`.
    """
    if session.compiled is None:
        return modules
    warned = await session.compiled.sorries()
    chosen = [one for one in modules if one.path in warned or one.path in also or scan(one.text)]
    return sorted(chosen, key=lambda module: module.header)


def together(parts: Sequence[Extraction], modules: Sequence[SourceModule]) -> Extraction:
    """What several workspaces found in parts of a project, in the order of its modules."""
    rank = {module.path: number for number, module in enumerate(modules)}
    names = [module.name for module in modules]
    notes = {note: rank.get(note.partition(":")[0], len(rank)) for part in parts for note in part.notes}
    declarations = {name: found for part in parts for name, found in part.declarations.items()}
    return Extraction(
        tuple(sorted((goal for part in parts for goal in part.goals), key=lambda goal: rank[goal.file])),
        tuple(sorted((one for part in parts for one in part.problems), key=lambda one: rank[one.path])),
        {name: declarations[name] for name in names if name in declarations},
        tuple(sorted(notes, key=notes.__getitem__)),
    )


def goals_of(module: SourceModule, sorries: Iterable[Sorry], difficulty: Difficulty) -> tuple[Goal, ...]:
    """Goals from Lean's sorries: one for each span, however many states reach it."""
    counts: Counter[str] = Counter()
    context = Context(imports=module.imports)
    goals = []
    for states in by_span(sorries):
        name = states[0].declaration
        goal = Goal(goal_id(module.path, name, counts[name]), "", context, file=module.path, module=module.name)
        goals.append(goal_at(replace(goal, declaration=name), states, difficulty))
        counts[name] += 1
    return tuple(goals)


def goal_id(path: str, declaration: str, index: int) -> str:
    """Twelve hex digits that stay the same while the declaration and the order of its sorries do."""
    return hashlib.sha256(f"{path}\x00{declaration}\x00{index}".encode()).hexdigest()[:12]


def _not_met(module: SourceModule, sorries: Iterable[Sorry]) -> Iterable[str]:
    """A note on the sorries of a file's text that Lean does not elaborate where they stand, if there are any."""
    met = {sorry.span.start for sorry in sorries}
    words = (OpenWord.SORRY, OpenWord.ADMIT)
    lines = [it.span.start.line for it in scan(module.text) if it.word in words and it.span.start not in met]
    if lines:
        where = f"{module.path}:{', '.join(map(str, dict.fromkeys(lines)))}"
        number = counted(len(lines), "sorry", "sorries")
        yield f"{where}: {number} not worked on, since Lean elaborates nothing there (a default tactic or a macro?)"


def _what_is_wrong(elaborated: Elaborated) -> str:
    if elaborated.blocked_by:
        return _left_out(elaborated.blocked_by)
    if elaborated.errors:
        first = elaborated.errors[0]
        more = f" (and {len(elaborated.errors) - 1} more)" if len(elaborated.errors) > 1 else ""
        return f"{first.start.line}:{first.start.column}: {first.text}{more}"
    return ""


def _left_out(blocked_by: Iterable[str]) -> str:
    return f"not looked at, because an import does not elaborate: {', '.join(blocked_by)}"


def project_parts(project: Project, lean: str) -> list[str]:
    """Everything that elaborating a project depends on; `lean` names the server and its version."""
    modules = [part for m in project.modules for part in (m.name, m.path, m.digest, *m.imports)]
    return [lean, project.toolchain, *modules]


async def known_extraction(
    cache: ContentCache,
    project: Project,
    lean: str,
    work: Callable[[Sequence[SourceModule]], Awaitable[Extraction]],
    compiled: CompiledProject | None = None,
) -> Extraction:
    """The extraction of a project: a file's from the cache if all it rests on was seen before, else by `work`.

    What a file's imports are is told by their compiled form, where there is one, and by their texts otherwise.
    """
    known = recalled_extraction(cache, project, lean)
    if known is not None:
        return known
    digests = {module.name: await compiled.digest(module.name) if compiled else "" for module in project.modules}
    keys = {
        name: content_key("module", [lean, digest or project.environment_digest(name)])
        for name, digest in digests.items()
    }
    seen = {name: part for name, key in keys.items() if (part := cache.get(key, Extraction)) is not None}
    found = await work([module for module in project.modules if module.name not in seen])
    # That Lean broke says something of this machine and moment, too: it is asked again, also for what imports the file.
    asked_again = {problem.path for problem in found.problems if BROKE in problem.message}
    for module in project.modules:
        part = found.of(module)
        if part != Extraction() and not any(one.path in asked_again for one in (*project.closure(module.name), module)):
            cache.put(keys[module.name], part)
    found = together([*seen.values(), found], project.modules)
    if not any(BROKE in problem.message for problem in found.problems):
        cache.put(content_key("extraction", project_parts(project, lean)), found)
    return found


def recalled_extraction(cache: ContentCache, project: Project, lean: str) -> Extraction | None:
    """The extraction of a project whose every file was seen before, else None."""
    return cache.get(content_key("extraction", project_parts(project, lean)), Extraction)
