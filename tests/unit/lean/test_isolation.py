"""The walls around a Lean process, tried with programs that run against them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.lean.doctor import Level, isolation_findings
from orchestrator.lean.sandbox.walls import Walls, confined, examine_walls

WALLS = examine_walls()
posix = pytest.mark.skipif(not WALLS.limits, reason="no resource limits on this system")
landlock = pytest.mark.skipif(not WALLS.landlock, reason="no Landlock on this system")
network = pytest.mark.skipif(not WALLS.network, reason="no network namespaces on this system")


def inside(script: str, *, read: Path, write: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a shell script inside the walls."""
    programs = [Path(name) for name in ("/bin", "/usr/bin")]
    command = confined(["/bin/sh", "-c", script], read=(read, *programs), write=write)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin:/bin"})


@posix
def test_what_is_allowed_works(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    assert inside(f"cat {tmp_path}/file", read=tmp_path).stdout == "content"


@landlock
def test_other_files_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "secret").write_text("secret")
    for path in (tmp_path / "secret", Path("/etc/hostname"), Path.home()):
        done = inside(f"cat {path} || ls {path}/", read=tmp_path / "mine")
        assert done.returncode != 0
        assert done.stdout == ""


@landlock
def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "mine/link").symlink_to(tmp_path / "secret")
    assert inside(f"cat {tmp_path}/mine/link", read=tmp_path / "mine").stdout == ""


@landlock
def test_nothing_can_be_written_but_where_it_may(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    script = f"echo 1 > {tmp_path}/scratch/a; echo 2 > {tmp_path}/b; echo 3 > /tmp/orchestrator-wall; rm {tmp_path}/c"
    (tmp_path / "c").write_text("kept")
    inside(script, read=tmp_path, write=(tmp_path / "scratch",))
    assert (tmp_path / "scratch/a").read_text() == "1\n"
    assert not (tmp_path / "b").exists()
    assert not Path("/tmp/orchestrator-wall").exists()
    assert (tmp_path / "c").read_text() == "kept"


@landlock
def test_the_secrets_of_other_processes_cannot_be_read(tmp_path: Path) -> None:
    done = inside(f"cat /proc/{os.getpid()}/environ", read=tmp_path)
    assert done.stdout == ""
    assert done.returncode != 0


@network
def test_there_is_no_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=5)"
        prefixes = (Path(sys.base_prefix), Path(sys.prefix))
        command = confined([sys.executable, "-I", "-c", script], read=(tmp_path, *prefixes))
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert any(words in done.stderr for words in ("unreachable", "Permission denied")), done.stderr


@posix
def test_limits(tmp_path: Path) -> None:
    done = inside("ulimit -c; ulimit -n; ulimit -t; ulimit -f", read=tmp_path)
    core, files, seconds, blocks = (int(word) for word in done.stdout.split())
    assert (core, files, seconds) == (0, 512, 21600)
    assert blocks * 512 <= 16_000_000 * 2


@posix
def test_a_file_cannot_grow_beyond_its_limit(tmp_path: Path) -> None:
    inside(f"head -c 20000000 /dev/zero > {tmp_path}/big", read=Path("/dev/zero"), write=(tmp_path,))
    assert (tmp_path / "big").stat().st_size <= 16_000_000


def test_the_doctor_says_of_each_wall_whether_it_stands() -> None:
    whole = isolation_findings(Walls(limits=True, network=True, landlock=4))
    assert {finding.level for finding in whole} == {Level.OK}
    assert "Landlock 4" in whole[-1].what
    always, limits, network, landlock = isolation_findings(Walls(limits=True))
    assert (always.level, limits.level) == (Level.OK, Level.OK)
    assert network.level is landlock.level is Level.WARN
    assert "user namespaces" in network.what
    assert "Linux 5.13" in landlock.what
    assert "container" in landlock.fix
    bare = isolation_findings(Walls())
    assert [finding.level for finding in bare] == [Level.OK, *[Level.WARN] * 3]
    assert "limits" in bare[1].what


def test_the_doctor_looks_at_this_machine_unless_told_what_is_there() -> None:
    assert isolation_findings() == isolation_findings(examine_walls())
