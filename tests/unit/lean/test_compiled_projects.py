"""Projects whose own modules are compiled: what is elaborated again, what is known, and the copy that Lake compiles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from small_lean import project

from bench.native_cost import CountingSession, figures
from orchestrator.errors import RepositoryError
from orchestrator.goals.goal import Goal
from orchestrator.lean.extraction import Extraction, extract, known_extraction, to_elaborate
from orchestrator.lean.lake import files_with_sorries
from orchestrator.lean.native.session import BuiltElsewhere
from orchestrator.lean.native.working_copy import WorkingCopy, mirror
from orchestrator.lean.pool import Pool
from orchestrator.lean.workspace import Workspace
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.source.project import Project, SourceModule

SMALL = project(
    A="def a := 1",
    B="import A\ntheorem b : a = 1 := by sorry",
    C="import A\ntheorem c : a = 1 := by sorry",
    D="import B\ntheorem d : a = 1 := by sorry",
    E="import D\ntheorem e : a = 1 := rfl",
)


class Warned(BuiltElsewhere):
    """A project of which Lake said where sorries are."""

    async def sorries(self) -> frozenset[str]:
        return frozenset({"E.lean"})


def counting(compiled: BuiltElsewhere | None = None) -> CountingSession:
    return CountingSession(compiled or BuiltElsewhere())


async def test_files_with_sorries_alone_are_elaborated_once_each_and_a_header_is_imported_once() -> None:
    session = counting()
    found = await extract(Workspace(session, SMALL), await to_elaborate(session, SMALL.modules))
    assert [file.module for file in session.files] == ["B", "C", "D"]
    assert session.headers == ["import A", "import B"]
    assert [goal.file for goal in found.goals] == ["B.lean", "C.lean", "D.lean"]


async def test_a_file_that_lake_warns_of_and_one_that_is_asked_for_are_elaborated_too() -> None:
    chosen = await to_elaborate(counting(Warned()), SMALL.modules, ["A.lean"])
    assert [module.name for module in chosen] == ["A", "B", "C", "D", "E"]


async def test_an_edited_line_costs_its_file_and_those_with_sorries_above_it(tmp_path: Path) -> None:
    cache = ContentCache(tmp_path)

    async def elaborated(small: Project) -> list[str]:
        session = counting()

        async def work(modules: Sequence[SourceModule]) -> Extraction:
            return await extract(Workspace(session, small), await to_elaborate(session, modules))

        found = await known_extraction(cache, small, "a Lean", work)
        assert [goal.file for goal in found.goals] == ["B.lean", "C.lean", "D.lean"]
        return [file.module for file in session.files]

    def edited(path: str) -> Project:
        return SMALL.with_texts({path: SMALL.by_path[path].text + "\n-- edited"})

    assert await elaborated(SMALL) == ["B", "C", "D"]
    assert await elaborated(SMALL) == []
    assert await elaborated(edited("C.lean")) == ["C"]
    assert await elaborated(edited("B.lean")) == ["B", "D"]
    assert await elaborated(edited("E.lean")) == []


class Compiled(BuiltElsewhere):
    """A project of which nothing that C sees has changed."""

    async def digest(self, module: str) -> str:
        return "as before" if module == "C" else ""


async def test_a_file_whose_imports_compile_to_the_same_is_not_elaborated_again(tmp_path: Path) -> None:
    cache, session = ContentCache(tmp_path), counting()

    async def work(modules: Sequence[SourceModule]) -> Extraction:
        return await extract(Workspace(session, SMALL), await to_elaborate(session, modules))

    for text in ("def a := 1", "def a := 1 -- edited"):
        session.files.clear()
        await known_extraction(cache, SMALL.with_texts({"A.lean": text}), "a Lean", work, Compiled())
    assert [file.module for file in session.files] == ["B", "D"]


async def test_what_a_file_depends_on_is_what_it_sees_of_its_compiled_imports(tmp_path: Path) -> None:
    lake, owner = tmp_path / "lake", tmp_path / "owner"
    lake.write_text("#!/bin/sh\n")
    lake.chmod(0o755)
    owner.mkdir()
    small = project(
        A="module\ndef a := 1", B="module\nimport A\n", C="import A\n", D="module\nimport all A\n", E="import B\n"
    )
    small = replace(small, root=str(owner))

    async def digests(**written: str) -> dict[str, str]:
        copy = WorkingCopy(small, owner=owner, cache=tmp_path / "cache", lake=lake)
        library = copy.folder / ".lake/build/lib/lean"
        library.mkdir(parents=True, exist_ok=True)
        for suffix, text in written.items():
            (library / f"A.{suffix.replace('_', '.')}").write_text(text)
        try:
            return {name: await copy.digest(name) for name in small.by_name}
        finally:
            assert copy._lock is not None
            copy._lock.release()

    def changed(one: dict[str, str], other: dict[str, str]) -> str:
        return "".join(name for name in one if one[name] != other[name])

    first = await digests(olean="a", olean_private="p", ir="i")
    assert [name for name, digest in first.items() if not digest] == ["E"]
    assert changed(first, second := await digests(olean_private="q")) == "CD"
    assert changed(second, third := await digests(ir="j")) == "BCD"
    assert changed(third, await digests(olean="b")) == "BCD"


async def test_a_goal_goes_where_its_imports_are_and_no_process_is_started_without_memory_for_it() -> None:
    room = [True]
    pool = Pool([counting(), counting()], SMALL, has_room=lambda: room[0])
    async with pool.workspace("B") as first:
        await first.load("B")
        async with pool.workspace("D") as second:
            await second.load("D")
    assert first is not second
    near = {name: pool.distance(Goal(name, "⊢ p", module=name)) for name in SMALL.by_name}
    assert near == {"A": 2, "B": 0, "C": 1, "D": 0, "E": 2}
    assert pool.imports_by_header
    async with pool.workspace("C") as again:
        assert again is first
        assert pool.distance(Goal("B", "⊢ p", module="B")) == 2
    room[0] = False
    lone = Pool([counting(), counting()], SMALL, has_room=lambda: room[0])
    async with lone.workspace("B") as one:
        await one.load("B")
    async with lone.workspace("D") as other:
        assert other is one


@pytest.mark.parametrize(
    "said",
    [
        "warning: ././A/B.lean:3:8: declaration uses 'sorry'",
        "warning: A/B.lean:3:8: declaration uses `sorry`",
        "./A/B.lean:3:8: warning: declaration uses 'sorry'",
        json.dumps({"fileName": "A/B.lean", "kind": "hasSorry", "severity": "warning", "data": "…"}),
        json.dumps({"level": "warning", "message": "A/B.lean:3:8: declaration uses `sorry`"}),
    ],
)
def test_where_lake_of_any_age_says_a_sorry_is(said: str) -> None:
    assert files_with_sorries(f"✔ [1/2] Built A\n{said}\n{{ not JSON") == {"A/B.lean"}


def test_a_mirror_has_the_files_of_its_source_and_keeps_what_was_built(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    for path in ("A.lean", "A/B.lean", ".git/config", ".lake/packages/x/X.lean"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(path)
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (copy / ".lake/build").mkdir(parents=True)
    (copy / ".lake/build/A.olean").write_text("built")
    (copy / "Old.lean").write_text("old")
    (copy / "A.lean").symlink_to(outside)
    mirror(source, copy)
    before = (copy / "A/B.lean").stat().st_mtime_ns
    mirror(source, copy)
    assert sorted(p.relative_to(copy).as_posix() for p in copy.rglob("*") if p.is_file()) == [
        ".lake/build/A.olean",
        "A.lean",
        "A/B.lean",
    ]
    assert (outside.read_text(), (copy / "A/B.lean").stat().st_mtime_ns) == ("mine", before)


async def test_the_copy_has_the_owners_packages_and_one_that_does_not_compile_says_what_lake_said(
    tmp_path: Path,
) -> None:
    owner = tmp_path / "owner"
    (owner / ".lake/packages/dep").mkdir(parents=True)
    (owner / "A.lean").write_text("theorem t : 1 = 1 := sorry")
    lake = tmp_path / "lake"
    lake.write_text(
        "#!/bin/sh\nmkdir -p .lake/build/lib/lean\n"
        "[ -e .lake/packages/dep ] && echo made > .lake/build/lib/lean/A.olean\n"
        "echo \"warning: A.lean:1:8: declaration uses 'sorry'\"\nenv > seen\n"
    )
    lake.chmod(0o755)
    small = replace(project(A="theorem t : 1 = 1 := sorry"), root=str(owner))
    copy = WorkingCopy(small, owner=owner, cache=tmp_path / "cache", lake=lake)
    assert await copy.sorries() == {"A.lean"}
    assert copy.folder.is_relative_to(tmp_path / "cache")
    other = WorkingCopy(small, owner=owner, cache=tmp_path / "cache", lake=lake)
    assert other.folder != copy.folder
    lake.write_text("#!/bin/sh\necho 'error: no such toolchain'\nexit 1\n")
    with pytest.raises(RepositoryError, match="no such toolchain"):
        await other.sorries()


def test_what_nobody_has_here_is_built_in_a_folder_of_ours_which_is_then_the_copy(tmp_path: Path) -> None:
    source, cache, lake = tmp_path / "source", tmp_path / "cache", tmp_path / "lake"
    source.mkdir()
    (source / "A.lean").write_text("theorem t : 1 = 1 := sorry")
    entry = {"type": "path", "name": "beside", "dir": "../beside"}
    (source / "lake-manifest.json").write_text(json.dumps({"version": "1.1.0", "packages": [entry]}))
    lake.write_text('#!/bin/sh\nmkdir -p .lake/packages/dep\necho "$@" >> said\n[ ! -e fails ]\n')
    lake.chmod(0o755)
    small = replace(project(A="theorem t : 1 = 1 := sorry"), root=str(source))

    def copy() -> WorkingCopy:
        return WorkingCopy(small, owner=cache / "ours", cache=cache, lake=lake)

    copy().build()
    first = copy()
    assert (first.folder, (first.folder / "said").read_text()) == (cache / "ours", "build\n")
    assert json.loads((first.folder / "lake-manifest.json").read_text())["packages"][0]["dir"] == str(
        tmp_path / "beside"
    )
    second = copy()
    second.build()  # the first one has it
    assert second.folder == cache / "ours-1"
    assert not (second.folder / "said").exists()


def test_what_the_owners_lean_costs_is_counted(tmp_path: Path) -> None:
    (tmp_path / "lakefile.toml").write_text(
        'name = "Small"\n[[lean_lib]]\nname = "Small"\nroots = ["A","B","C","D","E"]\n'
    )
    for module in SMALL.modules:
        (tmp_path / module.path).write_text(module.text)
    found = figures(tmp_path, megabytes=16_000, samples=5)
    assert (found.open_files, found.open_headers, found.processes) == (3, 2, 2)
    assert (found.imported.headers, found.imported.files, found.imported.gate, found.imported.again) == (2, 3, 1, 0)
    assert found.imported.shots == 2
    assert found.elaborated_again.files > found.imported.files
