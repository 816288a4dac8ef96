"""How a test acts as another user than the one who owns the code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NOBODY = 65534
# Somebody else, who may read what is root's alone: the Python of a developer is often in root's home.
SOMEBODY_ELSE = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"),
)


def can_be_somebody_else() -> bool:
    """Whether this is root, with setpriv."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None:
        return False
    probe = (*SOMEBODY_ELSE, sys.executable, "--version")
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0
