"""A PostgreSQL server of one's own, on this machine, for as long as it is needed."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

from orchestrator.errors import OrchestratorError

# The shell's input is open as long as this process lives, however it ends; then the server goes, and its files.
_GUARDED = """
"$@" >"$0/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT $server
wait $server
rm -rf "$0"
"""


@contextmanager
def temporary_server() -> Iterator[str]:
    """URL of a server that was just started, without a database name.
    Raises OrchestratorError: there is none on this machine.
    """
    programs, as_user = _programs(), _as_user()
    user = "postgres" if as_user else pwd.getpwuid(os.geteuid()).pw_name
    home = Path(tempfile.mkdtemp(prefix="temporary-postgres-"))
    if as_user:
        shutil.chown(home, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = (f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={home}", "fsync=off")
    command = [*as_user, "sh", "-c", _GUARDED, str(home), str(programs / "postgres")]
    command += ["-D", str(home / "data"), *(word for setting in settings for word in ("-c", setting))]
    made = [*as_user, str(programs / "initdb"), "-D", str(home / "data"), "-U", user, "-A", "trust", "-E", "UTF8"]
    try:
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd="/")
        server = subprocess.Popen(command, stdin=subprocess.PIPE, cwd="/", start_new_session=True)
        try:
            _wait_for(port, server, programs, home / "log")
            yield f"postgresql+psycopg://{user}@127.0.0.1:{port}"
        finally:
            assert server.stdin is not None
            server.stdin.close()
            server.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def new_database(server: str, name: str) -> str:
    """URL of a new, empty database on a server."""
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server}/{name}"


def _programs() -> Path:
    """The folder of a PostgreSQL server: the newest of Debian's packages, else the one on the PATH."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = packaged[-1] if packaged else shutil.which("initdb")
    if not found:
        raise OrchestratorError(
            "There is no PostgreSQL server: neither under /usr/lib/postgresql nor on the PATH",
            hint="Install one, such as Debian's package postgresql; it need not run",
        )
    if importlib.util.find_spec("psycopg") is None:
        raise OrchestratorError("psycopg is not installed", hint="Install this package with its extra postgres")
    return Path(found).resolve().parent


def _as_user() -> list[str]:
    """What stands before a command that must not run as root."""
    if os.geteuid() != 0:
        return []
    # It may stand where only an administrator's PATH leads.
    runuser = shutil.which("runuser", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if runuser is None:
        hint = "Run this as another user"
        raise OrchestratorError("PostgreSQL does not run as root, and there is no runuser", hint=hint)
    return [runuser, "-u", "postgres", "--"]


def _wait_for(port: int, server: subprocess.Popen[bytes], programs: Path, log: Path) -> None:
    asked = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    for _ in range(1200):
        if subprocess.run(asked, stdout=subprocess.DEVNULL).returncode == 0:
            return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    said = log.read_text() if log.exists() else ""
    raise RuntimeError(f"The PostgreSQL server did not start:\n{said}")
