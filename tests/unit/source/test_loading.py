"""Loading a project from a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.errors import NotLeanProject
from orchestrator.source.loading import coverage, importable, load_project, offers_nothing
from orchestrator.source.project import Project, SourceModule

LIBRARY = 'name = "p"\n[[lean_lib]]\nname = "Foo"\n'


def _write(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def _names(project: Project) -> list[str]:
    return [module.name for module in project.modules]


def _problems(project: Project) -> dict[str, str]:
    return {problem.path: problem.message for problem in project.problems}


def test_a_project(tmp_path: Path) -> None:
    text = "import Foo.B\r\nimport Mathlib\r\nimport Init\r\nimport Foo.B\r\n\r\ntheorem é : P := sorry\r\n"
    root = _write(
        tmp_path,
        {
            "lakefile.toml": LIBRARY,
            "lean-toolchain": "leanprover/lean4:v4.28.0\n",
            "Foo.lean": "import Foo.A",
            "Foo/A.lean": text,
            "Foo/B.lean": "",
            "Foo/Unused/C.lean": "import Std",
            "Other.lean": "import Foo",
            ".lake/packages/x/Foo/D.lean": "",
            "Foo/.hidden/E.lean": "",
            "Foo/notes.txt": "",
        },
    )
    project = load_project(root, commit="abc")
    assert (project.name, project.root, project.commit) == ("p", str(tmp_path), "abc")
    assert project.toolchain == "leanprover/lean4:v4.28.0"
    assert _names(project) == ["Foo.B", "Foo.A", "Foo", "Foo.Unused.C"]
    module = project.by_name["Foo.A"]
    assert (module.path, module.text, module.imports) == ("Foo/A.lean", text, ("Foo.B", "Mathlib"))
    assert project.problems == ()


def test_libraries_programs_folders_and_globs(tmp_path: Path) -> None:
    lakefile = """
        name = "p"
        srcDir = "src"
        [[lean_lib]]
        name = "Foo"
        globs = ["Foo", "Extra.+"]
        [[lean_lib]]
        name = "my-lib"
        srcDir = "deep"
        [[lean_exe]]
        name = "tool"
        root = "Main"
    """
    root = _write(
        tmp_path,
        {
            "lakefile.toml": lakefile,
            "src/Foo.lean": "import «my-lib».Sub",
            "src/Extra.lean": "",
            "src/Extra/A.lean": "",
            "src/deep/my-lib/Sub.lean": "",
            "src/Main.lean": "import Foo",
            "Foo/No.lean": "",
        },
    )
    project = load_project(root)
    assert {module.name: module.path for module in project.modules} == {
        "«my-lib».Sub": "src/deep/my-lib/Sub.lean",
        "Foo": "src/Foo.lean",
        "Extra.A": "src/Extra/A.lean",
        "Main": "src/Main.lean",
    }
    assert _names(project).index("«my-lib».Sub") < _names(project).index("Foo") < _names(project).index("Main")
    assert project.problems == ()


def test_only_default_targets_and_what_they_import(tmp_path: Path) -> None:
    lakefile = 'defaultTargets = ["Foo"]\n' + LIBRARY + '[[lean_lib]]\nname = "FooTest"\n'
    files = {"Foo.lean": "import FooTest.Util", "FooTest/Util.lean": "", "FooTest/Exercise.lean": ""}
    project = load_project(_write(tmp_path, {"lakefile.toml": lakefile, **files}))
    assert _names(project) == ["FooTest.Util", "Foo"]
    assert coverage(project).words == ""


def test_sorries_that_no_default_target_builds_are_told_of(tmp_path: Path) -> None:
    lakefile = 'defaultTargets = ["Foo"]\n' + LIBRARY + '[[lean_lib]]\nname = "FooTest"\n'
    files = {"Foo.lean": "", "FooTest.lean": "", "FooTest/Exercise.lean": "example : 1 = 1 := by sorry"}
    project = load_project(_write(tmp_path, {"lakefile.toml": lakefile, **files}))
    assert _names(project) == ["Foo"]
    assert [problem.path for problem in project.problems] == ["FooTest/Exercise.lean"]
    assert coverage(project).words == (
        "1 of 2 files worked on; 1 sorry in the others: they belong to no default target"
    )


def test_lakefile_in_lean_wins(tmp_path: Path) -> None:
    files = {"lakefile.toml": LIBRARY, "lakefile.lean": "package q\nlean_lib Bar", "Foo.lean": "", "Bar.lean": ""}
    project = load_project(_write(tmp_path, files))
    assert (project.name, _names(project)) == ("q", ["Bar"])


def test_without_a_lakefile_every_file_counts_but_those_of_inner_packages(tmp_path: Path) -> None:
    files = {
        "lean-toolchain": "x",
        "A.lean": "import B.C",
        "B/C.lean": "import Std",
        "inner/lakefile.toml": "",
        "inner/D.lean": "",
    }
    project = load_project(_write(tmp_path, files))
    assert (project.name, _names(project)) == (tmp_path.name, ["B.C", "A"])


def test_not_a_project(tmp_path: Path) -> None:
    _write(tmp_path, {"A.lean": "", "lean/lakefile.toml": ""})
    with pytest.raises(NotLeanProject, match="neither a lakefile nor a lean-toolchain") as caught:
        load_project(tmp_path)
    assert caught.value.hint == "There is one in lean: name that folder"
    assert caught.value.where == str(tmp_path)
    with pytest.raises(NotLeanProject, match="Name a folder that exists"):
        load_project(tmp_path / "missing")


def test_a_lakefile_without_a_lean_file(tmp_path: Path) -> None:
    _write(tmp_path, {"lakefile.toml": LIBRARY, "lakefile.lean": "package p", ".lake/A.lean": ""})
    with pytest.raises(NotLeanProject, match="no Lean file yet"):
        load_project(tmp_path)


def test_a_library_without_a_file(tmp_path: Path) -> None:
    project = load_project(_write(tmp_path, {"lakefile.toml": LIBRARY, "Bar.lean": ""}))
    assert project.modules == ()
    assert [problem.message for problem in project.problems] == ["Foo has no Lean file"]


def test_cycles_and_missing_modules_leave_the_rest(tmp_path: Path) -> None:
    files = {
        "lakefile.toml": LIBRARY,
        "Foo.lean": "import Foo.Good\nimport Foo.A",
        "Foo/A.lean": "import Foo.B",
        "Foo/B.lean": "import Foo.A",
        "Foo/Good.lean": "import Bar.External",
        "Foo/Miss.lean": "import Mathlib\nimport Foo.Gone.«x y»",
        "Foo/After.lean": "import Foo.Miss",
    }
    project = load_project(_write(tmp_path, files))
    assert _names(project) == ["Foo.Good"]
    assert _problems(project) == {
        "Foo/A.lean": "is part of an import cycle: Foo.A → Foo.B → Foo.A",
        "Foo/B.lean": "is part of an import cycle: Foo.A → Foo.B → Foo.A",
        "Foo.lean": "imports Foo.A, which is left out",
        "Foo/Miss.lean": "imports Foo.Gone.«x y», which belongs to this project but has no file (Foo/Gone/x y.lean)",
        "Foo/After.lean": "imports Foo.Miss, which is left out",
    }


def test_everything_in_one_cycle(tmp_path: Path) -> None:
    files = {"lakefile.toml": LIBRARY, "Foo.lean": "import Foo.A", "Foo/A.lean": "import Foo"}
    project = load_project(_write(tmp_path, files))
    assert project.modules == ()
    assert set(_problems(project)) == {"Foo.lean", "Foo/A.lean"}


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    outside = _write(tmp_path / "outside", {"Secret.lean": "secret", "folder/X.lean": ""})
    root = _write(
        tmp_path / "repo",
        {
            "lakefile.toml": LIBRARY,
            "Foo/Latin.lean": b"-- caf\xe9\n",
            "Foo/Big.lean": b"-" * (4 * 1024 * 1024 + 1),
            "Foo/Fits.lean": b"-" * (4 * 1024 * 1024),
            "Foo/Real.lean": "",
            "Foo/Needs.lean": "import Foo.Latin",
            "Foo/Folder.lean/X.lean": "",
        },
    )
    (root / "Foo/Out.lean").symlink_to(outside / "Secret.lean")
    (root / "Foo/In.lean").symlink_to(root / "Foo/Real.lean")
    (root / "Foo/Dangling.lean").symlink_to(root / "nowhere")
    (root / "Foo/Loop.lean").symlink_to(root / "Foo/Loop.lean")
    (root / "Foo/Linked").symlink_to(outside / "folder")
    os.mkfifo(root / "Foo/Pipe.lean")
    project = load_project(root)
    assert _names(project) == ["Foo.Fits", "Foo.In", "Foo.Real", "Foo.«Folder.lean».X"]
    problems = _problems(project)
    assert problems.pop("Foo/Dangling.lean").startswith("cannot be read: ")
    assert problems.pop("Foo/Loop.lean").startswith("cannot be read: ")
    assert problems == {
        "Foo/Latin.lean": "is not UTF-8 (byte 6)",
        "Foo/Big.lean": "is larger than 4194304 bytes (4194305)",
        "Foo/Out.lean": "is a link that leads out of the repository",
        "Foo/Linked": "is a link to a folder, not followed",
        "Foo/Pipe.lean": "is not a plain file",
        "Foo/Needs.lean": "imports Foo.Latin, which is left out",
    }


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    _write(tmp_path, {"lakefile.toml": LIBRARY, "Foo.lean": "", "Foo/A.lean": ""})
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/Foo/\xff.lean")).touch()
    project = load_project(tmp_path)
    assert _names(project) == ["Foo", "Foo.A"]
    assert _problems(project) == {"Foo/\\udcff.lean": "has a name that is not UTF-8"}


def test_two_files_for_one_module(tmp_path: Path) -> None:
    lakefile = LIBRARY + '[[lean_lib]]\nname = "Second"\nsrcDir = "two"\nroots = ["Foo"]\n'
    files = {"lakefile.toml": lakefile, "Foo.lean": "-- one", "two/Foo.lean": "-- two"}
    project = load_project(_write(tmp_path, files))
    assert [module.text for module in project.modules] == ["-- one"]
    assert _problems(project) == {"two/Foo.lean": "is module Foo like Foo.lean, which was found first"}


@pytest.mark.parametrize("folder", ["..", "/etc", "a/../..", "out", "loop", "a\\u0000b"])
def test_a_source_folder_outside(tmp_path: Path, folder: str) -> None:
    root = _write(tmp_path / "repo", {"lakefile.toml": f'{LIBRARY}srcDir = "{folder}"\n', "A.lean": ""})
    (root / "out").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    _write(tmp_path, {"Foo.lean": "secret"})
    project = load_project(root)
    assert project.modules == ()
    assert len(project.problems) == 1


@pytest.mark.parametrize("name", ["../outside/Foo", "", ".", "..", "a\\u0000b", "a\\\\b"])
def test_a_root_that_is_no_name(tmp_path: Path, name: str) -> None:
    _write(tmp_path / "outside", {"Foo.lean": "secret"})
    root = _write(tmp_path / "repo", {"lakefile.toml": f'{LIBRARY}roots = ["{name}", "Bar"]\n', "Bar.lean": ""})
    project = load_project(root)
    assert _names(project) == ["Bar"]
    assert not any("secret" in module.text for module in project.modules)


def test_a_broken_lakefile_and_toolchain_are_problems(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"lakefile.toml": "name = ", "lean-toolchain": b"x" * 5000, "A.lean": ""}
    project = load_project(_write(tmp_path, files))
    assert _names(project) == ["A"]
    assert project.toolchain == ""
    assert sorted(_problems(project)) == ["lakefile.toml", "lean-toolchain"]


def test_a_root_that_is_a_link(tmp_path: Path) -> None:
    _write(tmp_path / "repo", {"lakefile.toml": LIBRARY, "Foo.lean": "", "Foo/A.lean": ""})
    (tmp_path / "link").symlink_to(tmp_path / "repo")
    project = load_project(tmp_path / "link")
    assert _names(project) == ["Foo", "Foo.A"]
    assert project.problems == ()


def test_a_project_seen_in_part_offers_nothing_when_no_file_leaves_a_proof_open() -> None:
    def nothing(text: str, outside: str, *imports: str) -> bool:
        modules = SourceModule("A", "A.lean", text), SourceModule("B", "B.lean", outside, imports)
        return offers_nothing(importable(Project("p", "/nowhere", modules=modules), {"Init"}))

    assert nothing("-- sorry\ntheorem a : 1 = 1 := rfl", "import Mathlib", "Mathlib")
    assert not nothing("theorem a : 1 = 1 := rfl", "")
    assert not nothing('macro "todo" : tactic => `(tactic| sorry)', "import Mathlib", "Mathlib")
    assert not nothing("", "import Mathlib\ntheorem b : 1 = 1 := by sorry", "Mathlib")
