"""What is said to a chat model, where, and what it answers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


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
        prompt_tokens: read by the model.
        completion_tokens: written by it.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a chat model answers, and what it costs.

    Attributes:
        url: base URL, such as `http://127.0.0.1:8000/v1`.
        model: the model's name there.
        key: the API key; never printed. "" for servers that ask for none.
        retries: how often a request is repeated when the server is busy or out of order.
        temperature: 0 for the likeliest answer.
        max_tokens: the longest answer.
        price_in, price_out: for a million tokens read and written.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    retries: int = 2
    temperature: float = 0.2
    max_tokens: int = 2_000
    price_in: float = 0.0
    price_out: float = 0.0


class Chat(Protocol):
    """A chat model."""

    @property
    def name(self) -> str:
        """The model's name, for the ledger."""

    async def answer(self, turns: Sequence[Turn], *, timeout: float) -> Completion:
        """The model's next turn, within `timeout` seconds, repetitions after refusals included.

        Raises:
            ModelError: no usable answer came.
        """
