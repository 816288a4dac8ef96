"""The command line: the composition root, and the only file here that may import Prefect (through the flows)."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from orchestrator.commands import lean_app, run_extract, run_verify
from orchestrator.config import set_prefect_defaults
from orchestrator.errors import OrchestratorError

app = App(
    name="orchestrator",
    help="Prove the sorries of a Lean 4 repository and hand back a verified patch.",
    help_epilogue="Settings come from flags, then from ORCH_… variables (see the README).",
)
app.command(lean_app)

Repository = Annotated[str, Parameter(help="Folder or URL of a git repository.")]
Reference = Annotated[str, Parameter(help="Branch, tag or commit to work on.")]
OtherReference = Annotated[
    str | None, Parameter(name="--ref", help="Branch, tag or commit; the folder as it is unless given.")
]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON on standard output.")]


@app.command
def prove(
    repo: Repository,
    *,
    ref: Reference = "HEAD",
    out: Annotated[Path, Parameter(help="Folder for the results.")] = Path("out"),
    profile: Annotated[int, Parameter(help="0 stub workers, 1 normal, 2 thorough.")] = 1,
    timeout: Annotated[float | None, Parameter(help="Seconds that strategies may work; no limit unless given.")] = None,
    json_: AsJson = False,
) -> int:
    """Prove what can be proved, verify it from scratch, and write a patch.

    Writes summary.json, proofs.patch, blueprint.patch, report.md and attempts.jsonl to the output folder. The
    repository itself is not touched. Exit code 0 when the run went through, however much it proved.

    Examples
    --------
    orchestrator prove .                    # the repository you stand in
    orchestrator prove . --timeout 600      # ten minutes at most
    git apply out/proofs.patch              # take the proofs
    """
    set_prefect_defaults()
    from orchestrator.proving import prove_repository

    console = Console(stderr=json_)
    summary = prove_repository(repo, ref=ref, out=out.resolve(), profile=profile, timeout=timeout, console=console)
    if json_:
        sys.stdout.write(json.dumps(summary, ensure_ascii=False, indent=2) + "\n")
    return 0


@app.command
def extract(repo: Repository, *, ref: OtherReference = None, json_: AsJson = False) -> int:
    """List every open place of a repository, as Lean sees it."""
    return asyncio.run(run_extract(repo, ref, as_json=json_, console=Console(stderr=json_)))


@app.command
def verify(
    repo: Repository,
    patch: Annotated[Path, Parameter(help="The patch to judge: proofs.patch of a run, or any other.")],
    *,
    ref: OtherReference = None,
    json_: AsJson = False,
) -> int:
    """Judge a patch from scratch: a verdict for each declaration it proves. Exit code 5 when it must not be used."""
    return asyncio.run(run_verify(repo, ref, patch, as_json=json_, console=Console(stderr=json_)))


def run(command: Callable[[], object]) -> int:
    """Run a command: our errors become one message and their exit code, Ctrl-C becomes 130."""
    try:
        code = command()
    except OrchestratorError as error:
        Console(stderr=True).print(f"[red]error:[/red] {error}", highlight=False, soft_wrap=True, markup=True)
        return error.exit_code
    except (KeyboardInterrupt, asyncio.CancelledError):
        Console(stderr=True).print("stopped", highlight=False)
        return 130
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the `orchestrator` command."""
    sys.exit(run(lambda: app(result_action="return_value")))


if __name__ == "__main__":
    main()
