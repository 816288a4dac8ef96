"""The throttle: its arithmetic, its memory, and the places it reads from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_machine import ScriptedMachine

from orchestrator.machine import GIBIBYTE, LocalMachine, Reading
from orchestrator.scheduler.throttle import Throttle, next_average, pause_seconds


@pytest.mark.parametrize(("average", "pause"), [(0.0, 0.0), (0.5, 0.0), (0.6, 0.4), (0.75, 1.0), (9.0, 1.0)])
def test_pause_is_four_times_the_excess_and_at_most_a_second(average: float, pause: float) -> None:
    assert pause_seconds(average, target=0.5) == pytest.approx(pause)


@settings(deadline=None)
@given(st.floats(0, 50), st.floats(0, 1))
def test_pause_is_within_bounds_and_zero_only_below_the_target(average: float, target: float) -> None:
    pause = pause_seconds(average, target=target)
    assert 0 <= pause <= 1
    assert (pause > 0) == (average > target)


@settings(deadline=None)
@given(st.floats(0, 50), st.floats(0, 50), st.floats(0.01, 1))
def test_average_lies_between_the_old_one_and_the_reading(average: float, load: float, alpha: float) -> None:
    after = next_average(average, load, alpha=alpha)
    assert min(average, load) - 1e-9 <= after <= max(average, load) + 1e-9


def test_average_moves_by_alpha() -> None:
    throttle = Throttle(ScriptedMachine([Reading(1.0), Reading(1.0), Reading(0.0)]), cpu_target=0.1)
    assert [throttle.pause(), throttle.pause(), throttle.pause()] == pytest.approx([0.0, 0.36, 0.284])
    assert throttle.cpu_ema == pytest.approx(0.171)


def test_memory_is_short_below_one_server_and_enough_when_unknown() -> None:
    readings = [Reading(0.0, 3 * GIBIBYTE), Reading(0.0, GIBIBYTE), Reading(0.0, None)]
    throttle = Throttle(ScriptedMachine(readings), server_bytes=2 * GIBIBYTE)
    assert [throttle.memory_short() for _ in range(3)] == [False, True, False]
    assert not Throttle(ScriptedMachine([Reading(0.0, 0)]), server_bytes=0).memory_short()


def _machine(root: Path, files: Mapping[str, str]) -> LocalMachine:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return LocalMachine(
        root=root, load_average=lambda: 6.0, available_memory=lambda: 8 * GIBIBYTE, usable_cores=lambda: 4
    )


PRESSURE = "some avg10={} avg60=4.50 avg300=1.53 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"


@pytest.mark.parametrize(
    ("files", "load"),
    [
        ({}, 6.0 / 4),
        ({"proc/pressure/cpu": PRESSURE.format("11.00")}, 0.11),
        (
            {
                "proc/self/cgroup": "0::/user/job\n",
                "sys/fs/cgroup/user/job/cpu.pressure": PRESSURE.format("42.50"),
                "proc/pressure/cpu": PRESSURE.format("11.00"),
            },
            0.425,
        ),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 6.0 / 1.5),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 6.0 / 4),
        (
            {
                "proc/self/cgroup": "1:cpu,cpuacct:/job\n0::/\n",
                "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000\n",
            },
            6.0 / 2,
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            6.0 / 4,
        ),
        ({"proc/self/cgroup": "garbage\n\n", "proc/pressure/cpu": "full avg10=3.00\n"}, 6.0 / 4),
    ],
)
def test_load_comes_from_the_nearest_source(tmp_path: Path, files: Mapping[str, str], load: float) -> None:
    assert _machine(tmp_path, files).read().load == pytest.approx(load)


@pytest.mark.parametrize(
    ("files", "available"),
    [
        ({}, 8 * GIBIBYTE),
        (
            {
                "proc/self/cgroup": "0::/job\n",
                "sys/fs/cgroup/job/memory.max": f"{4 * GIBIBYTE}\n",
                "sys/fs/cgroup/job/memory.current": f"{3 * GIBIBYTE}\n",
                "sys/fs/cgroup/job/memory.stat": f"anon 5\ninactive_file {GIBIBYTE}\nactive_file 7\n",
            },
            2 * GIBIBYTE,
        ),
        (
            {
                "proc/self/cgroup": "0::/outer/job\n",
                "sys/fs/cgroup/outer/job/memory.max": "max\n",
                "sys/fs/cgroup/outer/job/memory.current": "1\n",
                "sys/fs/cgroup/outer/memory.max": f"{GIBIBYTE}\n",
                "sys/fs/cgroup/outer/memory.current": f"{2 * GIBIBYTE}\n",
            },
            0,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/job\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GIBIBYTE}\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIBIBYTE}\n",
                "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 0\n",
            },
            GIBIBYTE,
        ),
    ],
)
def test_memory_is_what_the_tightest_limit_leaves(tmp_path: Path, files: Mapping[str, str], available: int) -> None:
    assert _machine(tmp_path, files).read().available_bytes == available


def test_the_real_machine_can_be_read() -> None:
    reading = LocalMachine().read()
    assert reading.load >= 0
    assert reading.available_bytes is not None
    assert reading.available_bytes > 0
