"""One conversation with a real chat server: `transformers serve` on a tiny model made on the spot."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchestrator.config import Endpoint
from orchestrator.strategies.sketch.chat import OpenAIChat, Role, Turn


def _tiny_chat_model(folder: Path) -> None:
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers
    from tokenizers.decoders import ByteLevel

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*alphabet, "<end>"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevel()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<end>")
    fast.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    shape = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 512,
        "eos_token_id": vocabulary["<end>"],
    }
    transformers.LlamaForCausalLM(transformers.LlamaConfig(**shape)).save_pretrained(folder)


@contextmanager
def serving(model: Path, folder: Path) -> Iterator[str]:
    """The base URL of a server on `model`, once it is ready. Its whole process group ends with the block.

    Args:
        model: the model.
        folder: for its log, and in place of the hub's cache.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model), "--device", "cpu"]
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HOME": str(folder / "hub"),
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
    log = folder / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdout=out,
            stderr=out,
            env=environment,
            start_new_session=True,
        )
        try:
            while not _healthy(port):
                assert server.poll() is None, log.read_text(errors="replace")[-2000:]
                time.sleep(0.25)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=60) as reply:
            return bool(json.load(reply))
    except OSError:
        return False


# The server imports torch and transformers, which a busy machine reads from its disk.
@pytest.mark.timeout(900)
@pytest.mark.slow
def test_a_real_server_answers(tmp_path: Path) -> None:
    model = tmp_path / "model"
    _tiny_chat_model(model)
    with serving(model, tmp_path) as url:
        endpoint = Endpoint(url=url, model=str(model), max_tokens=8)
        answer = asyncio.run(OpenAIChat(endpoint).answers([Turn(Role.USER, "prove it")], timeout=600))[0]
    assert isinstance(answer.text, str)
    assert answer.usage.requests == 1
    assert 1 <= answer.usage.completion_tokens <= 8
    # Eight tokens are the most it may write: what ends there was cut off.
    assert not answer.complete or answer.usage.completion_tokens < 8
