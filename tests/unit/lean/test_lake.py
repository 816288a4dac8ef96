"""Lake's manifest and builds: every shape of manifest, what is not built, what is stale."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import LeanNotFound, RepositoryError
from orchestrator.lean.lake import (
    Package,
    PackageModules,
    build,
    check_packages,
    packages,
    packages_digest,
    parse_manifest,
    same_packages,
    stale_modules,
)

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
                Package("doc-gen4", ".lake/packages/doc-gen4/sub", "def"),
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
    check_packages(tmp_path, ["Std.Data", "Lean"])
    with pytest.raises(LeanNotFound, match="`lake update`"):
        check_packages(tmp_path, ["Mathlib"])


def touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


@pytest.mark.parametrize(
    ("name", "module", "command"), [("mathlib", "Mathlib.Order", "lake exe cache get"), ("dep", "Dep.A", "lake build")]
)
def test_packages_are_fetched_then_built_each_with_one_command(
    tmp_path: Path, name: str, module: str, command: str
) -> None:
    entry = {"type": "git", "name": name, "url": "u", "rev": "abc", "inherited": False}
    (tmp_path / "lake-manifest.json").write_text(json.dumps({"version": "1.1.0", "packages": [entry]}))
    package = tmp_path / ".lake/packages" / name
    with pytest.raises(LeanNotFound, match=f"not fetched: {name}.*Run `{command}`"):
        check_packages(tmp_path, [module])
    path = module.replace(".", "/")
    touch(package / f"{path}.lean")
    with pytest.raises(LeanNotFound, match=f"not built: {name}.*Run `{command}`"):
        check_packages(tmp_path, [module])
    touch(package / f".lake/build/lib/lean/{path}.olean")
    check_packages(tmp_path, [module])


def test_the_digest_of_packages_follows_the_manifest_and_what_is_compiled_of_those_by_path(tmp_path: Path) -> None:
    def manifest(folder: Path, revision: str) -> None:
        entries = [{"type": "git", "name": "g", "url": "u", "rev": revision}, {"type": "path", "name": "p", "dir": "p"}]
        folder.mkdir(exist_ok=True)
        (folder / "lake-manifest.json").write_text(json.dumps({"version": "1.1.0", "packages": entries}))

    here, there = tmp_path / "here", tmp_path / "there"
    manifest(here, "abc")
    manifest(there, "abc")
    compiled = here / "p/.lake/build/lib/lean/P.olean"
    digests = [packages_digest(here)]
    touch(compiled)
    digests.append(packages_digest(here))
    compiled.with_name("P.olean.hash").write_text("1")
    digests.append(packages_digest(here))
    compiled.write_bytes(b"compiled again, to the same")
    assert packages_digest(here) == digests[-1]
    assert same_packages(here, there)
    manifest(here, "def")
    assert len({*digests, packages_digest(here), packages_digest(tmp_path)}) == 5
    assert not same_packages(here, there)


def test_packages_that_no_module_imports_are_not_asked_for(tmp_path: Path) -> None:
    entry = {"type": "git", "name": "checkdecls", "url": "u", "rev": "abc"}
    (tmp_path / "lake-manifest.json").write_text(json.dumps({"version": "1.1.0", "packages": [entry]}))
    check_packages(tmp_path, ["Init", "Std"])


def test_a_packages_lakefile_says_where_its_modules_are(tmp_path: Path) -> None:
    entry = {"type": "git", "name": "dep", "url": "u", "rev": "abc"}
    (tmp_path / "lake-manifest.json").write_text(json.dumps({"version": "1.1.0", "packages": [entry]}))
    package = tmp_path / ".lake/packages/dep"
    touch(package / "src/Dep.lean")
    (package / "lakefile.toml").write_text('name = "dep"\nsrcDir = "src"\n[[lean_lib]]\nname = "Dep"\n')
    with pytest.raises(LeanNotFound, match="not built: dep"):
        check_packages(tmp_path, ["Dep"])


def test_a_package_by_path_that_changed_since_it_was_built_is_named(tmp_path: Path) -> None:
    entry = {"type": "path", "name": "ours", "dir": "../ours", "inherited": False}
    project, package = tmp_path / "project", tmp_path / "ours"
    project.mkdir()
    (project / "lake-manifest.json").write_text(json.dumps({"version": "1.1.0", "packages": [entry]}))
    compiled = package / ".lake/build/lib/lean"
    touch(package / "A.lean", package / "A/B.lean", compiled / "A.olean", compiled / "A/B.olean")
    check_packages(project, ["A"])
    os.utime(compiled / "A/B.olean", (1, 1))
    assert stale_modules(package) == ("A.B",)
    with pytest.raises(LeanNotFound, match=r"changed since they were built: A\.B"):
        check_packages(project, ["A"])
    check_packages(project, ["Std"])


def test_the_modules_that_imports_bring_are_read_from_the_packages(tmp_path: Path) -> None:
    entries = [{"type": "git", "name": name, "url": "u", "rev": "r"} for name in ("mathlib", "batteries")]
    (tmp_path / "lake-manifest.json").write_text(json.dumps({"version": "1.1.0", "packages": entries}))
    texts = {
        "mathlib/Mathlib.lean": "import Mathlib.Order\nimport Mathlib.Analysis\n",
        "mathlib/Mathlib/Order.lean": "module\n\npublic import Mathlib.Logic\nimport Batteries.Data\n",
        "mathlib/Mathlib/Logic.lean": "import Std.Data\n",
        "mathlib/Mathlib/Analysis.lean": "import Mathlib.Order\n",
        "batteries/Batteries/Data.lean": "import Lean\n-- é\n",
    }
    for path, text in texts.items():
        touch(tmp_path / ".lake/packages" / path)
        (tmp_path / ".lake/packages" / path).write_text(text, encoding="utf-8")
    modules = PackageModules(tmp_path)
    order = {"Mathlib.Order", "Mathlib.Logic", "Batteries.Data"}
    assert modules.brought(["Mathlib.Order"]) - {"Init"} == order | {"Std.Data", "Lean"}
    assert modules.brought(["Mathlib"]) >= {*order, "Mathlib", "Mathlib.Analysis"}
    assert modules.brought(["Unknown"]) == {"Unknown"}
    assert modules.roots(["Mathlib.Order", "Batteries.Data"]) == ("Batteries.Data", "Mathlib.Order")
    touch(tmp_path / ".lake/packages/mathlib/.lake/build/lib/lean/Mathlib.olean")
    assert modules.roots(["Mathlib.Order", "Mathlib.Logic", "Batteries.Data"]) == ("Batteries.Data", "Mathlib")


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


@given(st.text(max_size=40) | st.builds(json.dumps, st.recursive(st.none() | st.text(), st.lists, max_leaves=5)))
def test_no_manifest_is_too_odd(text: str) -> None:
    with suppress(RepositoryError):
        assert parse_manifest(text) == ()
