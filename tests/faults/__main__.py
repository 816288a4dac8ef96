"""`python -m tests.faults [WORDS…]`: every fault on a real run, as a table. Exit code 1 when anything was lost.

Words choose the faults whose names hold one of them. `ORCH_CACHE_DIR` and `PREFECT_HOME` are used as they are set.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import psutil
from fault_list import FAULTS
from scenes import Row, play

from orchestrator.config import child_environment
from orchestrator.local_server import LocalServer

AT_ONCE = 2


def prefect(home: Path) -> LocalServer:
    """A Prefect server for all runs, so that none has to start one."""
    environment = child_environment(
        ["*"], extra={"PREFECT_HOME": str(home), "PREFECT_UI_ENABLED": "0", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    )
    return LocalServer("prefect.server.api.server:create_app", environment=environment, log=home / "server.log")


def end_everything(_number: int, _frame: object) -> None:
    """Leave nothing behind when somebody ends the suite."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    os._exit(143)


def main(words: list[str]) -> int:
    """Print the table as it grows."""
    chosen = {name: fault for name, fault in FAULTS.items() if not words or any(word in name for word in words)}
    began = time.monotonic()
    rows: list[Row] = []
    print("| fault | what the user saw | lost | next run finished | left behind |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-prefect-") as home, prefect(Path(home)) as server:
        server.wait_until_ready("/api/health", seconds=900)

        def one(name: str) -> Row:
            try:
                return play(name, chosen[name], api=f"{server.url}/api")
            except Exception as error:  # noqa: BLE001 - a row for it, and the rest goes on
                return Row(name, f"the suite broke: {type(error).__name__}: {str(error)[-600:]}", "?", "?", "?")

        with ThreadPoolExecutor(AT_ONCE) as threads:
            for done in as_completed([threads.submit(one, name) for name in chosen]):
                row = done.result()
                rows.append(row)
                saw = " ".join(row.saw.split()).replace("|", "\\|")
                print(f"| {row.fault} | {saw} | {row.lost} | {row.next_run} | {row.left} |", flush=True)
    bad = [row.fault for row in rows if not row.good]
    print(
        f"\n{len(rows)} faults in {time.monotonic() - began:.0f} s, {len(rows) - len(bad)} as they should be",
        flush=True,
    )
    if bad:
        print("not so: " + ", ".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end_everything)
    sys.exit(main(sys.argv[1:]))
