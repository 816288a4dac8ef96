"""What a Lean process is kept away from: the walls of this machine, and the command that starts a program inside."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONFINE = Path(__file__).with_name("confine.py")

SYSTEM_FILES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/etc/ssl", "/proc", "/sys/fs/cgroup",
                "/sys/devices/system/cpu", "/dev/null", "/dev/urandom", "/nix/store", "/opt/homebrew")  # fmt: skip
"""What any program needs to start."""

LIMITS = (("cpu-seconds", 6 * 3600), ("open-files", 512), ("core", 0))


@dataclass(frozen=True, slots=True)
class Walls:
    """What this system offers. `landlock`: version of Landlock, 0 for none."""

    limits: bool = False
    network: bool = False
    landlock: int = 0


def examine_walls() -> Walls:
    """Look at this system; one short-lived child is started."""
    if os.name != "posix":
        return Walls()
    from orchestrator.lean.sandbox.confine import can_leave_network, landlock_version

    return Walls(limits=True, network=can_leave_network(), landlock=landlock_version())


def confined(
    command: Sequence[str],
    *,
    read: Sequence[Path],
    write: Sequence[Path] = (),
    file_megabytes: int = 16,
    network: bool = False,
) -> list[str]:
    """The command that runs `command` (a program by its path, and its arguments) inside every wall there is.

    It may read (and execute) `read` and `SYSTEM_FILES`, and write to the folders and files `write`, none larger than
    `file_megabytes`.
    """
    if os.name != "posix":
        return list(command)
    readable = [*SYSTEM_FILES, str(Path(command[0]).resolve()), command[0], *map(str, read)]
    return [
        sys.executable,
        *("-I", "-S", str(CONFINE)),
        *(f"--read={path}" for path in readable),
        *(f"--write={path}" for path in ("/dev/null", *map(str, write))),
        *(() if network else ("--no-network",)),
        *(f"--limit={name}:{value}" for name, value in (("file-size", file_megabytes * 10**6), *LIMITS)),
        "--",
        *command,
    ]
