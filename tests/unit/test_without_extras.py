"""What holds where no extra is installed. The libraries are hidden from child processes; runs of such are in faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from extras_hidden import OPTIONAL, without_extras

from orchestrator.machine import how_to_install

SCRIPT = """
import asyncio, contextlib, importlib, json, pathlib, sys
from orchestrator.errors import ModelError

said = {}
for package in ("orchestrator", "flows", "tasks", "blocks"):
    for path in sorted(pathlib.Path(package).rglob("*.py")):
        # Only a run with `--runner dask` imports the cluster's tasks.
        if path.name not in ("__main__.py", "cluster.py") and "migrations" not in path.parts:
            importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
from orchestrator.config import load_settings
from orchestrator.config import Endpoint
from orchestrator.premises.embeddings import Dense, dense_retriever
from orchestrator.strategies.registry import neglected_models, unavailable
from orchestrator.strategies.sketch.chat import OpenAIChat
from bench.pairs import Example
from orchestrator.premises.encoder import Encoder
from orchestrator.strategies.reprover.model import SHIPPED, Generator
from bench.train import TrainSettings, train

settings = load_settings({"ORCH_LLM_URL": "http://127.0.0.1:9/v1", "ORCH_LLM_MODEL": "m",
                          "ORCH_REPROVER_RETRIEVER": str(SHIPPED)})
said |= {kind.value: why for kind, why in unavailable(settings).items()}
said["neglected"] = "\\n".join(neglected_models(settings))
said["dense_retriever"] = repr(dense_retriever(settings, (), pathlib.Path("nowhere")))
chat = OpenAIChat(Endpoint(url="http://127.0.0.1:9/v1", model="m"))
for name, use in {
    "generator": lambda: Generator(folder=SHIPPED).suggest_for("|- a", (), 1),
    "encoder": lambda: Encoder(folder=SHIPPED).encode(["a"]),
    "chat": lambda: asyncio.run(chat.answers((), timeout=1)),
    "train": lambda: train([Example("s", "t")], TrainSettings(), pathlib.Path("nowhere")),
    "dense": lambda: Dense.build((), lambda _texts: None),
}.items():
    try:
        use()
    except ModelError as error:
        said[name] = str(error)
said["loaded"] = sorted({name.partition(".")[0] for name in sys.modules} & set(HIDDEN))
print(json.dumps(said))
"""

ROOT = Path(__file__).parents[2]
WITHOUT = {**os.environ, **without_extras()}


def command(*words: str) -> str:
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=WITHOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    lines = command("-c", f"HIDDEN = {OPTIONAL!r}\n{SCRIPT}").strip().split("\n")
    found: dict[str, str] = json.loads(lines[-1])
    return found


def test_everything_can_be_imported_and_loads_none_of_them(said: dict[str, str]) -> None:
    assert said["loaded"] == []


@pytest.mark.parametrize(
    ("who", "extra"),
    [
        ("reprover", "models"),
        ("sketch", "llm"),
        ("generator", "models"),
        ("encoder", "models"),
        ("train", "models"),
        ("dense", "models"),
        ("chat", "llm"),
    ],
)
def test_what_needs_an_extra_says_in_one_line_what_to_install(said: dict[str, str], who: str, extra: str) -> None:
    assert how_to_install(extra) in said[who]
    assert "\n" not in said[who]


def test_what_was_set_and_cannot_be_used_is_said(said: dict[str, str]) -> None:
    retriever, chat = said["neglected"].split("\n")
    assert retriever.startswith("ORCH_REPROVER_RETRIEVER is set and is not used: ")
    assert chat.startswith("ORCH_LLM_URL is set and is not used: ")
    assert said["dense_retriever"] == "None"


def test_the_command_says_what_to_install() -> None:
    listed = json.loads(command("-m", "orchestrator.main", "models", "--json"))
    assert not listed["reprover"]["available"]
    assert listed["reprover"]["reason"].endswith(how_to_install("models"))
