"""What every bench does at its edges: it cleans up when it is told to end, and writes its figures as JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

_GRACE_SECONDS = 60.0


def run_command(main: Callable[[], int | None]) -> NoReturn:
    """Run a bench's `main` and exit with its code. SIGTERM ends it as Ctrl-C does: what is open is closed first."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)


def run_child(command: Sequence[str], *, environment: Mapping[str, str], output: IO[bytes], folder: Path) -> int:
    """Run a command to its end; its exit code. When we are ended, so are the command and all that it has started."""
    with subprocess.Popen(
        command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=folder, start_new_session=True
    ) as child:
        try:
            return child.wait()
        except BaseException:
            # Whoever asks twice does not interrupt this: else what the command has started would be left behind.
            before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(_GRACE_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            signal.signal(signal.SIGTERM, before)
            raise


def write_figures(path: Path | None, value: object) -> None:
    """Write what a bench measured to the file of `--json`, if one is named."""
    if path is not None:
        path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
