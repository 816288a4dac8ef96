"""A native Lean on a machine where something is missing: each time the one command that helps is said."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config import Paths, load_settings
from orchestrator.errors import LeanNotFound
from orchestrator.lean.native import ready_repl as module
from orchestrator.lean.native.ready_repl import BINARY, nearest_tag, ready_repl, repl_release
from orchestrator.lean.servers import Servers, choose_lean, provision
from orchestrator.source.loading import load_project

WANTED = "leanprover/lean4:v4.20.1"
BUILDS = f'[ "$1" != build ] || (mkdir -p {Path(BINARY).parent} && cat lean-toolchain > {BINARY})'


def program(folder: Path, name: str, text: str = "") -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that imports Mathlib."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "lean-toolchain").write_text(WANTED)
    (folder / "lakefile.toml").write_text('name = "P"\n[[lean_lib]]\nname = "P"\n')
    (folder / "P.lean").write_text("import Mathlib.Order\ntheorem p : 1 = 1 := sorry\n")
    packages = [{"type": "git", "name": name, "url": "u", "rev": "r"} for name in ("mathlib", "checkdecls")]
    (folder / "lake-manifest.json").write_text(json.dumps({"version": "1.1.0", "packages": packages}))
    return folder


@pytest.fixture
def repl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the REPL comes from: releases for Lean 4.20.0, 4.20.2 and 4.21.0."""
    origin = tmp_path / "origin"
    origin.mkdir()
    address, revision = repl_release()
    assert address.startswith("https://")
    monkeypatch.setattr(module, "repl_release", lambda: (str(origin), revision))
    commands = [["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]]
    commands += [["tag", f"{revision}_lean-toolchain-v4.{v}"] for v in ("20.0", "20.2", "21.0")]
    for arguments in commands:
        subprocess.run(["git", "-c", "user.name=T", "-c", "user.email=t@e", *arguments], cwd=origin, check=True)
    return origin


def missing(project: Path) -> LeanNotFound:
    settings = load_settings()
    with pytest.raises(LeanNotFound) as caught:
        start(project)
    assert caught.value.exit_code == 4
    assert settings.lean == "native"
    return caught.value


def start(project: Path) -> Servers:
    settings = load_settings()
    paths = Paths(cache=project.parent / "cache", data=project.parent, state=project.parent)
    return provision(settings, paths, choose_lean(settings, paths, load_project(project)), load_project(project))


def test_each_thing_that_is_missing_is_said_with_the_command_that_brings_it(
    project: Path, repl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ORCH_LEAN", "native")
    assert "elan-init.sh" in missing(project).hint

    for name in ("lean", "lake"):
        program(programs, name, "exit 1")
    program(programs, "elan", "echo no installed toolchains")
    assert missing(project).hint == f"Run `elan toolchain install {WANTED}`"

    program(programs, "elan", f"echo leanprover/lean4:v4.9.0; echo '{WANTED} (default)'")
    assert "not fetched" in missing(project).what
    assert missing(project).hint.startswith("Run `lake exe cache get` there")

    sources = project / ".lake/packages/mathlib"
    (sources / "Mathlib").mkdir(parents=True)
    (sources / "Mathlib/Order.lean").touch()
    assert "not built: mathlib" in missing(project).what

    compiled = sources / ".lake/build/lib/lean/Mathlib"
    compiled.mkdir(parents=True)
    (compiled / "Order.olean").touch()
    unbuilt = missing(project)
    made = next((tmp_path / "cache/repl").glob("*-v4.20.1"))
    assert "not built" in unbuilt.what
    assert f"cd {made} && lake build" in unbuilt.hint

    program(programs, "lake", BUILDS)
    native = start(project).native
    assert native is not None
    assert native.repl == made
    assert (made / BINARY).read_text().strip() == WANTED

    program(programs, "lake", "exit 1")
    assert start(project).native == native, "what is built is not built again"
    (project / "lean-toolchain").write_text("leanprover/lean4:v4.30.0")
    program(programs, "elan", "echo leanprover/lean4:v4.30.0")
    assert "no REPL for Lean 4.30.0" in missing(project).what
    assert "ORCH_REPL" in missing(project).hint
    monkeypatch.setenv("ORCH_REPL", str(tmp_path / "mine"))
    assert f"cd {tmp_path}/mine && lake build" in missing(project).hint


def test_where_the_repl_cannot_be_reached_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "repl_release", lambda: (str(tmp_path / "gone"), "v1"))
    with pytest.raises(LeanNotFound, match="There is no REPL yet") as caught:
        ready_repl("4.20.0", tmp_path / "lake", tmp_path / "cache")
    assert "ORCH_REPL" in caught.value.hint


RELEASES = st.builds(
    "{}.{}.{}{}".format, st.just(4), st.integers(8, 12), st.integers(0, 3), st.sampled_from(["", "-rc1"])
)


@given(st.lists(RELEASES), RELEASES)
def test_the_nearest_release_of_the_same_minor_version_stands_in(releases: list[str], wanted: str) -> None:
    tags = [f"v1_lean-toolchain-v{release}" for release in releases]
    chosen = nearest_tag([*tags, f"v2_lean-toolchain-v{wanted}", "v1"], "v1", wanted)
    same = [tag for tag, release in zip(tags, releases, strict=True) if release.split(".")[1] == wanted.split(".")[1]]
    assert bool(chosen) == bool(same)
    assert not chosen or chosen in same
    if wanted in releases:
        assert chosen == f"v1_lean-toolchain-v{wanted}"


@pytest.mark.parametrize("version", ["", "nightly-2026-01-01"])
def test_what_is_no_release_has_no_tag(version: str) -> None:
    assert nearest_tag(["v1_lean-toolchain-v4.20.0"], "v1", version) == ""
