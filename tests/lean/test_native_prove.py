"""The command line over one's own Lean, as a user runs it: `lake` and the REPL are shims with real Lean behind them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from shims import Shims, write_shims

from orchestrator.config import load_settings
from orchestrator.lean.servers import Servers

pytestmark = pytest.mark.slow

FILES = {
    "lakefile.toml": 'name = "Small"\ndefaultTargets = ["Small"]\n\n[leanOptions]\nautoImplicit = false\n\n'
    '[[lean_lib]]\nname = "Small"\n',
    "lean-toolchain": "leanprover/lean4:v4.28.0-rc1\n",
    "Small.lean": "import Small.Basic\nimport Small.More\n",
    "Small/Basic.lean": "def dbl (n : Nat) : Nat := n + n\n\ntheorem dbl_eq (n : Nat) : dbl n = 2 * n := by\n  sorry\n",
    "Small/More.lean": "import Small.Basic\n\nnamespace Small\n\ntheorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by\n"
    "  sorry\n\ntheorem wrong (n : Nat) : dbl n = n := by\n  sorry\n\n"
    "theorem len (xs : List Nat) : xs.reverse.length = xs.length := sorry\n\nend Small\n",
}
UNBUILT = {
    "version": "1.1.0",
    "packagesDir": ".lake/packages",
    "packages": [{"type": "git", "name": "dep", "url": "u"}],
}


@dataclass(frozen=True)
class User:
    """Somebody with a repository and a Lean of their own."""

    repo: Path
    environment: dict[str, str]

    def asks(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command in the repository."""
        command = (sys.executable, "-m", "orchestrator.main", *arguments)
        return subprocess.run(command, capture_output=True, text=True, env=self.environment, cwd=self.repo, check=False)


def commit(repo: Path) -> None:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    for command in (("add", "-A"), ("commit", "-qm", "all")):
        subprocess.run(["git", *identity, *command], cwd=repo, check=True)


def copies(repo: Path) -> list[Path]:
    """What Lake has compiled of a repository, given as a folder or by URL, with the locks."""
    names = (hashlib.sha256(name.encode()).hexdigest()[:12] for name in (str(repo), repo.as_uri()))
    return [path for name in names for path in load_settings().paths.compiled.glob(f"*-{name}*")]


@pytest.fixture
def user(servers: Servers, tmp_path: Path) -> Iterator[User]:
    shims: Shims = write_shims(tmp_path / "shims", servers.launch)
    repo = tmp_path / "repo"
    for path, text in FILES.items():
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_text(text)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=repo, check=True)
    commit(repo)
    environment = {
        **os.environ,
        "PATH": f"{shims.bin}:{os.environ['PATH']}",
        "ORCH_LEAN": "native",
        "ORCH_REPL": str(shims.repl),
        "ORCH_SERVERS": "1",
        "ORCH_DATA_DIR": str(tmp_path / "data"),
        "ORCH_STATE_DIR": str(tmp_path / "data"),
        "COLUMNS": "160",
    }
    yield User(repo, environment)
    for path in copies(repo):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_a_library_is_proved_over_ones_own_lean_and_the_patch_is_judged_again(user: User, tmp_path: Path) -> None:
    done = user.asks("prove", ".", "--timeout", "90", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(native)" in done.stdout
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    status = {goal["declaration"]: goal["status"] for goal in summary["goals"]}
    assert status == {"dbl_eq": "solved", "Small.swap": "solved", "Small.len": "solved", "Small.wrong": "looks_false"}
    assert summary["problems"] == []
    judged = user.asks("verify", ".", str(tmp_path / "out/proofs.patch"))
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "3 of 3 declarations accepted" in judged.stdout


def test_a_lean_that_the_gate_does_not_know_is_told_of_before_anything_is_tried(user: User, tmp_path: Path) -> None:
    lean = Path(user.environment["PATH"].partition(":")[0]) / "lean"
    lean.write_text(lean.read_text().replace("exec ", 'case "$*" in *Gate.lean*) echo unknown; exit 1;; esac\nexec '))
    done = user.asks("prove", ".", "--timeout", "90", "--out", str(tmp_path / "out"))
    assert done.returncode == 4, done.stdout + done.stderr
    assert "the gate does not know lean" in done.stderr.lower()
    assert "found" not in done.stdout


def test_a_record_of_sorrydb_is_exported_compared_and_proved_alone(user: User, tmp_path: Path) -> None:
    database = tmp_path / "db.json"
    written = user.asks("sorrydb", "export", ".", str(database), "--remote", "https://github.com/o/small")
    assert written.returncode == 0, written.stdout + written.stderr
    records = json.loads(database.read_text())["sorries"]
    assert [record["location"]["path"] for record in records] == ["Small/Basic.lean", *["Small/More.lean"] * 3]
    agreed = user.asks("sorrydb", "compare", str(database), ".", "--json")
    assert agreed.returncode == 0, agreed.stdout + agreed.stderr
    assert json.loads(agreed.stdout)["same"] == 4
    swap = next(record for record in records if record["location"]["start_line"] == 6)
    command = ("sorrydb", "run", str(database), swap["id"][:12], "--repo", ".", "--out", str(tmp_path / "out"))
    done = user.asks(*command, "--timeout", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "out" / swap["id"][:12] / "summary.json").read_text())
    assert [(goal["declaration"], goal["status"]) for goal in summary["goals"]] == [("Small.swap", "solved")]
    (answer,) = json.loads((tmp_path / "out/proofs.json").read_text())
    assert answer["sorry"] == swap


def test_a_url_needs_no_folder_and_what_was_built_of_it_is_kept_for_its_next_commit(user: User, tmp_path: Path) -> None:
    (tmp_path / "dep").mkdir()
    (tmp_path / "dep/Dep.lean").write_text("theorem two : 1 + 1 = 2 := rfl\n")
    dep = {"type": "git", "name": "dep", "url": str(tmp_path / "dep"), "rev": "abc"}
    (user.repo / "lake-manifest.json").write_text(json.dumps({**UNBUILT, "packages": [dep]}))
    shutil.rmtree(user.repo / "Small")
    (user.repo / "Small.lean").write_text("import Dep\n\ntheorem t : 1 + 1 = 2 := by\n  sorry\n")
    commit(user.repo)
    command = ("prove", user.repo.as_uri(), "--timeout", "30", "--out", str(tmp_path / "out"))
    refused = user.asks(*command)
    assert refused.returncode == 4
    assert "--build" in refused.stderr
    done = user.asks(*command, "--build")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [goal["status"] for goal in json.loads((tmp_path / "out/summary.json").read_text())["goals"]] == ["solved"]
    assert not (user.repo / ".lake").exists()
    (user.repo / "Small").mkdir()
    (user.repo / "Small/Basic.lean").write_text("-- another commit\n")
    commit(user.repo)
    again = user.asks("extract", user.repo.as_uri())
    assert again.returncode == 0, again.stdout + again.stderr
    (copy,) = (one for one in copies(user.repo) if one.is_dir())
    assert (copy / "Small/Basic.lean").read_text() == "-- another commit\n"
    assert (copy / ".lake/packages/dep/Dep.lean").is_file()


def test_packages_that_are_not_built_are_said_and_built_when_asked_to(user: User, tmp_path: Path) -> None:
    (user.repo / "lake-manifest.json").write_text(json.dumps(UNBUILT))
    (user.repo / "Small/Dep.lean").write_text("import Dep\n")
    commit(user.repo)
    refused = user.asks("extract", ".")
    assert refused.returncode == 4
    assert "dep" in refused.stderr
    assert "--build" in refused.stderr
    (user.repo / ".lake/packages/dep").mkdir(parents=True)
    (user.repo / ".lake/packages/dep/Dep.lean").touch()
    done = user.asks("prove", ".", "--build", "--timeout", "5", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (user.repo / ".lake/build/lib/lean/Small.olean").exists()
