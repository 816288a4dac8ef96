"""How busy the machine is, and how long to hold back for it.

The load is a moving average over readings taken when work is about to start. A reading is the pressure on our own
control group where the kernel tells it, else on the machine, else the load average per usable core: the load average
alone counts the whole machine and knows nothing of a container's limits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

GIBIBYTE = 1 << 30


def next_average(average: float, load: float, *, alpha: float = 0.1) -> float:
    """The exponential moving average after one more reading; `alpha` is the weight of the new one."""
    return alpha * load + (1 - alpha) * average


def pause_seconds(average: float, *, target: float = 0.5) -> float:
    """How long to sleep: nothing up to the target, then four times the excess, at most one second."""
    return min(1.0, max(0.0, 4 * (average - target)))


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


class ScriptedMachine:
    """The in-memory twin: the readings given, in turn, and the last one for ever after."""

    def __init__(self, readings: Sequence[Reading] = (Reading(0.0),)) -> None:
        self._readings = list(readings)

    def read(self) -> Reading:
        """See `Machine.read`."""
        return self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]


class Throttle:
    """Holds work back while the processor is busier than the target, or memory is short.

    Args:
        machine: where readings come from.
        cpu_target: load that is still fine, 0 to 1.
        cpu_alpha: weight of the newest reading in the average.
        server_bytes: memory that one more Lean server needs; 0 means memory never holds work back.
    """

    def __init__(
        self, machine: Machine, *, cpu_target: float = 0.5, cpu_alpha: float = 0.1, server_bytes: int = 2 * GIBIBYTE
    ) -> None:
        self._machine = machine
        self._target = cpu_target
        self._alpha = cpu_alpha
        self._server_bytes = server_bytes
        self.cpu_ema = 0.0

    def pause(self) -> float:
        """Take a reading into the average; return the seconds to sleep before starting work."""
        self.cpu_ema = next_average(self.cpu_ema, self._machine.read().load, alpha=self._alpha)
        return pause_seconds(self.cpu_ema, target=self._target)

    def memory_short(self) -> bool:
        """Whether another Lean server would not fit now. Unknown memory is taken to be enough."""
        available = self._machine.read().available_bytes
        return available is not None and available < self._server_bytes


@dataclass(frozen=True, kw_only=True)
class LocalMachine:
    """The machine this process runs on.

    Attributes:
        root: where `proc` and `sys` lie.
        load_average: runnable tasks over the last minute, on the whole machine.
        available_memory: bytes that can still be used on the whole machine.
        usable_cores: cores this process may run on.
    """

    root: Path = Path("/")
    load_average: Callable[[], float] = lambda: float(psutil.getloadavg()[0])
    available_memory: Callable[[], int] = lambda: int(psutil.virtual_memory().available)
    usable_cores: Callable[[], int] = field(default=lambda: _affinity())

    def read(self) -> Reading:
        """See `Machine.read`."""
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
