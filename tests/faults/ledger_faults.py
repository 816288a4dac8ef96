"""What goes wrong with the ledger and with disks, each thing done for real. A fault gives back what the user saw."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing

from scenes import Fault, Scene, said, slow


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


def ledger_disk_full(scene: Scene) -> str:
    with scene.small_disk("full", "64k") as folder:
        (folder / "filler").write_bytes(b"x" * 60_000)
        return scene.finish(ORCH_DATA_DIR=str(folder))


def cache_disk_full(scene: Scene) -> str:
    with scene.small_disk("full", "32k") as folder:
        (folder / "filler").write_bytes(b"x" * 30_000)
        return scene.finish(ORCH_CACHE_DIR=str(folder))


def cache_disk_fills(scene: Scene) -> str:
    with scene.small_disk("full", "400m") as folder:
        shutil.copytree(scene.cache / "embedded-lean", folder / "embedded-lean", symlinks=True)
        room = shutil.disk_usage(folder).free
        (folder / "filler").write_bytes(b"x" * max(0, room - 20_000))
        return scene.finish(ORCH_CACHE_DIR=str(folder))


def temporary_disk_full(scene: Scene) -> str:
    with scene.small_disk("small", "8k") as folder:
        (folder / "filler").write_bytes(b"x" * 8192)
        return scene.finish(TMPDIR=str(folder))


def results_folder_is_a_file(scene: Scene) -> str:
    place = scene.home / "out0"
    place.write_text("mine")
    saw = scene.finish()
    assert place.read_text() == "mine"
    return saw


def ledger_held_in_mid_run(scene: Scene) -> str:
    run = slow(scene)
    run.wait_for("found ")
    with closing(sqlite3.connect(scene.ledger, isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN IMMEDIATE")
        code = run.wait_to_end()
    return said(run, code)


def results_disk_full(scene: Scene) -> str:
    with scene.small_disk("home/out0", "8k") as folder:
        (folder / "filler").write_bytes(b"x" * 8192)
        return scene.finish()


LEDGER_FAULTS: dict[str, Fault] = {
    "ledger locked": ledger_locked,
    "ledger locked in mid-run": ledger_held_in_mid_run,
    "ledger read-only": ledger_read_only,
    "ledger corrupt": ledger_corrupt,
    "ledger of a newer version": ledger_of_a_newer_version,
    "ledger of the first version": ledger_of_the_first_version,
    "ledger of another program": ledger_of_another_program,
    "disk of the ledger full": ledger_disk_full,
    "disk of the cache full": cache_disk_full,
    "disk of the cache fills up": cache_disk_fills,
    "disk of the results full": results_disk_full,
    "disk of temporary files full": temporary_disk_full,
    "results folder is a file": results_folder_is_a_file,
}
