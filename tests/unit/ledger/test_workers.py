"""Who is gone: a process of this machine that has ended, and nobody else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from orchestrator.ledger.workers import is_gone, worker_name


def test_a_process_that_ended_is_gone_and_one_that_runs_is_not() -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(sleeper) as process:
        name = worker_name("run", process.pid)
        assert not is_gone(name)
        process.kill()
        process.wait()
        assert is_gone(name)
    assert not is_gone(worker_name("run"))


def test_a_zombie_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        name = worker_name("run", process.pid)
        assert process.stdin is not None
        process.stdin.close()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and still not fetched
        assert is_gone(name)


def test_a_process_of_the_same_number_is_another_one() -> None:
    place, _, began = worker_name("run").rpartition(":")
    assert is_gone(f"{place}:{int(began) - 1000}")


@pytest.mark.parametrize("worker", ["", "worker 1", "a1b2c3", "run@elsewhere/pid:[1]:1:1", "run@:1:x", "a:b:c"])
def test_nothing_can_be_told_of_others(worker: str) -> None:
    assert not is_gone(worker)
