"""How a function becomes a stage: a Prefect task that keeps nothing and leaves its arguments alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


Value = TypeVar("Value")


def whole(value: Value) -> Value:
    """`value` as an argument that Prefect passes on without looking for futures inside."""
    return cast(Value, quote(value))


def stage(name: str) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer]]:
    """A decorator that runs the function as a Prefect task called `name`.

    Arguments are passed on whole: in search of futures Prefect would walk through each of them twice, which takes
    0.1 s for every thousand declarations of a project.
    """

    def decorate(function: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
        made = cast(
            Callable[..., Answer],
            task(cast(Any, function), name=name, task_run_name=name, cache_policy=NO_CACHE, persist_result=False),
        )

        @wraps(function)
        def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
            return made(*map(whole, args), **{key: whole(value) for key, value in kwargs.items()})

        return run

    return decorate
