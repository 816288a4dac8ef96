"""The openai client against a scripted OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest
from compatible_server import Answer, serving

from orchestrator.config import Endpoint
from orchestrator.errors import ModelError
from orchestrator.strategies.sketch.chat import Completion, OpenAIChat, Role, Turn, Usage, unavailable
from tests.doubles.scripted_models import ScriptedChat

pytest.importorskip("openai")

KEY = "sk-very-secret-key"
TURNS = (Turn(Role.SYSTEM, "be brief"), Turn(Role.USER, "prove it"))


def ask(url: str, *, timeout: float = 30.0, **options: float) -> Completion:
    endpoint = Endpoint(url=url, model="m", key=KEY, **options)  # type: ignore[arg-type]
    return asyncio.run(OpenAIChat(endpoint).answers(TURNS, timeout=timeout))[0]


def refused(url: str, **options: float) -> str:
    with pytest.raises(ModelError) as caught:
        ask(url, **options)
    assert KEY not in str(caught.value)
    return str(caught.value)


def test_an_answer_with_its_tokens_and_what_they_cost() -> None:
    with serving([Answer("simp")]) as server:
        found = ask(server.url, price_in=3.0, price_out=15.0)
    assert found == Completion("simp", Usage(100, 20, pytest.approx(0.0006), 1))
    assert server.keys == [f"Bearer {KEY}"]
    assert server.requests[0]["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "prove it"},
    ]


def test_an_answer_that_was_cut_off_says_so() -> None:
    with serving([Answer("si", finish="length")]) as server:
        assert not ask(server.url).complete


def test_a_busy_server_is_asked_again() -> None:
    with serving([Answer("slow down", status=429), Answer("simp")]) as server:
        assert ask(server.url).text == "simp"
        assert len(server.requests) == 2


def test_a_server_that_stays_busy_is_an_error_that_names_the_setting() -> None:
    with serving([Answer("slow down", status=429)]) as server:
        assert "ORCH_LLM_RETRIES" in refused(server.url, retries=1)
        assert len(server.requests) == 2


def test_a_slow_server_is_an_error_that_names_the_setting() -> None:
    with serving([Answer("simp", delay=60.0)]) as server:
        assert "ORCH_TIMEOUT_SKETCH" in refused(server.url, timeout=0.3, retries=0)


@pytest.mark.parametrize("raw", ["{not json", "[]", "{}", '{"choices": []}', '{"choices": [{"message": null}]}', ""])
def test_nonsense_is_an_error(raw: str) -> None:
    with serving([Answer(raw=raw)]) as server:
        assert refused(server.url, retries=0).startswith("The chat model's answer")


@pytest.mark.parametrize(
    ("status", "words"), [(401, "ORCH_LLM_KEY"), (404, "ORCH_LLM_MODEL"), (500, "answered 500"), (400, "answered 400")]
)
def test_a_refusal_never_repeats_the_key(status: int, words: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), serving([Answer(f"bad key {KEY}", status=status)]) as server:
        assert words in refused(server.url, retries=0)
    assert KEY not in caplog.text


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "ORCH_LLM_URL" in refused(f"http://127.0.0.1:{port}/v1", retries=0)


def test_the_key_is_not_printed() -> None:
    assert KEY not in repr(Endpoint(url="http://x", model="m", key=KEY))


def test_without_an_endpoint_it_says_what_to_set() -> None:
    assert "ORCH_LLM_URL" in unavailable(None)
    assert unavailable(Endpoint(url="http://x", model="m")) == ""


def test_usage_adds_up() -> None:
    assert Usage(1, 2, 0.5, 1) + Usage(10, 20, 0.25, 1) == Usage(11, 22, 0.75, 2)


def test_the_scripted_session_answers_in_order() -> None:
    chat = ScriptedChat(["a", ModelError("no"), Completion("b")])
    assert asyncio.run(chat.answers(TURNS, timeout=1))[0].text == "a"
    with pytest.raises(ModelError, match="no"):
        asyncio.run(chat.answers(TURNS, timeout=1))
    assert asyncio.run(chat.answers(TURNS, timeout=1))[0].text == "b"
    with pytest.raises(ModelError, match="at its end"):
        asyncio.run(chat.answers(TURNS, timeout=1))
