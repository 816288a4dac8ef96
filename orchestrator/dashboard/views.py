"""The pages by name: what each takes in its address, and the values its template shows. The pages are beside this file.

Every page takes `repo`, the repository that it is about ("" for all).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from orchestrator.dashboard.site import Site
from orchestrator.ledger.records import AttemptRecord, RunRecord
from orchestrator.ledger.store import Ledger

Parameters = Mapping[str, str]
Values = dict[str, Any]


@dataclass(frozen=True)
class View:
    """A page: its address, what it takes in the query, and how its values come about (None: there is no such thing).

    Two of the values mean something here: `title`, where the page has one of its own, and `tables`, the rows behind
    each of its tables by name, as records or dataclasses.

    Attributes:
        name: what it is called in addresses of live parts and of tables; its template has this name, too.
        live: its main part is pushed when the ledger changes.
    """

    name: str
    path: str
    title: str
    build: Callable[[Site, Parameters], Values | None]
    parameters: tuple[str, ...]
    live: bool

    @property
    def template(self) -> str:
        """The template of its main part."""
        return f"{self.name}.html"


VIEWS: dict[str, View] = {}
MENU = ("overview", "goals", "strategies", "runs", "blueprint", "marketplace", "premises")
Build = TypeVar("Build", bound=Callable[[Site, Parameters], Values | None])


def page(path: str, title: str, *parameters: str, live: bool = True) -> Callable[[Build], Build]:
    """Make a page of the function that builds its values."""

    def add(build: Build) -> Build:
        VIEWS[build.__name__] = View(build.__name__, path, title, build, ("repo", *parameters), live)
        return build

    return add


def names_of(ledger: Ledger, attempts: Iterable[AttemptRecord]) -> Mapping[tuple[str, str], str]:
    """The declarations that these attempts were made on."""
    return ledger.declarations((attempt.repo, attempt.goal_id) for attempt in attempts)


def prefect_link(run: RunRecord | None) -> str:
    """Where Prefect shows a run, "" when nobody keeps it there. Only web addresses count."""
    link = str(run.configuration.get("prefect_url", "")) if run is not None else ""
    return link if link.startswith(("http://", "https://")) else ""


def member(kind: Any, text: str | None) -> Any:
    """The member of an enumeration that has this value, None for none."""
    return kind(text) if text and text in [each.value for each in kind] else None
