"""One conversation with a real chat server: `transformers serve` on a tiny model made on the spot."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from orchestrator.conversation import Endpoint, Role, Turn
from orchestrator.models.chat import OpenAIChat

pytest.importorskip("transformers")
pytest.importorskip("openai")


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


@pytest.mark.timeout(600)
def test_a_real_server_answers(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    _tiny_chat_model(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(folder), "--host", "127.0.0.1"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub"), "CUDA_VISIBLE_DEVICES": ""}
    log = (tmp_path / "log").open("wb")
    server = subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=log, env=environment)
    try:
        for _ in range(1200):
            assert server.poll() is None, (tmp_path / "log").read_text(errors="replace")[-2000:]
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as reply:
                    assert json.load(reply)
                    break
            except OSError:
                time.sleep(0.25)
        endpoint = Endpoint(url=f"http://127.0.0.1:{port}/v1", model=str(folder), max_tokens=8)
        answer = asyncio.run(OpenAIChat(endpoint).answer([Turn(Role.USER, "prove it")], timeout=300))
    finally:
        server.kill()
        server.wait()
        log.close()
    assert isinstance(answer.text, str)
    assert answer.usage.requests == 1
    assert 1 <= answer.usage.completion_tokens <= 8
    assert not answer.complete or answer.usage.completion_tokens < 8
