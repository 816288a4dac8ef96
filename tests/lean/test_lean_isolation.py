"""A running Lean server, looked at from outside: its environment, its limits, its walls; what its code can reach."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import psutil
import pytest
from real_lean import LONG

from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.protocol import Command
from orchestrator.lean.sandbox.walls import examine_walls
from orchestrator.lean.session import ask

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def content(path: str) -> str:
    """A file of this machine, as we see it."""
    return Path(path).read_text(encoding="utf-8")


def there(path: str) -> bool:
    """Whether this machine has a file."""
    return Path(path).exists()


async def said(lean: EmbeddedSession, text: str) -> str:
    """Everything Lean says to a command."""
    reply = await ask(lean, Command(f"import Lean\n{text}"), timeout=LONG)
    return "\n".join(message.text for message in reply.messages)


@linux
async def test_the_server_has_no_secret_no_core_dump_and_a_group_of_its_own(lean: EmbeddedSession) -> None:
    await said(lean, "")
    assert lean.pid is not None
    process = psutil.Process(lean.pid)
    inherited = set(process.environ()) & (set(os.environ) - {"PATH", "HOME", "LANG", "TZ", "TMPDIR"})
    assert not {name for name in inherited if not name.startswith("LC_")}
    assert os.getpgid(lean.pid) == lean.pid
    limits = content(f"/proc/{lean.pid}/limits")
    assert [line.split()[-3:-1] for line in limits.splitlines() if "core file" in line] == [["0", "0"]]
    assert "NoNewPrivs:\t1" in content(f"/proc/{lean.pid}/status")


@linux
async def test_the_server_is_on_no_network(lean: EmbeddedSession) -> None:
    if not examine_walls().network:
        pytest.skip("this system has no network namespaces")
    await said(lean, "")
    assert os.readlink(f"/proc/{lean.pid}/ns/net") != os.readlink("/proc/self/ns/net")
    routes = content(f"/proc/{lean.pid}/net/route").splitlines()
    assert len(routes) <= 1
    assert socket.gethostname() not in content(f"/proc/{lean.pid}/net/tcp")


@pytest.mark.parametrize(
    "code",
    [
        'IO.FS.readFile "/etc/passwd"',
        'IO.FS.readFile "/proc/self/environ"',
        'IO.FS.writeFile "/tmp/orchestrator-was-here" "x"',
        'IO.FS.removeFile "/etc/hostname"',
        'IO.FS.createDirAll "/var/orchestrator-was-here"',
    ],
)
async def test_code_of_a_repository_reaches_no_file(lean: EmbeddedSession, code: str) -> None:
    answer = await said(lean, f"#eval {code}")
    assert "root:" not in answer
    assert "PATH=" not in answer
    assert not there("/tmp/orchestrator-was-here")
    assert not there("/var/orchestrator-was-here")
    assert there("/etc/hostname")


async def test_code_of_a_repository_starts_no_program_and_sees_no_variable(lean: EmbeddedSession) -> None:
    answer = await said(lean, '#eval do IO.println (repr (← IO.getEnv "ORCH_CACHE_DIR"))')
    assert str(os.environ.get("ORCH_CACHE_DIR", "/nowhere")) not in answer
    answer = await said(
        lean, '#eval do let child ← IO.Process.output { cmd := "/bin/echo", args := #["out"] }; IO.print child.stdout'
    )
    assert "out\n" not in f"{answer}\n".replace("stdout", "")
