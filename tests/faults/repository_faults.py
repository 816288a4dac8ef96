"""What is wrong with repositories, each thing done for real. A fault gives back what the user saw."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from scenes import Fault, Scene, said, slow


def repository_gone(scene: Scene) -> str:
    away = scene.root / "away"
    scene.repo.rename(away)
    scene.heals.append(lambda: away.rename(scene.repo))
    return scene.finish()


def repository_vanishes(scene: Scene) -> str:
    run = slow(scene)
    run.wait_for("found ")
    away = scene.root / "away"
    scene.repo.rename(away)
    scene.heals.append(lambda: away.rename(scene.repo))
    return said(run, run.wait_to_end())


def repository_changes(scene: Scene) -> str:
    run = slow(scene)
    run.wait_for("found ")
    easy = scene.repo / "Night/Easy.lean"
    scene.commit({"Night/Easy.lean": b"-- a line in front\n" + easy.read_bytes()})
    return said(run, run.wait_to_end())


def repository_with_submodules(scene: Scene) -> str:
    other = _submodule(scene)
    assert (other / ".git").is_dir()
    return scene.finish()


def repository_with_dead_submodule(scene: Scene) -> str:
    shutil.rmtree(_submodule(scene))
    return scene.finish()


def _submodule(scene: Scene) -> Path:
    other = scene.root / "other"
    shutil.copytree(scene.repo, other)
    scene.git("submodule", "add", "-q", str(other), "deps/other")
    scene.git("commit", "-qm", "with a submodule")
    return other


def repository_with_links_out(scene: Scene) -> str:
    (scene.root / "secret.lean").write_text("def outside : Nat := 1\ntheorem outer : outside = 1 := by sorry\n")
    (scene.repo / "Night/Out.lean").symlink_to(scene.root / "secret.lean")
    (scene.repo / "Night/Folder").symlink_to("/etc")
    scene.commit({"Night.lean": b"import Night.Easy\nimport Night.Out\n"})
    saw = scene.finish()
    assert "outer" not in (scene.runs[-1].out / "summary.json").read_text()
    return saw


def repository_with_huge_file(scene: Scene) -> str:
    huge = b"-- " + b"x" * 6_000_000 + b"\n"
    scene.commit({"Night/Huge.lean": huge, "Night.lean": b"import Night.Easy\nimport Night.Huge\n"})
    return scene.finish()


def repository_not_utf8(scene: Scene) -> str:
    scene.commit({"Night/Latin.lean": b"-- \xe9\xe8\n", "Night.lean": b"import Night.Easy\nimport Night.Latin\n"})
    return scene.finish()


EVIL = "$(touch pwned)`touch pwned`;touch pwned;'\"); DROP TABLE attempts;--"
"""Words for shells and databases; whoever runs them leaves a file `pwned`, or no table."""


def harmless(scene: Scene) -> None:
    """Nothing that a run shows or writes for people moves a terminal's cursor, and nothing was run."""
    run = scene.runs[-1]
    assert not list(scene.root.rglob("pwned"))
    assert not (Path.cwd() / "pwned").exists()
    assert scene.rows("SELECT count(*) FROM attempts") != []
    for text in (run.output, (run.out / "report.md").read_text()):
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text), text[:2000]
    assert not {"\x1b", "\x07"} & set((run.out / "summary.json").read_text())


def hostile_file_names(scene: Scene) -> str:
    files = [f"Night/{EVIL.replace('/', '')}.lean", "Night/\x1b[31m\x07\u202e.lean", "Night/a\nb.lean", "--help.lean"]
    imports = b"import Night.Easy\n"
    scene.commit({**dict.fromkeys(files, b"theorem odd : 1 = 1 := by sorry\n"), "Night.lean": imports})
    latin = os.fsencode(scene.repo / "Night") + b"/\xff\x9b31m.lean"
    with open(latin, "wb") as file:
        file.write(b"theorem odd : 1 = 1 := by sorry\n")
    scene.commit({})
    saw = scene.finish()
    harmless(scene)
    return saw


def hostile_repository_name(scene: Scene) -> str:
    folder = scene.root / f"--{EVIL.replace('/', '')}\x1b]0;owned\x07\u202e\nx"
    shutil.copytree(scene.repo, folder)
    saw = scene.finish(repo=folder)
    harmless(scene)
    return saw


def hostile_branches(scene: Scene) -> str:
    commit = scene.git("rev-parse", "HEAD").strip()
    names = ["x;$(touch${IFS}pwned)", "'\");DROP${IFS}TABLE${IFS}attempts;--", "--upload-pack=touch", "\u202eevil"]
    for name in names:
        scene.git("update-ref", f"refs/heads/{name}", commit)
    for name in names[:2]:
        saw = scene.finish(f"--ref={name}")
        harmless(scene)
    assert "cannot be the name" in scene.finish(f"--ref={names[2]}")
    assert not (scene.root / "touch").exists()
    return saw


def hostile_goals(scene: Scene) -> str:
    word = json.dumps(f"{EVIL}\x1b[2J\x07\u202e\n| a | b |", ensure_ascii=False)
    word = word.replace("\\u001b", "\x1b").replace("\\u0007", "\x07")
    name = "«" + EVIL.replace("«", "").replace("»", "") + "»"
    text = f'theorem {name} : {word} = {word} := by sorry\n\ntheorem other (h : {word} = "") : False := by sorry\n'
    scene.commit({"Night/Odd.lean": text.encode(), "Night.lean": b"import Night.Easy\nimport Night.Odd\n"})
    saw = scene.finish()
    run = scene.runs[-1]
    solved = [goal["declaration"] for goal in run.summary["goals"] if goal["status"] == "solved"]
    assert any("DROP" in declaration for declaration in solved), run.summary
    subprocess.run(["git", "apply", "--check", str(run.out / "proofs.patch")], cwd=scene.repo, check=True)
    harmless(scene)
    return saw


def repository_of_5000_files(scene: Scene) -> str:
    many = {f"Night/Part{n // 100}/F{n}.lean": f"def part{n} : Nat := {n}\n".encode() for n in range(5000)}
    scene.commit({**many, "Night.lean": b"import Night.Easy\n"})
    return scene.finish()


def repository_mirror_damaged(scene: Scene) -> str:
    scene.finish()
    cache = scene.cache
    for file in (*(cache / "checkouts").rglob("*.pack"), *(cache / "checkouts").rglob("objects/??/*")):
        file.chmod(0o600)
        file.write_bytes(b"damaged")
    scene.commit({"Night/More.lean": b"theorem more : 1 = 1 := by rfl\n"})
    return scene.finish()


def copy_locked_by_the_dead(scene: Scene) -> str:
    scene.finish()
    (mirror,) = (scene.cache / "checkouts/mirrors").iterdir()
    for name in ("shallow.lock", "config.lock", "refs/orchestrator/fetched.lock", "packed-refs.lock"):
        (mirror / name).parent.mkdir(parents=True, exist_ok=True)
        (mirror / name).touch()
    scene.commit({"Night/More.lean": b"theorem more : 1 = 1 := by rfl\n"})
    return scene.finish()


def no_answer_from_afar(scene: Scene) -> str:
    return scene.finish(repo="http://127.0.0.1:9/repo.git")


def no_such_commit(scene: Scene) -> str:
    return scene.finish("--ref=no-such-branch")


def answers_damaged(scene: Scene) -> str:
    scene.finish()
    for file in (scene.cache / "answers").glob("*.json"):
        file.write_text('{"goals": [')
    return scene.finish()


def no_commit(scene: Scene) -> str:
    commit = scene.git("rev-parse", "HEAD").strip()
    scene.git("update-ref", "-d", "HEAD")
    scene.heals.append(lambda: scene.git("update-ref", "HEAD", commit))
    return scene.finish()


REPOSITORY_FAULTS: dict[str, Fault] = {
    "repository gone": repository_gone,
    "repository vanishes in mid-run": repository_vanishes,
    "repository changes in mid-run": repository_changes,
    "repository that does not answer": no_answer_from_afar,
    "repository without that branch": no_such_commit,
    "repository without a commit": no_commit,
    "repository with submodules": repository_with_submodules,
    "repository with a dead submodule": repository_with_dead_submodule,
    "repository with links out of it": repository_with_links_out,
    "repository with a huge file": repository_with_huge_file,
    "repository with a file not in UTF-8": repository_not_utf8,
    "repository of 5,000 files": repository_of_5000_files,
    "hostile name of a repository": hostile_repository_name,
    "hostile names of branches": hostile_branches,
    "hostile names of files": hostile_file_names,
    "hostile goals and declarations": hostile_goals,
    "our copy of the repository damaged": repository_mirror_damaged,
    "our copy locked by a git that died": copy_locked_by_the_dead,
    "cached answers damaged": answers_damaged,
}
