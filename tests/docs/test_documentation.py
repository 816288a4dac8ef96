"""What README and docs say is true: commands print what is shown, settings and exit codes are the real ones."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from cyclopts import App
from documented import PAGES, ROOT, Block, blocks, documented, fits, run  # type: ignore[import-not-found]

from orchestrator import errors
from orchestrator.cli.main import app
from orchestrator.cli.output import examples_of
from orchestrator.config import given_settings

ALL = [block for page in PAGES for block in blocks(page)]
# A run of `prove` starts a Prefect server and Lean; each answer of the marketplace takes a Lean of its own.
SLOW = ("your-repository.md", "marketplace.md")


def ids(block: Block) -> str:
    return f"{block.page}: {block.body.strip().splitlines()[0][:50]}"


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a repository in it, made from examples/, of which a few files are enough."""
    folder = tmp_path_factory.mktemp("documented")
    shutil.copytree(ROOT / "examples", folder / "small")
    for file in (folder / "small" / "Grove").glob("*.lean"):
        if file.stem != "Arith":
            file.unlink()
    (folder / "small" / "Grove.lean").write_text("import Grove.Arith\n")
    subprocess.run(["bash", ROOT / "scripts" / "demo_repository.sh", folder / "small", folder / "grove"], check=True)
    return folder


@pytest.fixture(scope="session")
def environment(place: Path) -> Mapping[str, str]:
    """A user's, with data and settings of its own; the caches are those of the machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "PREFECT_"))}
    cache = {name: os.environ[name] for name in ("ORCH_CACHE_DIR",) if name in os.environ}
    own = {"ORCH_DATA_DIR": str(place / "data"), "ORCH_STATE_DIR": str(place / "state"), "ORCH_SERVERS": "1"}
    own |= {"XDG_CONFIG_HOME": str(place / "config"), "PREFECT_HOME": str(place / "prefect"), "COLUMNS": "140"}
    programs = f"{Path(sys.executable).parent}:{kept['PATH']}"
    return kept | cache | own | {"PATH": programs}


@pytest.fixture
def dashboard(place: Path, environment: Mapping[str, str]) -> Iterator[int]:
    """The port of a dashboard that runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    served = subprocess.Popen(
        ["orchestrator", "dashboard", "--port", str(port)],
        cwd=place,
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert served.stdout is not None
    try:
        assert "Dashboard: http://127.0.0.1" in served.stdout.readline()
        yield port
    finally:
        served.terminate()
        served.communicate()
    assert served.returncode in (0, 130, -15)


def check(block: Block, place: Path, environment: Mapping[str, str], port: int = 0) -> None:
    if "$TICKET" in block.body:
        _, listed = run("orchestrator market list --json", place, environment)
        environment = {**environment, "TICKET": json.loads(listed)["tickets"][0]["ticket_id"]}
    for one in documented(block):
        code, printed = run(one.command.replace("8421", str(port)) if port else one.command, place, environment)
        assert code == 0, f"{one.command}: {printed}"
        assert fits(one.output, printed), f"{one.command}\nshown:\n{one.output}\nprinted:\n{printed}"


CONSOLE = [block for block in ALL if block.language == "console"]


@pytest.mark.parametrize("block", [b for b in CONSOLE if b.page not in SLOW and "8421" not in b.body], ids=ids)
@pytest.mark.lean
def test_a_command_prints_what_is_shown(block: Block, place: Path, environment: Mapping[str, str]) -> None:
    check(block, place, environment)


@pytest.mark.parametrize("block", [b for b in CONSOLE if "8421" in b.body], ids=ids)
def test_the_dashboard_answers_what_is_shown(
    block: Block, place: Path, environment: Mapping[str, str], dashboard: int
) -> None:
    check(block, place, environment, dashboard)


@pytest.mark.slow
@pytest.mark.lean
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("page", SLOW)
def test_a_page_of_long_commands(page: str, place: Path, environment: Mapping[str, str]) -> None:
    for block in CONSOLE:
        if block.page == page:
            check(block, place, environment)


def ways_to_connect() -> list[list[str]]:
    """The commands that the page on agents has clients start, each as its words."""
    here = [block for block in ALL if block.page == "agents.md"]
    (json_block,) = (json.loads(block.body) for block in here if block.language == "json")
    (toml_block,) = (tomllib.loads(block.body) for block in here if block.language == "toml")
    servers = (json_block["mcpServers"]["lean"], toml_block["mcp_servers"]["lean"])
    claude = [line.partition(" -- ")[2] for block in here for line in block.body.splitlines() if " -- " in line]
    return [[one["command"], *one["args"]] for one in servers] + [shlex.split(line) for line in claude]


async def test_an_agent_that_is_set_up_as_the_page_says_finds_its_tools(
    place: Path, environment: Mapping[str, str]
) -> None:
    from mcp import Client, StdioServerParameters, stdio_client

    ways = {tuple("." if word.startswith("/path/to") else word for word in way) for way in ways_to_connect()}
    assert ways == {("orchestrator", "mcp", ".")}
    command, *arguments = ways.pop()
    started = StdioServerParameters(command=command, args=arguments, env=dict(environment), cwd=str(place / "grove"))
    async with Client(stdio_client(started), read_timeout_seconds=250) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        page = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
        rows = " ".join(re.findall(r"^\| (`.*?) \|", page, re.MULTILINE))
        assert tools == set(re.findall(r"`(\w+)`", rows))


# What the short lines of the commands at a glance stand for; the rest of a line is left as it is.
MEANT = {
    "PATH-OR-URL": "grove",
    "REPO": "grove",
    "PATH": "grove",
    "PATCH": "results/proofs.patch",
    "REF": "HEAD",
    "TICKET": "$TICKET",
    "proof.lean": "-",
    "FILE": "sorries.json",
    "ID": "$RECORD",
    '"∀ n : Nat, f n < g n" --repo . --before My.theorem': '"∀ n : Nat, n < n + 2"',
    '"∀ n : Nat, f n ≤ g n" --repo . --before My.theorem': '"∀ n : Nat, n < n + 2"',
}
# These go on until they are stopped, want a Prefect server, take minutes of building, or name a block of one's own.
APART = ("dashboard", "mcp", "nightly", "setup", "premises build", "premises query", "--project")
OTHER_CODES = {"blueprint check": (0, 7), "settings": (0,)}


def short_lines() -> Iterator[str]:
    """The commands at a glance, with what stands for something of the reader's own put in."""
    for block in ALL:
        if block.page == "commands-at-a-glance.md" and block.language == "":
            for line in block.body.splitlines():
                command = re.split(r"\s#\s", line)[0].strip().removeprefix(".venv/bin/")
                if command.startswith("orchestrator ") and not any(word in command for word in APART):
                    for word, meaning in MEANT.items():
                        command = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", meaning.replace("\\", ""), command)
                    yield command


@pytest.mark.slow
@pytest.mark.lean
@pytest.mark.timeout(3000)
def test_the_commands_at_a_glance_run(place: Path, environment: Mapping[str, str]) -> None:
    ticket = ""
    commands = list(short_lines())
    assert len(commands) > 15
    code, printed = run("orchestrator sorrydb export grove sorries.json", place, environment)
    assert code == 0, printed
    record = json.loads((place / "sorries.json").read_text())["sorries"][0]["id"]
    # The order of a person: a patch before it is judged, a ticket before it is claimed.
    first = [c for c in commands if " prove " in c] + [c for c in commands if "market request" in c]
    for command in [*first, *(c for c in commands if c not in first)]:
        limited = f"{command} --timeout 20" if re.search(r" (prove|bg|supply|sorrydb run) ", command) else command
        limited = limited.replace("--out out", "--out results")
        given = {**environment, "TICKET": ticket, "RECORD": record}
        code, printed = run(f"echo 'by intros; omega' | {{ {limited}; }}", place, given)
        name = " ".join(command.split()[1:3])
        assert code in OTHER_CODES.get(name, (0,)), f"{limited}: {code} {printed}"
        assert printed.strip(), limited
        if "market request" in command:
            found = re.search(r"\(([0-9a-f]{6,})\)", printed)
            assert found, printed
            ticket = found.group(1)


README = [block.body for block in ALL if block.page == "README.md" and block.language == "bash"]
STAYS = {"orchestrator dashboard": "Dashboard: http", "orchestrator worker": "Ctrl-C ends it"}
"""Commands that go on until they are stopped, and what they say once they are there."""


def test_the_two_commands_are_targets() -> None:
    for line in README[0].splitlines():
        words = [*shlex.split(line, comments=True), "--dry-run"]
        assert subprocess.run(words, cwd=ROOT, capture_output=True, check=False).returncode == 0, line


def test_the_readme_is_short_and_says_once_how_to_activate() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.split()) <= 900
    assert text.count("activate") == 1
    assert text.index("Mathlib") < text.index("orchestrator prove")


@pytest.mark.slow
@pytest.mark.lean
@pytest.mark.timeout(1800)
def test_a_stranger_who_follows_the_readme_gets_to_a_night(
    place: Path, environment: Mapping[str, str], tmp_path: Path
) -> None:
    project = tmp_path / "path" / "to" / "project"
    subprocess.run(["git", "clone", "-q", place / "grove", project], check=True)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    own = {"ORCH_TIMEOUT": "30", "ORCH_DASHBOARD_PORT": "0", "PREFECT_SERVER_API_PORT": port, "PYTHONUNBUFFERED": "1"}
    own |= {"PREFECT_HOME": str(tmp_path / "prefect"), "ORCH_DATA_DIR": str(tmp_path / "data")}
    given = {**environment, **own, "PATH": os.environ["PATH"]}
    activate, *lines = [line for body in README[1:] for line in body.splitlines()]
    for line in lines:
        command = re.split(r"\s+#\s", line)[0]
        if command in STAYS:
            stays(f"{activate} && exec {command}", tmp_path, given, STAYS[command])
        else:
            code, printed = run(f"{activate} && {command}", tmp_path, given)
            assert code == 0, f"{command}: {printed}"
    changed = subprocess.run(["git", "diff"], cwd=project, capture_output=True, text=True, check=True).stdout
    assert re.search(r"^-.*sorry", changed, re.MULTILINE)


def stays(command: str, folder: Path, environment: Mapping[str, str], sign: str) -> None:
    """Run a command until it has said that it is there, and end it in order."""
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if sign in line:
            break
    process.send_signal(signal.SIGINT)  # Ctrl-C
    process.communicate(timeout=120)
    assert sign in said, said


def mentioned() -> Iterator[tuple[str, list[str]]]:
    """Every command of ours that stands on its own line in a block, with its page."""
    for block in ALL:
        if block.language in ("bash", "console", ""):
            for line in block.body.splitlines():
                plain = re.sub(r"^(\$ |\.venv/bin/|ExecStart=\S*/|[A-Z_]+=\S+ )+", "", line.strip())
                if plain.startswith("orchestrator "):
                    yield block.page, shlex.split(plain, comments=True)[1:]


def test_every_command_that_is_mentioned_is_there() -> None:
    found = list(mentioned())
    assert len(found) > 10
    for page, words in found:
        command: App = app
        while words and words[0] in command and not words[0].startswith("-"):
            command, words = command[words[0]], words[1:]
        assert command is not app or words[0].startswith("--"), f"{page}: no command {words}"
        flags = {word.partition("=")[0] for word in words if word.startswith("--")} - {"--help", "--version"}
        if flags and command is not app:
            known = {name for argument in command.assemble_argument_collection() for name in argument.names}
            assert flags <= known, f"{page}: {command.name} has no {sorted(flags - known)}"


def commands(parent: App, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], App]]:
    """Every command, groups of commands apart."""
    for name in parent:
        if name.startswith("-"):
            continue
        child = parent[name]
        inside = [word for word in child if not word.startswith("-")]
        if inside:
            yield from commands(child, (*path, name))
        else:
            yield (*path, name), child


@pytest.mark.parametrize("path", [path for path, _ in commands(app)], ids=" ".join)
def test_every_command_says_what_it_is_for(path: tuple[str, ...]) -> None:
    command: App = app
    for name in path:
        command = command[name]
    function = command.default_command
    assert function is not None
    assert (function.__doc__ or "").strip(), f"{' '.join(path)} has no help"


@pytest.mark.parametrize("path", [path for path, _ in commands(app)], ids=" ".join)
def test_examples_are_in_the_help(path: tuple[str, ...]) -> None:
    command: App = app
    for name in path:
        command = command[name]
    assert command.default_command is not None
    for line in examples_of(command.default_command).splitlines():
        assert line in (command.help_epilogue or ""), f"{' '.join(path)}: register it with `with_examples`"


def test_every_exit_code_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    table = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert table == {0} | {kind.exit_code for kind in kinds if issubclass(kind, errors.OrchestratorError)}


def test_every_setting_that_is_mentioned_is_there() -> None:
    rows, _ = given_settings({})
    known = {row.variable for row in rows} | {"ORCH_CONFIG"}
    for page in PAGES:
        mentioned_here = set(re.findall(r"\bORCH_[A-Z_]+[A-Z]\b", page.read_text(encoding="utf-8")))
        assert mentioned_here <= known, f"{page.name}: {sorted(mentioned_here - known)}"


def test_the_strategy_in_the_manual_works(environment: Mapping[str, str], place: Path) -> None:
    (code,) = [block.body for block in ALL if block.language == "python" and block.page == "writing-a-strategy.md"]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=place, env=dict(environment), capture_output=True, text=True, check=True
    )
    assert done.stdout == "('trivial',)\n"


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists() or target == "commands.md", f"{page.name} links to {target}"


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a … b\n", "a 1 2 b\n", True),
        ("a\n…\nb\n", "a\nx\ny\nb\n", True),
        ("a\n…\nb\n", "a\nb\n", True),
        ("a b\n", "a    b\n", True),
        ("a\n", "b\n", False),
        ("a\n", "a\nb\n", False),
        ("", "", True),
    ],
)
def test_shapes(shown: str, printed: str, same: bool) -> None:
    assert fits(shown, printed) is same
