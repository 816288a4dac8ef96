"""What goes wrong around a run, each thing done for real: its own end, the clock, servers, models, settings."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import time

import psutil
from compatible_server import Answer, serving
from night_runs import EASY
from scenes import Fault, NotHere, Scene, end_group, said, slow

from orchestrator.cli.prefect_server import LocalServer
from orchestrator.config import child_environment
from orchestrator.strategies.reprover.model import SHIPPED


def _killed_at(words: str, **settings: str) -> Fault:
    def fault(scene: Scene) -> str:
        run = slow(scene, **settings)
        run.wait_for(words)
        run.kill()
        return f"nothing: it is gone (last line: {(run.output.splitlines() or [''])[-1].strip()[:50]})"

    return fault


def killed_while_recording(scene: Scene) -> str:
    run = slow(scene)
    run.wait_for("verify")
    run.wait_until(lambda: bool(scene.rows("SELECT id FROM proofs")))
    scene.note()
    run.kill()
    return f"nothing: it is gone ({len(scene.rows('SELECT id FROM proofs'))} proofs were in the ledger)"


def _signalled(number: signal.Signals) -> Fault:
    def fault(scene: Scene) -> str:
        run = slow(scene)
        run.wait_for("found ")
        os.killpg(run.process_id, number)
        return said(run, run.wait_to_end())

    return fault


_CLOCK = """#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static const long shift = %d;
int clock_gettime(clockid_t id, struct timespec *t) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int answer = real(id, t);
  if (!answer && id == CLOCK_REALTIME && access("%s", F_OK)) t->tv_sec += shift;
  return answer;
}
"""
A_DAY = 86_400


def _clock(scene: Scene, shift: int) -> str:
    """A library that moves a process's clock until there is a file `now`."""
    source, library = scene.root / "clock.c", scene.root / "clock.so"
    source.write_text(_CLOCK % (shift, scene.root / "now"))
    compiler = shutil.which("cc")
    if compiler is None:
        raise NotHere("no C compiler for the library that moves a process's clock")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return str(library)


def clock_moved(scene: Scene) -> str:
    saw = scene.finish(LD_PRELOAD=_clock(scene, A_DAY))  # the next run is a day earlier
    ((stamp,),) = scene.rows("SELECT max(started_at) FROM runs")
    assert str(stamp)[:10] > time.strftime("%Y-%m-%d", time.gmtime())
    return saw


def _clock_jumps(shift: int) -> Fault:
    def fault(scene: Scene) -> str:
        run = slow(scene, LD_PRELOAD=_clock(scene, shift))
        run.wait_for("found ")
        (scene.root / "now").touch()
        saw = said(run, run.wait_to_end())
        assert run.summary["goals_solved"] == len(EASY), run.output
        return saw

    return fault


def two_runs_at_once(scene: Scene) -> str:
    one, other = slow(scene), slow(scene)
    codes = (one.wait_to_end(), other.wait_to_end())
    assert codes == (0, 0), (codes, one.output, other.output)
    return f"both finished: {said(one, codes[0])}"


def prefect_gone(scene: Scene) -> str:
    environment = child_environment(["*"], extra={"PREFECT_UI_ENABLED": "0", "PREFECT_HOME": str(scene.root / "p")})
    application = "prefect.server.api.server:create_app"
    with LocalServer(application, environment=environment, log=scene.root / "prefect.log") as server:
        server.wait_until_ready("/api/health", seconds=200)
        run = slow(scene, PREFECT_API_URL=f"{server.url}/api", PREFECT_CLIENT_MAX_RETRIES="1")
        run.wait_for("found ")
        for child in psutil.Process().children(recursive=True):
            server_of_ours = "orchestrator.cli.prefect_server" in " ".join(child.cmdline())
            if server_of_ours and str(scene.root) in str(child.environ()):
                end_group(child)
        return said(run, run.wait_to_end())


def prefect_was_never_there(scene: Scene) -> str:
    return scene.finish(PREFECT_API_URL="http://127.0.0.1:9/api")


def setting_wrong(scene: Scene) -> str:
    return scene.finish(ORCH_SERVERS="many")


def flag_wrong(scene: Scene) -> str:
    return scene.finish("--profile=7")


def _chat(scene: Scene, answer: Answer) -> str:
    """A run that asks a chat model, which answers this to everything; the key is nowhere in what the run leaves."""
    with serving([answer]) as served:
        key = "sk-wrong-c0ffee"
        settings = {"ORCH_LLM_URL": served.url, "ORCH_LLM_MODEL": "m", "ORCH_LLM_KEY": key, "ORCH_LLM_RETRIES": "0"}
        run = slow(scene, **settings)
        code = run.wait_to_end()
        assert served.requests, run.output
    assert key not in run.output
    assert not [file for file in scene.home.rglob("*") if file.is_file() and key.encode() in file.read_bytes()]
    lines = [json.loads(line) for line in (run.out / "attempts.jsonl").read_text().splitlines()]
    errors = {line["error"] for line in lines if line["strategy"] == "sketch" and line["error"]}
    assert errors, lines
    return f"{said(run, code)}, and of the model: {'; '.join(sorted(errors))}"


def api_key_wrong(scene: Scene) -> str:
    return _chat(scene, Answer("Incorrect API key provided: sk-wrong-c0ffee", status=401))


def model_answers_nonsense(scene: Scene) -> str:
    return _chat(scene, Answer(raw="<html>502 Bad Gateway \x1b[2J</html>"))


def model_never_answers(scene: Scene) -> str:
    return _chat(scene, Answer("too late", delay=600))


def model_folder_missing(scene: Scene) -> str:
    saw = scene.finish(ORCH_REPROVER_GENERATOR=str(scene.root / "nowhere"))
    assert "ORCH_REPROVER_GENERATOR is set and is not used" in scene.runs[-1].output
    return saw


def model_folder_broken(scene: Scene) -> str:
    if not all(map(importlib.util.find_spec, ("torch", "transformers"))):
        raise NotHere("the extra `models` is not installed, so no model is loaded")
    folder = scene.root / "model"
    shutil.copytree(SHIPPED, folder)
    (weights,) = folder.glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])
    run = slow(scene, ORCH_REPROVER_GENERATOR=str(folder))
    code = run.wait_to_end()
    lines = [json.loads(line) for line in (run.out / "attempts.jsonl").read_text().splitlines()]
    errors = {line["error"] for line in lines if line["strategy"] == "reprover" and line["error"]}
    assert errors, lines
    return f"{said(run, code)}, and of the model: {'; '.join(sorted(errors))}"


WORLD_FAULTS: dict[str, Fault] = {
    "killed (-9) while Prefect starts": _killed_at("prefect", PREFECT_API_URL=""),
    "killed (-9) at checkout": _killed_at("checkout"),
    "killed (-9) while extracting": _killed_at("extract"),
    "killed (-9) in triage": _killed_at("triage"),
    "killed (-9) while proving": _killed_at("found "),
    "killed (-9) in the marketplace": _killed_at("market", ORCH_MARKET="yes"),
    "killed (-9) while verifying": _killed_at("verify"),
    "killed (-9) while recording": killed_while_recording,
    "Ctrl-C": _signalled(signal.SIGINT),
    "asked to end (SIGTERM)": _signalled(signal.SIGTERM),
    "terminal closed (SIGHUP)": _signalled(signal.SIGHUP),
    "clock moved back a day": clock_moved,
    "clock jumps back in mid-run": _clock_jumps(A_DAY),
    "clock jumps forward in mid-run": _clock_jumps(-A_DAY),
    "two runs at once": two_runs_at_once,
    "Prefect server gone in mid-run": prefect_gone,
    "Prefect server never there": prefect_was_never_there,
    "API key wrong": api_key_wrong,
    "chat model answers nonsense": model_answers_nonsense,
    "chat model never answers": model_never_answers,
    "model folder missing": model_folder_missing,
    "model folder broken": model_folder_broken,
    "a setting that is no number": setting_wrong,
    "a flag that is out of range": flag_wrong,
}
