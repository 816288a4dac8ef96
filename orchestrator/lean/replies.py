"""Replies of a Lean server, read from JSON into the values of `protocol`. Pure."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from orchestrator.errors import MalformedReply, RequestRefused
from orchestrator.lean.protocol import REPLIES, Json, Reply, Request

T = TypeVar("T")


def parse_reply(request: Request, value: Json) -> Reply:
    """The typed reply to `request`.

    Raises:
        RequestRefused: Lean refused the whole request, in its own words.
        MalformedReply: the value is not a reply to this request.
    """
    if set(value) == {"message"}:
        raise RequestRefused(f"Lean refused a request: {value['message']}", where=type(request).__name__)
    return parse(REPLIES[type(request)], value)


def parse(kind: type[T], value: object) -> T:
    """A message, or a part of one, as a value of `kind`. Raises MalformedReply: it is something else."""
    try:
        return cast(T, _reader(cast(Any, kind)).validate_python((value,))[0])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"][1:]))
        raise MalformedReply(
            f"Lean answered something that is not a reply ({where}: {first['msg']})", where=str(value)[:200]
        ) from error


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    # A configuration can be given to a tuple, not to a dataclass, and holds for those in it.
    one: Any = tuple.__class_getitem__(kind)
    return TypeAdapter(one, config=ConfigDict(alias_generator=to_camel))
