"""The command line. It and `orchestrator.cli` are the composition root: they alone may import Prefect and the flows."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from io import TextIOWrapper
from types import FrameType

from cyclopts import App, CycloptsError

from orchestrator.cli.dashboard import dashboard
from orchestrator.cli.extract import extract
from orchestrator.cli.health import doctor, settings
from orchestrator.cli.mcp import mcp
from orchestrator.cli.nightly import nightly, worker
from orchestrator.cli.output import with_examples
from orchestrator.cli.runs import bank, bg, on_push, prove
from orchestrator.cli.setup import setup
from orchestrator.cli.terminal import make_console, say
from orchestrator.cli.verify import verify
from orchestrator.errors import ConfigError, OrchestratorError, StoppedError

app = App(
    name="orchestrator",
    help="Prove the sorries of a Lean 4 repository and hand back a verified patch.",
    help_epilogue=(
        "Settings come from flags, then from ORCH_… variables, then from the configuration file; "
        "`orchestrator settings` lists them.\n\n"
        "Exit codes: 0 done, 1 failed, 2 a bad setting, 3 the repository, 4 Lean, 5 a patch that must not be used, "
        "6 the ledger, 7 the blueprint, 8 the marketplace, 9 a model, 10 not published, 130 stopped."
    ),
)
# By name, since the libraries that they need take a second to import; so the words for the overview stand here, too.
for _name, _help in (
    ("lean", "The Lean that proofs are checked with: install it, see which one is used."),
    ("market", "The lemma marketplace: lemmas asked for, claimed, supplied."),
    ("premises", "The library's theorems that proofs may use: collect them, look some up."),
    ("sorrydb", "Read, run, compare and write SorryDB's lists of sorries."),
    ("ledger", "The record of every run, goal, attempt and proof."),
    ("blueprint", "The blueprint of a formalisation: what is true of it, and marks that say so."),
    ("models", "The models that strategies use: which can be used, and what the others need."),
):
    app.command(f"orchestrator.cli.{_name}:{_name}_app", name=_name, help=_help)
for _function in (prove, on_push, extract, verify, bank, bg, nightly, worker, dashboard, mcp, setup, doctor, settings):
    with_examples(app)(_function)
app.register_install_completion_command()


def run(command: Callable[[], object]) -> int:
    """Run a command: our errors become one message and their exit code, Ctrl-C becomes 130."""
    console = make_console(stderr=True)
    try:
        code = command()
        sys.stdout.flush()
    except CycloptsError:  # told already
        return ConfigError.exit_code
    except OrchestratorError as error:
        stopped = isinstance(error, StoppedError)
        say(console, "yellow" if stopped else "red", "stopped:" if stopped else "error:", str(error))
        return error.exit_code
    except (KeyboardInterrupt, asyncio.CancelledError):
        say(console, "yellow", "stopped", "")
        return StoppedError.exit_code
    except BrokenPipeError:  # whoever read our output has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the `orchestrator` command."""
    # A shell has what a script puts in the background ignore Ctrl-C, by which everything here is ended in order.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _like_interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(lambda: app(result_action="return_value", exit_on_error=False)))


def _like_interrupt(_number: int, frame: FrameType | None) -> None:
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):
        handler(signal.SIGINT, frame)
