"""How busy the machine is, and how long to hold back for it.

The load is a moving average over readings taken when work is about to start. A reading is the pressure on our own
control group where the kernel tells it, else on the machine, else the load average per usable core: the load average
alone counts the whole machine and knows nothing of a container's limits.
"""

from __future__ import annotations

from orchestrator.machine import GIBIBYTE, Machine


def next_average(average: float, load: float, *, alpha: float = 0.1) -> float:
    """The exponential moving average after one more reading; `alpha` is the weight of the new one."""
    return alpha * load + (1 - alpha) * average


def pause_seconds(average: float, *, target: float = 0.5) -> float:
    """How long to sleep: nothing up to the target, then four times the excess, at most one second."""
    return min(1.0, max(0.0, 4 * (average - target)))


class Throttle:
    """Holds work back while the processor is busier than the target, or memory is short.

    Args:
        machine: where readings come from; without one nothing is ever held back.
        cpu_target: load that is still fine, 0 to 1.
        server_bytes: memory that one more Lean server needs; 0 means memory never holds work back.
    """

    def __init__(
        self,
        machine: Machine | None = None,
        *,
        cpu_target: float = 0.5,
        cpu_alpha: float = 0.1,
        server_bytes: int = 2 * GIBIBYTE,
    ) -> None:
        self._machine = machine
        self._target = cpu_target
        self._alpha = cpu_alpha
        self._server_bytes = server_bytes
        self.cpu_ema = 0.0

    def pause(self) -> float:
        """Take a reading into the average; return the seconds to sleep before starting work."""
        if self._machine is None:
            return 0.0
        self.cpu_ema = next_average(self.cpu_ema, self._machine.read().load, alpha=self._alpha)
        return pause_seconds(self.cpu_ema, target=self._target)

    def memory_short(self) -> bool:
        """Whether another Lean server would not fit now. Unknown memory is taken to be enough."""
        available = None if self._machine is None else self._machine.read().available_bytes
        return available is not None and available < self._server_bytes
