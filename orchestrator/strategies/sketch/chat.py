"""Chat models behind any OpenAI-compatible endpoint, through the openai client. The key never leaves this file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orchestrator.config import Endpoint, PromptStyle
from orchestrator.errors import ModelError
from orchestrator.machine import missing

_NO_KEY = "none"


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What answers took.

    Attributes:
        cost: in the currency that the prices are given in; 0 without prices.
        requests: answers that were paid for.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    requests: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost + other.cost,
            self.requests + other.requests,
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer. `complete` is false when it was cut off at the limit of tokens."""

    text: str
    usage: Usage = Usage()
    complete: bool = True


def unavailable(endpoint: Endpoint | None) -> str:
    """ "" when a chat model can be asked, else the reason in one line."""
    if endpoint is None or not endpoint.url or not endpoint.model:
        return "no chat model is set up: set ORCH_LLM_URL and ORCH_LLM_MODEL (and ORCH_LLM_KEY)"
    return missing("llm")


class OpenAIChat:
    """A chat model of an endpoint. A client is made for each conversation's answer and closed behind it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @property
    def name(self) -> str:
        """The model's name."""
        return self._endpoint.model

    @property
    def samples(self) -> int:
        """How many answers to a first question are wanted."""
        return self._endpoint.samples

    @property
    def completes(self) -> bool:
        """Whether it goes on with a text, instead of answering in a conversation."""
        return self._endpoint.style is PromptStyle.COMPLETION

    async def answers(self, asked: Sequence[Turn] | str, *, count: int = 1, timeout: float) -> tuple[Completion, ...]:
        """The model's next turn, or how it goes on with a text: `count` answers to one request, or fewer.

        What the request took is the usage of the first. It takes `timeout` seconds at most, repetitions after refusals
        included.

        Raises ModelError: the server cannot be reached, refuses, is too slow, or answers nonsense.
        """
        if reason := unavailable(self._endpoint):
            raise ModelError(f"The language model cannot be asked: {reason}")
        import openai

        place = self._endpoint
        given: dict[str, Any] = {"model": place.model, "temperature": place.temperature, "max_tokens": place.max_tokens}
        given |= {"n": count} if count > 1 else {}
        answer: Any
        try:
            async with (
                asyncio.timeout(timeout),
                openai.AsyncOpenAI(
                    base_url=place.url, api_key=place.key or _NO_KEY, max_retries=place.retries, timeout=timeout
                ) as client,
            ):
                if isinstance(asked, str):
                    answer = await client.completions.create(prompt=asked, **given)
                else:
                    turns: Any = [{"role": turn.role.value, "content": turn.text} for turn in asked]
                    answer = await client.chat.completions.create(messages=turns, **given)
        except (TimeoutError, openai.APITimeoutError) as error:
            hint = "Raise ORCH_TIMEOUT_SKETCH."
            raise ModelError(
                f"The chat model did not answer within {timeout:g} s", where=place.url, hint=hint
            ) from error
        except (openai.OpenAIError, json.JSONDecodeError, ValueError) as error:
            raise self._translated(error) from None
        return self._completions(answer)

    def _completions(self, answer: Any) -> tuple[Completion, ...]:
        # The client does not check what it parses: any JSON object may come.
        try:
            texts = [(choice.text if hasattr(choice, "text") else choice.message.content) for choice in answer.choices]
            ends = [choice.finish_reason != "length" for choice in answer.choices]
            if not texts or not all(isinstance(text, str) for text in texts):
                raise TypeError("no text")
            usage = answer.usage
            read, written = (int(usage.prompt_tokens or 0), int(usage.completion_tokens or 0)) if usage else (0, 0)
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            hint = "Check that ORCH_LLM_URL is the base URL of an OpenAI-compatible server."
            raise ModelError("The chat model's answer holds no message", where=self._endpoint.url, hint=hint) from error
        cost = (read * self._endpoint.price_in + written * self._endpoint.price_out) / 1e6
        spent = [Usage(read, written, cost, 1), *([Usage()] * (len(texts) - 1))]
        return tuple(Completion(*each) for each in zip(texts, spent, ends, strict=True))

    def _translated(self, error: Exception) -> ModelError:
        import openai

        place = self._endpoint
        hint = "Check ORCH_LLM_URL, and that the server runs."
        what = "The chat model cannot be reached"
        if isinstance(error, openai.RateLimitError):
            what, hint = "The chat model's server is too busy, or the quota is used up", "Raise ORCH_LLM_RETRIES."
        elif isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            what, hint = "The chat model's server refuses the key", "Set ORCH_LLM_KEY."
        elif isinstance(error, openai.NotFoundError):
            what, hint = (
                "The chat model's server does not know the model or the path",
                "Check ORCH_LLM_MODEL and ORCH_LLM_URL.",
            )
        elif isinstance(error, openai.APIStatusError):
            what, hint = f"The chat model's server answered {error.status_code}: {self._words(error)}", ""
        elif not isinstance(error, openai.APIConnectionError):
            what = f"The chat model's answer cannot be read: {self._words(error)}"
        return ModelError(what, where=place.url, hint=hint)

    def _words(self, error: Exception) -> str:
        """The error's first line, without the key, which servers like to repeat."""
        line = (str(error).strip() or type(error).__name__).split("\n")[0][:200]
        return line.replace(self._endpoint.key, "***") if self._endpoint.key else line
