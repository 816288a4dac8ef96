"""Lake's manifest and builds: every shape of manifest, what is not built, what is stale."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from orchestrator.errors import LeanNotFound, RepositoryError
from orchestrator.lean.lake import Package, build, check_packages, is_built, packages, parse_manifest, stale_modules

FORMAT_5 = {
    "version": 5,
    "packagesDir": "lake-packages",
    "packages": [{"git": {"name": "mathlib", "url": "u", "rev": "abc", "subDir?": None, "inherited": False}}],
}
FORMAT_7 = {
    "version": 7,
    "packagesDir": ".lake/packages",
    "packages": [
        {"type": "git", "name": "mathlib", "url": "u", "rev": "abc", "subDir": None, "inherited": False},
        {"type": "git", "name": "«doc-gen4»", "url": "u", "rev": "def", "subDir": "sub", "inherited": True},
        {"type": "path", "name": "local", "dir": "../local", "inherited": False},
    ],
    "name": "thing",
}
FORMAT_1_1 = {
    "version": "1.1.0",
    "packagesDir": ".lake/packages",
    "packages": [{"type": "git", "name": "mathlib", "scope": "leanprover-community", "url": "u", "rev": "abc"}],
    "lakeDir": ".lake",
}


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (FORMAT_5, (Package("mathlib", "lake-packages/mathlib", "abc"),)),
        (
            FORMAT_7,
            (
                Package("mathlib", ".lake/packages/mathlib", "abc"),
                Package("doc-gen4", ".lake/packages/doc-gen4/sub", "def", inherited=True),
                Package("local", "../local"),
            ),
        ),
        (FORMAT_1_1, (Package("mathlib", ".lake/packages/mathlib", "abc"),)),
        ({"version": "1.1.0", "packagesDir": ".lake/packages", "packages": []}, ()),
    ],
)
def test_manifests_of_every_format_are_read(manifest: dict[str, object], expected: tuple[Package, ...]) -> None:
    assert parse_manifest(json.dumps(manifest)) == expected


@pytest.mark.parametrize("text", ["", "[]", '{"packages": [{}]}', '{"packages": 3}', "nonsense"])
def test_what_is_no_manifest_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(RepositoryError, match="lake update"):
        parse_manifest(text)


def test_a_project_without_a_manifest_has_no_packages(tmp_path: Path) -> None:
    assert packages(tmp_path) == ()
    check_packages(tmp_path)


def test_packages_that_are_not_built_are_named_with_the_command(tmp_path: Path) -> None:
    (tmp_path / "lake-manifest.json").write_text(json.dumps(FORMAT_1_1))
    with pytest.raises(LeanNotFound, match="mathlib") as caught:
        check_packages(tmp_path)
    assert "lake exe cache get" in str(caught.value)
    compiled = tmp_path / ".lake/packages/mathlib/.lake/build/lib/lean/Mathlib.olean"
    compiled.parent.mkdir(parents=True)
    compiled.touch()
    check_packages(tmp_path)


def test_a_package_with_nothing_to_compile_is_built(tmp_path: Path) -> None:
    assert not is_built(tmp_path / "none")
    assert is_built(tmp_path)
    (tmp_path / "A.lean").touch()
    assert not is_built(tmp_path)


def test_a_package_by_path_that_changed_since_it_was_built_is_named(tmp_path: Path) -> None:
    entry = {"type": "path", "name": "ours", "dir": "../ours", "inherited": False}
    project, package = tmp_path / "project", tmp_path / "ours"
    project.mkdir()
    (project / "lake-manifest.json").write_text(json.dumps({"version": "1.1.0", "packages": [entry]}))
    for path in ("A.lean", "A/B.lean", ".lake/build/lib/lean/A.olean", ".lake/build/lib/lean/A/B.olean"):
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).touch()
    check_packages(project)
    os.utime(package / ".lake/build/lib/lean/A/B.olean", (1, 1))
    assert stale_modules(package) == ("A.B",)
    with pytest.raises(LeanNotFound, match=r"changed since they were built: A\.B"):
        check_packages(project)


def program(folder: Path, text: str) -> Path:
    path = folder / "lake"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_building_fetches_mathlibs_cache_first(tmp_path: Path) -> None:
    (tmp_path / "lake-manifest.json").write_text(json.dumps(FORMAT_1_1))
    build(tmp_path, program(tmp_path, 'echo "$@" >> asked'), seconds=60)
    assert (tmp_path / "asked").read_text() == "exe cache get\nbuild\n"


def test_a_build_that_fails_says_lakes_words(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="unknown target"):
        build(tmp_path, program(tmp_path, "echo unknown target >&2; exit 1"), seconds=60)
    with pytest.raises(LeanNotFound):
        build(tmp_path, tmp_path / "none", seconds=60)
