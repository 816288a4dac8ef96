"""Test doubles of the models: they answer from a script, without loading or asking anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from orchestrator.errors import ModelError
from orchestrator.strategies.reprover.generators import Suggestion
from orchestrator.strategies.sketch.chat import Completion, Turn


class ScriptedChat:
    """A language model that gives its answers in order and remembers what it was asked.

    Args:
        answers: texts, completions, errors to raise, or lists of texts for one request.
        completes: whether it goes on with a text.

    Attributes:
        asked: the turns, or the text, of every request.
    """

    name = "scripted"

    def __init__(
        self, answers: Iterable[str | Completion | ModelError | list[str]], *, samples: int = 1, completes: bool = False
    ) -> None:
        self._answers = iter(answers)
        self.samples, self.completes = samples, completes
        self.asked: list[tuple[Turn, ...] | str] = []
        self.counts: list[int] = []

    async def answers(self, asked: Sequence[Turn] | str, *, count: int = 1, timeout: float) -> tuple[Completion, ...]:
        """See `OpenAIChat.answers`.

        Raises:
            ModelError: the script says so, or is at its end.
        """
        self.asked.append(asked if isinstance(asked, str) else tuple(asked))
        self.counts.append(count)
        answer = next(self._answers, None)
        if answer is None:
            raise ModelError("The script of the chat model is at its end")
        if isinstance(answer, ModelError):
            raise answer
        if isinstance(answer, list):
            return tuple(map(Completion, answer))
        return (Completion(answer) if isinstance(answer, str) else answer,)


class ScriptedModel:
    """A tactic generator that answers from a table by what a state contains.

    Args:
        table: tactics, the likeliest first, for states that contain the key; the first key that fits counts.
    """

    def __init__(self, table: Mapping[str, Sequence[str]], *, on_call: Callable[[], None] = lambda: None) -> None:
        self._table = table
        self._on_call = on_call
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def suggest_for(self, state: str, premises: Sequence[str], count: int) -> list[Suggestion]:
        """See `Generator.suggest_for` of the real one."""
        self.asked.append((state, tuple(premises)))
        self._on_call()
        tactics = next((tactics for key, tactics in self._table.items() if key in state), ())
        return [Suggestion(tactic, -0.5 * (place + 1)) for place, tactic in enumerate(tactics[:count])]
