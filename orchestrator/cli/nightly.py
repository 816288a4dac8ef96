"""`orchestrator nightly` and `orchestrator worker`: a repository every night, on one machine, without further setup."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from cyclopts import Parameter
from platformdirs import user_config_path
from rich.console import Console

from orchestrator.cli.automations import HEARTBEAT_SECONDS
from orchestrator.cli.output import AsJson, Repository, Runner, Seconds, absolute, print_json
from orchestrator.cli.prefect_server import LocalServer, prefect_server
from orchestrator.cli.registration import POOL, deploy, our_deployments, project_name, register
from orchestrator.cli.runs import check_first
from orchestrator.cli.terminal import make_console, say
from orchestrator.config import Paths, child_environment, load_settings, set_prefect_defaults
from orchestrator.errors import ConfigError, OrchestratorError
from orchestrator.run.report.files import replaced_file, runs_folder

SERVICE = "lean-orchestrator.service"
_READY_SECONDS = 180.0
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_UNIT = """\
# Written by `orchestrator nightly --install-service`, with the environment that it was called in.
[Unit]
Description=Proves the sorries of Lean repositories at night
After=network-online.target

[Service]
{environment}
ExecStart={command}
# A run that is asked to stop verifies and writes what it has found.
KillMode=mixed
TimeoutStopSec=600
SuccessExitStatus=130
Restart=on-failure
RestartSec=10
NoNewPrivileges=true

[Install]
WantedBy=default.target
"""


def nightly(
    repo: Repository,
    *,
    at: Annotated[str, Parameter(help="When, as HH:MM.")] = "01:00",
    timezone: Annotated[str, Parameter(help="Time zone of that, such as Europe/Berlin; this machine's if empty.")] = "",
    timeout: Seconds = None,
    runner: Runner = None,
    install_service: Annotated[
        bool, Parameter(negative="", help="Write a systemd user unit that keeps a worker running, and start it.")
    ] = False,
    json_: AsJson = False,
) -> int:
    """Prove a repository's sorries every night.

    Registers it on the Prefect server of PREFECT_API_URL, else on one of this machine's own, which `orchestrator
    worker` keeps running. Repeat it to change the time, or with another repository. Each night leaves its patch in the
    data folder. `prefect deployment delete nightly/NAME` ends it.

    Exit code 0, and 1 when the service was written but could not be started.

    Examples
    --------
    orchestrator nightly https://github.com/owner/project --at 01:00 --install-service
    orchestrator dashboard
    """
    environment = child_environment(("PATH", "ORCH_*", "PREFECT_*"))
    set_prefect_defaults()
    settings, console = load_settings(), make_console(stderr=json_)
    schedule = {"cron": _cron(at), "timezone": _zone(timezone), "slug": "night", "active": True}
    origin = repo if "://" in repo else str(absolute(repo))
    check_first({"repo": origin}, settings)
    with _server_to_register_on(settings.paths):
        name = asyncio.run(project_name(origin))
        done = asyncio.run(register(settings, {name: origin}))
        template = next(each for each in our_deployments() if each["name"] == "nightly")
        parameters = {**template["parameters"], "project": name, "budget_seconds": timeout, "runner": runner or ""}
        deploy([{**template, "name": name, "parameters": parameters, "schedules": [schedule]}])
    done |= {"deployment": f"nightly/{name}", "schedule": schedule}
    done |= {"results": str(runs_folder(settings.paths.data, origin)), "service": None, "problem": ""}
    if install_service:
        done["service"] = str(write_unit(environment))
        done["problem"] = _start_unit()
    if json_:
        print_json(done)
    else:
        _show(console, done)
    return 1 if done["problem"] else 0


def worker() -> int:
    """Keep the nights of this machine going, until it is stopped.

    Runs a Prefect worker, and a Prefect server beside it unless PREFECT_API_URL names one. One run is worked on at a
    time. Ctrl-C ends in an orderly way: what the run that is going on has found is verified and written.

    Examples
    --------
    orchestrator worker
    """
    from prefect.settings import PREFECT_API_URL

    paths, console = load_settings().paths, make_console()
    url, server = PREFECT_API_URL.value() or own_url(), None
    with ExitStack() as held:
        if url == own_url() and not answers(url):
            server = held.enter_context(_own_server(paths))
            server.wait_until_ready("/api/health", seconds=_READY_SECONDS)
        say(console, "green", "server", url.removesuffix("/api"))
        say(console, "green", "worker", "takes what is due; Ctrl-C ends it")
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
        environment = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS), **child_environment(["*"])}
        environment["PREFECT_API_URL"] = url
        # Prefect keeps what runs need in one folder of the system's for all users, which the first of them owns.
        environment["TMPDIR"] = held.enter_context(TemporaryDirectory(prefix="orchestrator-worker-"))
        # In a session of its own, so that a Ctrl-C reaches it once, through us.
        process = subprocess.Popen([*command, "--limit", "1"], env=environment, start_new_session=True)
        try:
            while True:
                try:
                    return process.wait(5.0)
                except subprocess.TimeoutExpired:
                    if server is not None and not server.alive:
                        raise OrchestratorError("The Prefect server ended", hint=f"Look into {paths.logs}.") from None
        finally:
            process.terminate()
            process.wait()


def own_url() -> str:
    """Where this machine's own Prefect server answers."""
    return f"http://127.0.0.1:{_own_port()}/api"


def _own_port() -> int:
    from prefect.settings import PREFECT_SERVER_API_PORT

    return int(PREFECT_SERVER_API_PORT.value())


def answers(url: str) -> bool:
    """Whether a Prefect server answers there."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as reply:
            return bool(reply.read().strip() == b"true")
    except OSError:
        return False


def _own_server(paths: Paths) -> LocalServer:
    extra = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # Leases in memory would leak when the server restarts, and slots with them.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        # By itself it copies its pages into the installation, which need not be ours to write.
        "PREFECT_UI_STATIC_DIRECTORY": str(paths.state / "prefect-ui"),
        "PREFECT_API_URL": own_url(),
    }
    return LocalServer(
        "prefect.server.api.server:create_app",
        environment=child_environment(["*"], extra=extra),
        log=paths.logs / "prefect-server.log",
        port=_own_port(),
    )


@contextmanager
def _server_to_register_on(paths: Paths) -> Iterator[None]:
    """Inside the block Prefect knows a server: the one it is set up with, the one that `worker` keeps here, or else a
    temporary one with the same database.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with ExitStack() as held:
        if not PREFECT_API_URL.value() and answers(own_url()):
            held.enter_context(temporary_settings({PREFECT_API_URL: own_url()}))
        held.enter_context(prefect_server(paths)).wait()
        yield


def _cron(at: str) -> str:
    found = _TIME.fullmatch(at)
    if found is None:
        raise ConfigError(f"{at!r} is no time of day", where="--at", hint="Give hours and minutes, such as 01:00")
    return f"{int(found[2])} {int(found[1])} * * *"


def _zone(name: str) -> str:
    from tzlocal import get_localzone_name

    zone = name or get_localzone_name() or "UTC"
    try:
        return ZoneInfo(zone).key
    except (ValueError, OSError, KeyError) as error:
        hint = "Give a name such as Europe/Berlin or UTC"
        raise ConfigError(f"there is no time zone {zone!r}", where="--timezone", hint=hint) from error


def write_unit(environment: Mapping[str, str]) -> Path:
    """Write the systemd user unit that runs `orchestrator worker` in this environment, readable by its user alone.
    Raises OrchestratorError: it cannot be written.
    """
    file = user_config_path() / "systemd/user" / SERVICE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OrchestratorError(f"The service cannot be written: {error.strerror}", where=str(file)) from error
    lines = "\n".join(f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(environment.items()))
    command = " ".join(_quoted(word) for word in (sys.executable, "-P", "-m", "orchestrator.main", "worker"))
    with replaced_file(file) as written:
        written.write(_UNIT.format(environment=lines, command=command))
    file.chmod(0o600)  # a setting may be a secret
    return file


def _quoted(word: str) -> str:
    """A word of a unit, as systemd reads it."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _start_unit() -> str:
    """Start the service now and at every login; why that was not possible, "" when it was."""
    program = shutil.which("systemctl")
    if program is None:
        return "there is no systemd here"
    for words in (("daemon-reload",), ("enable", "--now", SERVICE)):
        reply = subprocess.run([program, "--user", *words], capture_output=True, text=True, check=False)
        if reply.returncode:
            return reply.stderr.strip() or f"systemctl {words[0]} failed"
    return ""


def _show(console: Console, done: Mapping[str, Any]) -> None:
    schedule = done["schedule"]
    minute, hour = map(int, schedule["cron"].split()[:2])
    when = f"{hour:02}:{minute:02} {schedule['timezone']}"
    say(console, "green", "every night", f"at {when}, as the deployment {done['deployment']}")
    say(console, "green", "results", done["results"])
    if done["problem"]:
        say(console, "yellow", "service", f"{done['service']} is written, and could not be started: {done['problem']}")
    elif done["service"]:
        say(console, "green", "service", f"{done['service']}, started; to go on while you are logged out:")
        say(console, "", "       ", "loginctl enable-linger")
    if not done["service"] or done["problem"]:
        say(console, "bold", "next:", "orchestrator worker      # keep it running; --install-service has systemd do it")
    say(console, "bold", "next:", "orchestrator dashboard   # see what the nights do")
