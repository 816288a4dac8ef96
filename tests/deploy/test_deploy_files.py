"""The files of deploy/, read by the tools that will read them."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROGRAMS = Path(sysconfig.get_path("scripts"))
DIGEST = re.compile(r"@(sha256:[0-9a-f]{64}|[0-9a-f]{40}|COMMIT)$")


def checked(*words: str | Path) -> str:
    """Run a checker, which has to find nothing; what it printed."""
    program = shutil.which(str(words[0]), path=str(PROGRAMS)) or shutil.which(str(words[0]))
    if program is None:
        pytest.skip(f"there is no {words[0]} here")
    done = subprocess.run([program, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_dockerfile_is_clean() -> None:
    checked("hadolint", DEPLOY / "Dockerfile")


def test_the_workflows_are_ones() -> None:
    checked("actionlint", *(DEPLOY / "ci" / name for name in ("github-actions.yml", "self-hosted.yml")))


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.gitlab-ci", "ci/gitlab-ci.yml"),
        ("vendor.github-actions", "ci/action.yml"),
        ("vendor.github-workflows", "ci/github-actions.yml"),
        ("vendor.github-workflows", "ci/self-hosted.yml"),
        ("vendor.compose-spec", "compose.yaml"),
    ],
)
def test_what_others_read_has_their_form(schema: str, file: str) -> None:
    checked("check-jsonschema", "--builtin-schema", schema, DEPLOY / file)


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("systemd/*.service")), ids=lambda unit: unit.stem)
def test_services_can_do_little(unit: Path) -> None:
    printed = checked("systemd-analyze", "security", "--offline=yes", "--threshold=40", unit)
    assert "Overall exposure level" in printed
    assert "User=orchestrator" in unit.read_text(encoding="utf-8")


def test_all_that_is_fetched_is_pinned() -> None:
    named = []
    for file in (DEPLOY / "Dockerfile", DEPLOY / "compose.yaml", *DEPLOY.glob("ci/*.yml")):
        found = re.findall(r"^\s*(?:- )?(?:uses|image|FROM):? (\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        named += found
    assert len(named) >= 9
    assert [name for name in named if not DIGEST.search(name)] == []


def test_containers_can_write_to_their_volume_alone() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    for name in ("server", "worker", "dashboard"):
        service = compose["services"][name]
        assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])
        assert all(volume.partition(":")[0] in compose["volumes"] for volume in service["volumes"])


def test_an_image_is_made_of_little(context: Path) -> None:
    """The context is what the wheel of the other tests is built from, too."""
    files = [path for path in context.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 10_000_000
    assert {path.relative_to(context).parts[0] for path in files} == {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")
    }
    assert not [path for path in files if fnmatch.fnmatch(str(path), "*__pycache__*")]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_image_is_built_and_runs() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        pytest.skip("nothing here builds images")
    subprocess.run([docker, "build", "-q", "-t", "orchestrator-test", "-f", DEPLOY / "Dockerfile", ROOT], check=True)
    limits = ["--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none"]
    done = subprocess.run(
        [docker, "run", *limits, "orchestrator-test", "sh", "-c", "orchestrator --version && id -u"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == "10001"
