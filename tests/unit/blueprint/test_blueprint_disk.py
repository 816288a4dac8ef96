"""Reading a repository's blueprint from disk, and writing it back."""

from pathlib import Path

import pytest

from orchestrator.blueprint.loading import load, save
from orchestrator.blueprint.nodes import ProblemKind
from orchestrator.blueprint.status import DeclarationTruth, evaluate
from orchestrator.blueprint.sync import apply, plan
from orchestrator.errors import BlueprintError


def write(root: Path, **files: bytes | str) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def test_without_a_blueprint_the_result_is_empty_and_says_so(tmp_path: Path) -> None:
    blueprint = load(tmp_path)
    assert not blueprint.found
    assert blueprint.nodes == ()
    (problem,) = blueprint.problems
    assert problem.kind is ProblemKind.NO_BLUEPRINT
    assert "web.tex, print.tex or content.tex in a folder named blueprint" in str(problem)
    assert evaluate(blueprint, {}).nodes == ()


def test_a_small_blueprint_there_and_back(tmp_path: Path) -> None:
    content = b"\\begin{thm}\r\n  \\lean{A}\r\n\xe9\\end{thm}"
    write(
        tmp_path,
        **{
            "blueprint/src/web.tex": "\\usepackage[thms=thm]{blueprint}\\input{content}",
            "blueprint/src/print.tex": "\\input{gone}",
            "blueprint/src/content.tex": content,
            "blueprint/lean_decls": "B",
        },
    )
    content_file = tmp_path / "blueprint/src/content.tex"
    content_file.chmod(0o640)
    blueprint = load(tmp_path)
    assert blueprint.root == "blueprint/src/web.tex"
    assert (blueprint.lean_decls, blueprint.lean_decls_path) == ("B", "blueprint/lean_decls")
    edits = plan(blueprint, evaluate(blueprint, {"A": DeclarationTruth(exists=True)}), lean_decls=True)
    before = {**blueprint.files, blueprint.lean_decls_path: blueprint.lean_decls}
    changed = save(tmp_path, before, apply(edits, before))
    assert changed == ("blueprint/lean_decls", "blueprint/src/content.tex")
    assert content_file.read_bytes() == b"\\begin{thm}\r\n  \\lean{A}\r\n  \\leanok\r\n\xe9\\end{thm}"
    assert content_file.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "blueprint/lean_decls").read_bytes() == b"A"
    assert sorted(path.name for path in content_file.parent.iterdir()) == ["content.tex", "print.tex", "web.tex"]
    again = load(tmp_path)
    assert save(tmp_path, again.files, again.files) == ()


@pytest.mark.parametrize("name", ["blueprint/src/print.tex", "blueprint/src/content.tex", "blueprint/web.tex"])
def test_other_first_files(tmp_path: Path, name: str) -> None:
    write(tmp_path, **{name: "\\begin{lemma}\\ifplastex\\lean{A}\\else\\lean{B}\\fi\\end{lemma}"})
    blueprint = load(tmp_path)
    assert blueprint.root == name
    assert blueprint.declarations == (("B",) if name.endswith("print.tex") else ("A",))


def test_theorems_from_the_configuration_of_plastex(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{
            "blueprint/src/web.tex": "\\begin{dfn}\\end{dfn}",
            "blueprint/src/plastex.cfg": "[general]\nthms= dfn+thm\n",
        },
    )
    assert [node.statement.environment for node in load(tmp_path).nodes] == ["dfn"]
    write(tmp_path, **{"blueprint/src/plastex.cfg": "no section\n"})
    assert load(tmp_path).nodes == ()


def test_links_out_of_the_repository_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, **{"outside.tex": "\\begin{lemma}\\end{lemma}", "repo/blueprint/src/web.tex": "\\input{out}"})
    (tmp_path / "repo/blueprint/src/out.tex").symlink_to(tmp_path / "outside.tex")
    blueprint = load(tmp_path / "repo")
    assert blueprint.nodes == ()
    assert [problem.kind for problem in blueprint.problems] == [ProblemKind.MISSING_FILE]
    with pytest.raises(BlueprintError, match="outside the repository"):
        save(tmp_path / "repo", {}, {"blueprint/src/out.tex": "x"})


def test_files_the_system_refuses_to_read_are_reported(tmp_path: Path) -> None:
    write(tmp_path, **{"blueprint/src/web.tex": f"\\input{{{'a' * 300}}}\\input{{a\0b}}\\begin{{lemma}}\\end{{lemma}}"})
    blueprint = load(tmp_path)
    assert [problem.kind for problem in blueprint.problems] == [
        ProblemKind.UNREADABLE_FILE,
        ProblemKind.UNREADABLE_FILE,
        ProblemKind.MISSING_FILE,
        ProblemKind.UNRESOLVED_INPUT,
    ]
    assert len(blueprint.nodes) == 1


def test_a_first_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, **{"outside.tex": "x", "repo/blueprint/src/print.tex": "x"})
    (tmp_path / "repo/blueprint/src/web.tex").symlink_to(tmp_path / "outside.tex")
    with pytest.raises(BlueprintError, match="cannot be read"):
        load(tmp_path / "repo")


def test_writing_where_there_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BlueprintError, match="cannot write"):
        save(tmp_path, {}, {"gone/a.tex": "x"})


def test_nodes_in_lean_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{
            "A/B.lean": "@[blueprint] theorem t : True := trivial",
            ".lake/packages/x/X.lean": "@[blueprint] theorem hidden : True := trivial",
            "A/notes.txt": "@[blueprint] theorem no : True := trivial",
        },
    )
    assert [(node.key, node.file, node.statement.line) for node in load(tmp_path).nodes] == [("t", "A/B.lean", 1)]


@pytest.mark.parametrize("place", ["docs/blueprint/src/web.tex", "a/b/c/blueprint/content.tex"])
def test_a_blueprint_below_the_project_is_found(tmp_path: Path, place: str) -> None:
    write(tmp_path, **{place: r"\begin{lemma}\end{lemma}", ".lake/packages/x/blueprint/src/web.tex": "x"})
    blueprint = load(tmp_path)
    assert (blueprint.root, len(blueprint.nodes), blueprint.base) == (place, 1, str(tmp_path))


def test_a_blueprint_beside_or_above_the_project_is_found_within_the_repository(tmp_path: Path) -> None:
    tex = r"\begin{lemma}\input{../../blueprint/src/more}\end{lemma}"
    write(tmp_path, **{"top/blueprint/src/web.tex": tex, "top/blueprint/src/more.tex": r"\label{l}"})
    project = tmp_path / "top/code/lean"
    project.mkdir(parents=True)
    assert not load(project).found
    assert load(project, top=tmp_path / "top").found
    assert not load(project, top=project.parent).found
    (tmp_path / "top/.git").mkdir()
    for folder in (project, project.parent):
        blueprint = load(folder)
        assert ([node.label for node in blueprint.nodes], blueprint.base) == (["l"], str(tmp_path / "top"))
    (project / ".git").mkdir()
    assert not load(project).found
