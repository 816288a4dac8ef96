"""Applying a patch that nobody vouches for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from orchestrator.errors import PatchError
from orchestrator.git.apply import apply_patch
from orchestrator.source.diff import unified_diff

OLD = "theorem a : P := by\n  sorry\n"
NEW = "theorem a : P := by\n  simp\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "Foo").mkdir(parents=True)
    (root / "Foo/A.lean").write_bytes(OLD.encode())
    (root / "Foo/é b.lean").write_bytes(OLD.replace("\n", "\r\n").encode())
    (root / "notes.txt").write_text("one\n")
    (tmp_path / "secret.lean").write_text(OLD)
    (root / "link.lean").symlink_to(tmp_path / "secret.lean")
    (root / "linked").symlink_to(tmp_path)
    return root


def _everything(root: Path) -> dict[str, object]:
    return {
        str(path): path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else stat.S_IFDIR
        for path in sorted(root.rglob("*"))
    }


def test_the_new_texts_and_an_untouched_tree(tree: Path) -> None:
    before = _everything(tree)
    crlf = (OLD.replace("\n", "\r\n"), NEW.replace("\n", "\r\n"))
    texts = apply_patch(tree, unified_diff({"Foo/A.lean": (OLD, NEW), "Foo/é b.lean": crlf}))
    assert texts == {"Foo/A.lean": NEW, "Foo/é b.lean": crlf[1]}
    assert _everything(tree) == before


def test_a_new_file(tree: Path) -> None:
    header = "diff --git a/New/B.lean b/New/B.lean\nnew file mode 100644\n--- /dev/null\n+++ b/New/B.lean\n"
    assert apply_patch(tree, header + "@@ -0,0 +1 @@\n+x\n") == {"New/B.lean": "x\n"}
    assert not (tree / "New").exists()


def test_inside_another_repository(tree: Path) -> None:
    # `git apply` below a repository's top folder skips files silently; our copies must not be taken for such a folder.
    os.system(f"git init -q '{tree.parent}'")
    assert apply_patch(tree, unified_diff({"Foo/A.lean": (OLD, NEW)})) == {"Foo/A.lean": NEW}


def test_a_patch_that_does_not_apply(tree: Path) -> None:
    patch = unified_diff({"Foo/A.lean": (OLD.replace("sorry", "admit"), NEW)})
    with pytest.raises(PatchError, match=r"patch failed: Foo/A\.lean:1; Foo/A\.lean: patch does not apply"):
        apply_patch(tree, patch)


def _change(path: str, *, old: str = "a/", new: str = "b/") -> str:
    return f"--- {old}{path}\n+++ {new}{path}\n@@ -1,2 +1,2 @@\n theorem a : P := by\n-  sorry\n+  simp\n"


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ("", "git does not take the patch"),
        ("hello", "git does not take the patch: No valid patches in input[.] "),
        ("--- a/Foo/A.lean\n+++ b/Foo/A.lean\n@@ -1 +1 @@\n", "git does not take the patch"),
        (_change("../secret.lean"), "leads out|does not take"),
        (_change("Foo/../../secret.lean"), "leads out|does not take"),
        (_change("/etc/x.lean", old="", new=""), "leads out|does not take|not Lean"),
        (_change("linked/secret.lean"), "not a plain file"),
        (_change("link.lean"), "not a plain file"),
        (_change("Foo"), "not Lean source"),
        (_change("notes.txt"), "not Lean source"),
        (_change(".git/config.lean"), "not Lean source|does not take"),
        (_change(".github/x.lean"), "not Lean source"),
        (_change("lakefile.toml"), "not Lean source"),
        (_change("Foo/Missing.lean"), "No such file"),
        (
            "diff --git a/Foo/A.lean b/Foo/B.lean\nsimilarity index 100%\nrename from Foo/A.lean\n"
            "rename to Foo/B.lean\n",
            "does more than change text: rename",
        ),
        (
            "diff --git a/Foo/A.lean b/Foo/B.lean\nsimilarity index 100%\ncopy from Foo/A.lean\ncopy to Foo/B.lean\n",
            "does more than change text: copy",
        ),
        (
            "diff --git a/Foo/A.lean b/Foo/A.lean\ndeleted file mode 100644\n--- a/Foo/A.lean\n+++ /dev/null\n"
            "@@ -1,2 +0,0 @@\n-theorem a : P := by\n-  sorry\n",
            "does more than change text: delete",
        ),
        (
            "diff --git a/Foo/A.lean b/Foo/A.lean\nold mode 100644\nnew mode 100755\n",
            "does more than change text: mode change",
        ),
        (
            "diff --git a/L.lean b/L.lean\nnew file mode 120000\n--- /dev/null\n+++ b/L.lean\n@@ -0,0 +1 @@\n"
            "+/etc/passwd\n\\ No newline at end of file\n",
            "does more than change text: create mode 120000",
        ),
        (
            "diff --git a/linked/N.lean b/linked/N.lean\nnew file mode 100644\n--- /dev/null\n+++ b/linked/N.lean\n"
            "@@ -0,0 +1 @@\n+x\n",
            "leads through a link",
        ),
        (
            "diff --git a/B.lean b/B.lean\nnew file mode 100644\nindex 0000000..e69de29\nGIT binary patch\nliteral 1\n"
            "IcmZPo000310RR91\n\nliteral 0\nHcmV?d00001\n\n",
            "binary|does not take",
        ),
    ],
)
def test_what_is_refused(tree: Path, patch: str, words: str) -> None:
    before = _everything(tree.parent)
    with pytest.raises(PatchError, match=words):
        apply_patch(tree, patch)
    assert _everything(tree.parent) == before


def test_one_refused_file_refuses_the_patch(tree: Path) -> None:
    with pytest.raises(PatchError, match="not Lean source"):
        apply_patch(tree, _change("Foo/A.lean") + _change("notes.txt"))


def test_a_result_that_is_not_utf8(tree: Path) -> None:
    raw = OLD.encode() + b"\xff\n"
    (tree / "Foo/A.lean").write_bytes(raw)
    old = raw.decode("utf-8", "surrogateescape")
    with pytest.raises(PatchError, match="not UTF-8"):
        apply_patch(tree, unified_diff({"Foo/A.lean": (old, old.replace("sorry", "simp"))}))
