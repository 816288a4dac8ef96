"""The wheel, installed as operators install it: into an environment of its own, used by somebody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from installed_wheel import Installation
from somebody_else import NOBODY, can_be_somebody_else

from orchestrator.config import load_settings

ROOT = Path(__file__).parents[2]
PYTHONS = ("python3.11", "python3.13")
EASY = "theorem easy (a b : Nat) : a + b = b + a := by sorry\n"


def usable(name: str) -> str:
    """A Python that can make environments, "" for none: a name may be a shim without that version behind it."""
    found = shutil.which(name)
    probe = [found or "", "-c", "import ensurepip, venv"]
    return found if found and subprocess.run(probe, capture_output=True, check=False).returncode == 0 else ""


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an image is built from: the files that .dockerignore lets through."""
    folder = tmp_path_factory.mktemp("context")
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    left_out = [line.removeprefix("**/") for line in lines if (line and line[0] not in "#!*") or line.startswith("**/")]
    for name in (line[1:] for line in lines if line.startswith("!")):
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns(*(one.removeprefix(f"{name}/") for one in left_out))
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def wheel(context: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built from what an image is built from."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(context)]
    subprocess.run(build, check=True, cwd=folder, env=outside())
    (built,) = folder.glob("lean_orchestrator-*.whl")
    return built


@pytest.fixture(scope="session", params=PYTHONS)
def installation(request: pytest.FixtureRequest, wheel: Path) -> Iterator[Installation]:
    """The wheel in a bare environment outside the checkout; the embedded Lean is the one that is installed already."""
    python = usable(request.param)
    if not python:
        pytest.skip(f"there is no {request.param} here")
    folder = Path(tempfile.mkdtemp(prefix="installed-"))
    folder.chmod(0o755)  # pytest's own folders are closed to others
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    install = [folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-compile", str(wheel)]
    subprocess.run(install, check=True, cwd=folder, env=outside())
    home = folder / "home"
    (home / "repo").mkdir(parents=True)
    (home / "repo/lean-toolchain").write_text("leanprover/lean4:v4.28.0-pre\n")
    (home / "repo/lakefile.toml").write_text('name = "T"\n\n[[lean_lib]]\nname = "T"\n')
    (home / "repo/T.lean").write_text(EASY)
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
        identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
        subprocess.run(["git", *identity, *words], cwd=home / "repo", check=True)
    (home / "cache").mkdir()
    if can_be_somebody_else():
        for path in (home, *home.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    lean = load_settings({"HOME": os.environ["HOME"]}).paths.embedded_lean  # often in a home that is closed to others
    shutil.copytree(lean, home / "cache/embedded-lean", symlinks=True, copy_function=linked)
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "ORCH_CACHE_DIR": str(home / "cache"),
        "ORCH_SERVERS": "1",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "600",
    }
    yield Installation(folder / "venv/bin", home, environment)
    shutil.rmtree(folder, ignore_errors=True)


def linked(source: str, target: str) -> None:
    """The same file a second time, which takes no space where both are on one disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def outside() -> dict[str, str]:
    """The environment without what leads Python to the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ORCH_", "PREFECT_"))}
