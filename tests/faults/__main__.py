"""`python -m tests.faults [WORDS…]`: every fault on a real run, as a table. Exit code 1 when anything was lost.

`ORCH_CACHE_DIR` and `PREFECT_HOME` are used as they are set.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

sys.path.extend([str(Path(__file__).parent), str(Path(__file__).parents[1] / "shim")])

import psutil
from fault_list import FAULTS
from scenes import CANNOT, PLACES, Row, play

from orchestrator.cli.prefect_server import LocalServer
from orchestrator.config import child_environment


def prefect(home: Path) -> LocalServer:
    """A Prefect server for all runs, so that none has to start one."""
    environment = child_environment(
        ["*"], extra={"PREFECT_HOME": str(home), "PREFECT_UI_ENABLED": "0", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    )
    return LocalServer("prefect.server.api.server:create_app", environment=environment, log=home / "server.log")


def end_everything(_number: int, _frame: object) -> None:
    """Leave nothing running and nothing on disk when somebody ends the suite."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    for mount in [part.mountpoint for part in psutil.disk_partitions(all=True) if "/fault-" in part.mountpoint]:
        if any(str(place) in mount for place in PLACES):
            subprocess.run(["umount", "-l", mount])
    for place in PLACES:
        shutil.rmtree(place, ignore_errors=True)
    os._exit(143)


def main(words: Sequence[str] | None = None) -> int:
    """Print the table as it grows."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("words", nargs="*", help="faults whose names hold one of these; all unless given")
    parser.add_argument("--at-once", type=int, default=2, help="how many are played side by side")
    parser.add_argument("--json", type=Path, default=None, help="write the table to this file, too")
    given = parser.parse_args(words)
    chosen = {name: f for name, f in FAULTS.items() if not given.words or any(word in name for word in given.words)}
    began = time.monotonic()
    rows: list[Row] = []
    print("| fault | what the user saw | lost | next run finished | left behind |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-prefect-") as home, prefect(Path(home)) as server:
        PLACES.add(Path(home))
        server.wait_until_ready("/api/health", seconds=900)

        def one(name: str) -> Row:
            try:
                return play(name, chosen[name], api=f"{server.url}/api")
            except Exception as error:  # noqa: BLE001 - a row for it, and the rest goes on
                said = f"{type(error).__name__}: {str(error)[-600:]}"
                return Row(name, f"the suite broke: {said} ({_place(error)})", "?", "?", "?")

        with ThreadPoolExecutor(given.at_once) as threads:
            for done in as_completed([threads.submit(one, name) for name in chosen]):
                row = done.result()
                rows.append(row)
                saw = " ".join(row.saw.split()).replace("|", "\\|")
                print(f"| {row.fault} | {saw} | {row.lost} | {row.next_run} | {row.left} |", flush=True)
    bad = [row.fault for row in rows if not row.good]
    absent = [row.fault for row in rows if row.saw.startswith(CANNOT)]
    good = len(rows) - len(bad) - len(absent)
    skipped = f", {len(absent)} cannot be injected here" if absent else ""
    print(f"\n{len(rows)} faults in {time.monotonic() - began:.0f} s, {good} as they should be{skipped}", flush=True)
    if bad:
        print("not so: " + ", ".join(bad))
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False) + "\n")
    return 1 if bad else 0


def _place(error: BaseException) -> str:
    """Where in the suite an error was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(__file__).parent == Path(frame.filename).parent]
    return ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in ours[-3:])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end_everything)
    sys.exit(main())
