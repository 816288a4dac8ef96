"""The machine and the version of this program, for results that somebody compares later."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import psutil
from packaging.requirements import Requirement

from orchestrator import __version__

EXTRAS: dict[str, tuple[str, ...]] = {
    "dojo": ("lean_dojo",),
    "models": ("torch", "transformers", "faiss"),
    "llm": ("openai",),
    "postgres": ("psycopg",),
    "dask": ("prefect_dask",),
}
"""What each extra of the distribution brings, by import name."""


def missing(extra: str, libraries: tuple[str, ...] = ()) -> str:
    """ "" when an extra's libraries (or only those given) are installed, else what to do, in one line."""
    absent = [name for name in libraries or EXTRAS[extra] if find_spec(name) is None]
    if not absent:
        return ""
    return f"{', '.join(absent)} not installed: {how_to_install(extra)}"


def how_to_install(extra: str) -> str:
    """The command that installs what an extra needs into the Python that runs us, or why there is none.

    It names the packages themselves: where our own distribution was had from cannot be known here.
    """
    try:
        ours = map(Requirement, requires("lean-orchestrator") or ())
    except PackageNotFoundError:  # run from sources that were not installed
        return f"install this package with its extra {extra}"
    wanted = [one for one in ours if one.marker and one.marker.evaluate({"extra": extra})]
    if not wanted:
        return f"its packages do not run on Python {platform.python_version()} yet"
    packages = shlex.join(f"{one.name}{one.specifier}" for one in wanted)
    python = shlex.quote(sys.executable)
    tool = f"{python} -m pip install" if find_spec("pip") else f"uv pip install --python {python}"
    return f"{tool} {packages}"


GIBIBYTE = 1 << 30


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the machine.

    Attributes:
        load: 0 is idle; 1 is every core busy, or (from pressure) some task waiting for a core all the time.
        available_bytes: memory that can still be used; None when it is not known.
    """

    load: float
    available_bytes: int | None = None


class Machine(Protocol):
    """Where readings come from."""

    def read(self) -> Reading:
        """One reading, now."""


@dataclass(frozen=True, kw_only=True)
class LocalMachine:
    """The machine this process runs on."""

    root: Path = Path("/")
    load_average: Callable[[], float] = lambda: float(psutil.getloadavg()[0])
    available_memory: Callable[[], int] = lambda: int(psutil.virtual_memory().available)
    usable_cores: Callable[[], int] = field(default=lambda: _affinity())

    def read(self) -> Reading:
        return Reading(load=self._load(), available_bytes=min((self.available_memory(), *self._memory_left())))

    def _load(self) -> float:
        for file in (*(folder / "cpu.pressure" for folder in self._unified()), self.root / "proc/pressure/cpu"):
            pressure = _pressure(_text(file))
            if pressure is not None:
                return pressure
        return self.load_average() / self._cores()

    def _cores(self) -> float:
        quotas = [
            *(_pair(_text(folder / "cpu.max")) for folder in self._unified()),
            *(
                _pair(f"{_text(folder / 'cpu.cfs_quota_us')} {_text(folder / 'cpu.cfs_period_us')}")
                for folder in self._groups("cpu", "sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct")
            ),
        ]
        return min((float(self.usable_cores()), *(quota / period for quota, period in quotas if quota > 0 < period)))

    def _memory_left(self) -> Iterator[int]:
        for folder in self._unified():
            yield from _left(folder, "memory.max", "memory.current", "inactive_file")
        for folder in self._groups("memory", "sys/fs/cgroup/memory"):
            yield from _left(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")

    def _unified(self) -> Iterator[Path]:
        return self._groups("", "sys/fs/cgroup", "sys/fs/cgroup/unified")

    def _groups(self, controller: str, *mounts: str) -> Iterator[Path]:
        """Folders of our control group for a controller ("" is version 2) and of all above it, innermost first."""
        for line in _text(self.root / "proc/self/cgroup").splitlines():
            _, controllers, path = (*line.split(":", 2), "", "")[:3]
            if controller not in controllers.split(","):
                continue
            inside = Path(path.strip().lstrip("/"))
            for mount in mounts:
                yield from (self.root / mount / part for part in (inside, *inside.parents))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:  # absent, or not for us to read: the next source answers
        return ""


def _pressure(text: str) -> float | None:
    """The share of the last ten seconds in which some task waited for a core."""
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "some":
            for word in rest.split():
                name, _, value = word.partition("=")
                if name == "avg10":
                    return float(value) / 100
    return None


def _pair(text: str) -> tuple[int, int]:
    words = text.split()
    if len(words) == 2 and all(word.isdigit() for word in words):
        return int(words[0]), int(words[1])
    return 0, 0


def _left(folder: Path, limit_file: str, used_file: str, reclaimable: str) -> Iterator[int]:
    limit, used = _text(folder / limit_file), _text(folder / used_file)
    if limit.isdigit() and used.isdigit():
        cached = (line.split() for line in _text(folder / "memory.stat").splitlines())
        back = sum(int(words[1]) for words in cached if len(words) == 2 and words[0] == reclaimable)
        yield max(0, int(limit) - int(used) + back)


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
    from git import GitError, Repo

    try:
        repository = Repo(Path(__file__).parent, search_parent_directories=True)
        changed = repository.is_dirty(untracked_files=False)
        return repository.head.commit.hexsha[:12] + ("+" if changed else "")
    except (GitError, ValueError, OSError):  # no work tree, no commit, no git
        return __version__
