"""`extract`: every sorry of a repository, without Prefect."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from orchestrator.cli.output import AsJson, OptionalRef, Repository, print_json
from orchestrator.cli.repository import elaborate, open_project, prepare
from orchestrator.cli.terminal import (
    MOST_ROWS,
    make_console,
    say,
    show_by_file,
    show_goals,
    show_problems,
    tell,
)
from orchestrator.source.loading import nothing_usable
from orchestrator.source.scan import SorryCandidate, proofs_wanted, scan
from orchestrator.text import counted


def extract(
    repo: Repository,
    *,
    ref: OptionalRef = None,
    static: Annotated[bool, Parameter(negative="", help="Do not ask Lean: find the sorries in the text.")] = False,
    every: Annotated[bool, Parameter(negative="", help="List each sorry, also where there are many.")] = False,
    only_problems: Annotated[bool, Parameter(negative="", help="List only what was left out.")] = False,
    json_: AsJson = False,
) -> int:
    """List every sorry of a repository, as Lean sees it, or as the text alone shows it.

    More than a hundred are counted file by file.

    Examples
    --------
    orchestrator extract .                  # the folder as it is, changes that are not committed included
    orchestrator extract . --ref main --json
    orchestrator extract . --static         # at once, without Lean
    """
    console = make_console(stderr=json_)
    if static:
        return _static(repo, ref, console, as_json=json_, every=every, only_problems=only_problems)
    project, servers = prepare(repo, ref, console)
    found = asyncio.run(elaborate(project, servers, console))
    problems = (*project.problems, *found.problems)
    if json_:
        print_json({"commit": project.commit, "goals": found.goals, "problems": problems, "notes": found.notes})
    if not found.declarations and found.problems:
        raise nothing_usable(project, problems)
    if not json_ and not only_problems:
        show_goals(console, found.goals, every=every)
    show_problems(console, problems)
    for note in found.notes:
        say(console, "yellow", "note:", note)
    return 0


def _static(repo: str, ref: str | None, console: Console, *, as_json: bool, every: bool, only_problems: bool) -> int:
    project = open_project(repo, ref)
    found = [(module.path, sorry) for module in project.modules for sorry in scan(module.text)]
    wanted = [(module.path, asked) for module in project.modules for asked in proofs_wanted(module.text)]
    if as_json:
        print_json(
            {
                "commit": project.commit,
                "places": [{"file": path, **asdict(sorry)} for path, sorry in found],
                "proofs_wanted": [{"file": path, **asdict(asked)} for path, asked in wanted],
                "problems": project.problems,
            }
        )
        return 0
    lines = [(path, sorry.span.start, f"{sorry.word} in {_name(sorry)}") for path, sorry in found]
    lines += [(path, asked.span.start, f"proof_wanted {asked.declaration}") for path, asked in wanted]
    if not only_problems and len(lines) > MOST_ROWS and not every:
        show_by_file(console, [(path, words.split()[0]) for path, _, words in lines])
    elif not only_problems:
        for path, start, words in lines:
            tell(console, f"{path}:{start.line}:{start.column} {words}")
    show_problems(console, project.problems)
    sorries, files = counted(len(found), "sorry", "sorries"), counted(len({path for path, _ in found}), "file")
    tell(console, f"{sorries} in {files} of {len(project.modules)}, {len(wanted)} proof_wanted")
    return 0


def _name(sorry: SorryCandidate) -> str:
    return sorry.declaration or f"{sorry.keyword or 'command'} without a name"
