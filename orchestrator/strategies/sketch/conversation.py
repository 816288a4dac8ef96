"""What is said to a chat model, where, and what it answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
