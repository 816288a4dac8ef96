"""The machine and the version of this program, for results that somebody compares later."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import psutil

from orchestrator import __version__
from orchestrator.throttle import LocalMachine


def describe_machine() -> dict[str, object]:
    """System, processor cores that may be used, memory in megabytes, Python. No host name: results get published."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": LocalMachine().usable_cores(),
        "memory_megabytes": psutil.virtual_memory().total // 10**6,
        "python": platform.python_version(),
    }


def program_commit() -> str:
    """The commit of this program's own work tree, with "+" behind it for changes; its version when there is none."""
    folder = Path(__file__).parent
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return __version__
    return head[:12] + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(("git", *arguments), cwd=folder, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.strip()
