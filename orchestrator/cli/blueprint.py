"""The commands about a blueprint: what is true of it, making its marks true, and a check for continuous integration."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.syntax import Syntax

from orchestrator.blueprint.loading import FOLDERS, ROOTS, load, save
from orchestrator.blueprint.nodes import Blueprint
from orchestrator.blueprint.report import Report, report
from orchestrator.blueprint.status import DeclarationTruth, evaluate, with_counterexamples
from orchestrator.blueprint.sync import EditKind, MarkEdit, apply, plan
from orchestrator.blueprint.text_facts import facts_shown
from orchestrator.cli.output import (
    AsJson,
    OptionalRef,
    Repository,
    open_ledger,
    print_bytes,
    print_json,
    shown_origin,
    with_examples,
)
from orchestrator.cli.repository import elaborate, open_repository, prepare
from orchestrator.cli.terminal import make_console, say, show_blueprint, tell
from orchestrator.config import load_settings
from orchestrator.errors import BlueprintError, CheckoutError, LeanError, RepositoryError
from orchestrator.goals.result import GoalStatus
from orchestrator.run.blueprint import blueprint_facts, compiled_truths
from orchestrator.source.diff import unified_diff
from orchestrator.source.owner_rules import load_rules
from orchestrator.source.project import Project
from orchestrator.text import counted

blueprint_app = App(
    name="blueprint",
    help="The blueprint of a formalisation: what is true of it, and marks that say so.",
)

Static = Annotated[
    bool,
    Parameter(negative="", help="Do not ask Lean: go by the text of the files, and decide only what it shows."),
]


@blueprint_app.command
def status(
    repo: Repository,
    *,
    ref: OptionalRef = None,
    static: Static = False,
    every: Annotated[bool, Parameter(negative="", help="List each node, also those that are done.")] = False,
    only_problems: Annotated[
        bool, Parameter(negative="", help="List only nodes with a wrong mark, no declaration, or a counterexample.")
    ] = False,
    json_: AsJson = False,
) -> int:
    """Say of each node that is not done whether its statement and its proof are formalised, and what stands in the way.

    Where Lean cannot elaborate the project, the answer rests on the text of its files alone. More than a hundred nodes
    are counted file by file.
    """
    console = make_console(stderr=json_)
    found = look(repo, ref, static=static, console=console)
    if json_:
        print_json(found.report.to_dict())
    else:
        show_blueprint(console, found.report, every=every, only_problems=only_problems)
    return 0


@with_examples(blueprint_app)
def sync(
    repo: Repository,
    *,
    ref: OptionalRef = None,
    write: Annotated[bool, Parameter(negative="", help="Change the files; without it only the diff is shown.")] = False,
    trust_text: Annotated[
        bool, Parameter(negative="", help="With --write: also remove marks that only the text shows to be false.")
    ] = False,
    static: Static = False,
    json_: AsJson = False,
) -> int:
    """Set `\\leanok` where it is true and remove it where it is false; nothing else in the files changes.

    The generated list of declaration names is brought up to date as well. Where LeanArchitect writes the marks, there
    is nothing to do and the command says so.

    Examples
    --------
    orchestrator blueprint sync . > marks.patch     # a patch for `git apply`
    """
    console = make_console(stderr=json_ or not (write or sys.stdout.isatty()))
    if write and (ref is not None or not Path(repo).expanduser().is_dir()):
        raise BlueprintError("only a folder can be written to", where=repo, hint="Leave out --ref, or clone it first")
    found = look(repo, ref, static=static, console=console)
    edits = found.edits(by_text=not write or trust_text)
    held_back = len(found.edits()) - len(edits)
    texts = {**found.blueprint.files}
    if found.blueprint.lean_decls is not None:
        texts[found.blueprint.lean_decls_path] = found.blueprint.lean_decls
    after = apply(edits, texts)
    patch = unified_diff({path: (texts[path], text) for path, text in after.items() if text != texts[path]})
    written = save(Path(found.blueprint.base), texts, after) if write else ()
    if json_:
        changes = [{"key": e.key, "file": e.span.file, "place": e.position, "kind": e.kind} for e in edits]
        print_json({"by": found.report.by, "edits": changes, "written": written, "patch": patch})
        return 0
    if not write and sys.stdout.isatty():
        console.print(Syntax(patch, "diff", background_color="default", word_wrap=True))
    elif not write:
        print_bytes(patch.encode("utf-8", "surrogateescape"))
    if not found.report.editable:
        tell(console, "The marks of this blueprint are written by LeanArchitect: nothing to edit.")
        return 0
    kinds = Counter(edit.kind for edit in edits)
    decls = "; the list of declaration names is new" if kinds[EditKind.LEAN_DECLS] else ""
    tell(console, f"{counted(kinds[EditKind.ADD], 'mark')} to add, {kinds[EditKind.REMOVE]} to remove{decls}")
    folder = Path(repo).expanduser()
    if edits and folder.is_dir() and not folder.samefile(found.blueprint.base):
        tell(console, f"Paths start from {found.blueprint.base}")
    if found.report.unchecked:
        tell(console, f"{found.report.unchecked} of {counted(found.report.marks, 'mark')} could not be checked")
    if held_back:
        tell(console, f"{counted(held_back, 'mark')} left that only the text shows to be false: add --trust-text")
    if edits:
        tell(console, f"Written: {', '.join(written)}" if write else "Nothing was written: add --write")
    return 0


@blueprint_app.command
def check(repo: Repository, *, ref: OptionalRef = None, static: Static = False, json_: AsJson = False) -> int:
    """Exit with 7 when a mark is false or missing, a declaration does not exist, or `lean_decls` is out of date.

    What could not be checked is counted, and is no failure.
    """
    console = make_console(stderr=json_)
    told = look(repo, ref, static=static, console=console).report
    if json_:
        print_json(told.to_dict())
    else:
        for line in told.lines:
            for wrong in line.wrong:
                say(console, "red", f"{line.where}:", f"{line.key}: {wrong}")
        in_nodes = {name for line in told.lines for name in line.declarations}
        for name in (name for name in told.missing if name not in in_nodes):
            say(console, "red", f"\\lean{{{name}}}:", "no such declaration; it is named outside every node")
        if told.stale_lean_decls:
            say(console, "red", "lean_decls:", "is out of date; `orchestrator blueprint sync` writes it")
        tell(console, told.words)
        if told.editable and (told.false_marks or told.unmarked or told.stale_lean_decls):
            tell(console, f"Next: orchestrator blueprint sync {shlex.quote(repo)} --write   # sets the marks")
    return BlueprintError.exit_code if told.true is False else 0


@dataclass(frozen=True, slots=True)
class LoadedBlueprint:
    """A blueprint with the facts it was compared with."""

    blueprint: Blueprint
    facts: dict[str, DeclarationTruth]
    report: Report
    allowed_axioms: frozenset[str]

    def edits(self, *, by_text: bool = True) -> tuple[MarkEdit, ...]:
        """What makes the marks true; without `by_text`, as far as Lean says so."""
        facts = self.facts if by_text else {name: fact for name, fact in self.facts.items() if not fact.by_text}
        status = evaluate(self.blueprint, facts, allowed_axioms=self.allowed_axioms)
        return plan(self.blueprint, status, lean_decls=True)


def look(repo: str, ref: str | None, *, static: bool, console: Console) -> LoadedBlueprint:
    """Read a repository's blueprint and compare it with Lean, or with the text where Lean cannot be asked.

    Raises:
        RepositoryError: it cannot be had.
        BlueprintError: it has no blueprint, or one that cannot be read.
    """
    project, top = open_repository(repo, ref)
    folder = Path(project.root)
    blueprint = load(folder, top=top)
    if not blueprint.found:
        hint = f"A blueprint is {' or '.join(ROOTS)} in a folder {' or '.join(FOLDERS)}, or nodes of LeanArchitect."
        raise BlueprintError("the repository has no blueprint", where=repo, hint=hint)
    names = blueprint.names
    facts, seen = facts_shown(module.text for module in project.modules)
    by = "text"
    if not static:
        try:
            asked, whole = asyncio.run(lean_facts(str(folder), names, console))
            # Where Lean saw every file, the text has nothing to add.
            facts, by = (asked, "lean") if whole else ({**facts, **asked}, "partly")
        except (RepositoryError, LeanError) as error:
            say(console, "yellow", "note:", f"going by the text of the files, since Lean cannot be asked: {error}")
    not_seen = tuple(name for name in names if name not in seen and name not in facts) if by != "lean" else ()
    allowed = load_rules(folder).allowed_axioms
    truth = with_counterexamples(evaluate(blueprint, facts, allowed_axioms=allowed), counterexamples(repo, project))
    told = report(blueprint, truth, by=by, not_seen=not_seen)
    return LoadedBlueprint(blueprint, facts, told, allowed)


def counterexamples(repo: str, project: Project) -> frozenset[str]:
    """Declarations with a goal that the ledger knows a counterexample to, and whose text has not changed since."""
    ledger_at = load_settings().ledger
    if isinstance(ledger_at, Path) and not ledger_at.exists():
        return frozenset()
    try:
        with open_ledger() as ledger:
            records = ledger.goals(repo=shown_origin(repo), status=GoalStatus.LOOKS_FALSE)
    except CheckoutError:
        return frozenset()
    texts = {module.path: "\n".join(module.text.splitlines()) for module in project.modules}
    return frozenset(
        record.goal.declaration
        for record in records
        if record.command_text and record.command_text in texts.get(record.goal.file, "")
    )


async def lean_facts(repo: str, names: tuple[str, ...], console: Console) -> tuple[dict[str, DeclarationTruth], bool]:
    """What Lean says of the project's declarations, and whether it could elaborate every file.

    If it could, the facts also say whether its library has those of `names` that the project has not.

    Raises RepositoryError, LeanError: it cannot be asked.
    """
    project, servers = await asyncio.to_thread(prepare, repo, None, console)
    found = await elaborate(project, servers, console)
    facts = blueprint_facts(found.declarations)
    unknown = sorted({name for name in names if name not in facts})
    if servers.copy is not None and not project.problems:
        async with servers.for_gate(project) as workspace:
            outside = await compiled_truths(workspace, unknown)
        return facts | (outside or {}), outside is not None
    whole = found.is_whole(project)
    if unknown and whole:
        async with servers.fresh(project) as workspace:
            there = await workspace.library_has(unknown)
        facts |= {name: DeclarationTruth(exists=name in there) for name in unknown}
    return facts, whole
