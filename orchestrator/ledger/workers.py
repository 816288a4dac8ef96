"""The name a worker has in the ledger, from which others on its machine can tell that its process is gone."""

from __future__ import annotations

import os
import platform
from functools import cache

import psutil

_SAME_START_SECONDS = 2.0


def worker_name(run_id: str, pid: int | None = None) -> str:
    """What a process claims goals as: the run, the machine, the process and when it began."""
    process = psutil.Process(pid)
    return f"{run_id}@{_machine()}:{process.pid}:{process.create_time():.0f}"


def is_gone(worker: str) -> bool:
    """Whether a worker of this machine is certainly not there any more; of others nothing can be told."""
    rest, _, began = worker.rpartition(":")
    rest, _, pid = rest.rpartition(":")
    if rest.partition("@")[2] != _machine() or not (pid.isdecimal() and began.isdecimal()):
        return False
    try:
        process = psutil.Process(int(pid))
        another = abs(process.create_time() - int(began)) > _SAME_START_SECONDS
        return another or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


@cache
def _machine() -> str:
    """Machine and, on Linux, its namespace of process ids: containers of one name do not see one another's."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{platform.node()}/{namespace}".replace("@", "-")
