"""The HTML pages, their live parts, and the forms that change something."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from orchestrator.dashboard import goal_views, lemma_views, run_views
from orchestrator.dashboard.live import Hub, Topic
from orchestrator.dashboard.security import COOKIE, SESSION_SECONDS, LoginSession, WriteAccess, same_origin
from orchestrator.dashboard.site import Site
from orchestrator.dashboard.tables import TABLES, as_table
from orchestrator.dashboard.tickets import Answer
from orchestrator.dashboard.views import MENU, VIEWS, View
from orchestrator.goals.result import GoalStatus
from orchestrator.source.highlight import lean_code
from orchestrator.text import counted, duration

_STATUS_WORDS = {status.value: status.words for status in GoalStatus}
NOTHING: Mapping[str, str] = MappingProxyType({})
STATIC = Path(__file__).parent / "static"
LARGEST_FORM = 1_000_000
MODULES = (run_views, goal_views, lemma_views)
"""Importing them has put their pages into `VIEWS`."""


class Pages:
    """Renders views with the package's templates, in which everything is escaped unless marked as safe."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._environment = Environment(
            loader=PackageLoader("orchestrator.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        filters = {"lean": lean_code, "name": name_of, "seconds": duration, "words": words}
        filters |= {"short": short, "short_end": short_end}
        self._environment.filters |= filters
        self._environment.globals |= {"counted": counted, "link": _link_here, "menu": [VIEWS[name] for name in MENU]}

    def part(self, topic: Topic) -> str | None:
        """The main part of a page, None when there is no such page. Raises LedgerError: the ledger cannot be read."""
        view, given = VIEWS[topic[0]], dict(topic[1])
        values = view.build(self._site, given)
        return None if values is None else self.render_part(view, given, values)

    def render_part(self, view: View, given: Mapping[str, str], values: Mapping[str, Any]) -> str:
        """The main part of a page, from its values."""
        return self.render(view.template, view=view, given=given, **values)

    def render(self, template: str, *, given: Mapping[str, str] = NOTHING, **values: Any) -> str:
        """A page, or a part of one; its links keep the repository that was asked for."""
        values |= {
            "given": given,
            "repo_shown": given.get("repo", ""),
            "repositories": self._site.ledger.repositories(),
        }
        return self._environment.get_template(template).render(values)


def make_pages(site: Site, pages: Pages, hub: Hub, access: WriteAccess) -> APIRouter:
    """The pages, and what their forms are sent to."""
    router = APIRouter(default_response_class=HTMLResponse, tags=["pages"])

    def session_of(request: Request) -> LoginSession | None:
        return access.session(request.cookies.get(COOKIE, ""))

    def show(
        request: Request,
        view: View,
        given: Mapping[str, str],
        *,
        said: Answer | None = None,
        typed: Mapping[str, str] = NOTHING,
    ) -> HTMLResponse:
        values = view.build(site, given)
        if values is None:
            raise HTTPException(404, "The ledger has no entry for this page.")
        html = pages.render(
            "page.html",
            given=given,
            view=view,
            title=values.get("title", view.title),
            part=pages.render_part(view, given, values),
            live=link(f"/live/{view.name}", **given) if view.live else "",
            session=session_of(request),
            can_write=access.open,
            said=said,
            here=link(view.path, **given),
            typed=typed,
            ticket=values.get("ticket"),
        )
        return HTMLResponse(html, status_code=409 if said is not None and not said.done else 200)

    def add(view: View) -> None:
        def page(request: Request) -> HTMLResponse:
            return show(request, view, _given(request, view))

        router.add_api_route(
            view.path,
            page,
            name=view.name,
            summary=f"{view.title}, as a page",
            openapi_extra={
                "parameters": [
                    {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
                    for name in view.parameters
                ]
            },
            responses={404: {"description": "Not in the ledger"}},
        )

    for view in VIEWS.values():
        add(view)

    def table(form: str) -> None:
        @router.get(f"/{{name}}.{form}", response_class=Response, responses={404: {"description": "No such table"}})
        def rows(name: str, request: Request, table: str = "") -> Response:
            """The rows of a table of a page, all of them; without `table`, of its first."""
            view = VIEWS.get(name)
            values = view.build(site, _given(request, view)) if view is not None else None
            tables = values["tables"] if values is not None else {}
            found = tables.get(table or next(iter(tables), ""))
            if found is None:
                raise HTTPException(404, "The ledger has no such table.")
            return StreamingResponse(as_table(form, found), media_type=TABLES[form])

    for form in TABLES:
        table(form)

    @router.get("/live/{name}", response_class=EventSourceResponse, responses={404: {"description": "No such page"}})
    async def live(name: str, request: Request) -> AsyncIterator[ServerSentEvent]:
        """The main part of a page, now and whenever it changes, as server-sent events called `part`."""
        if name in VIEWS:
            topic = (name, tuple(sorted(_given(request, VIEWS[name]).items())))
            async for html in hub.follow(topic):
                yield ServerSentEvent(raw_data=html, event="part", retry=2000)

    @router.get("/login", include_in_schema=False)
    def login_page(request: Request, next: str = "/marketplace") -> HTMLResponse:
        return HTMLResponse(
            pages.render(
                "login.html", can_write=access.open, session=session_of(request), next=_inside(next), wrong=False
            )
        )

    @router.post("/login", include_in_schema=False)
    async def login(request: Request) -> Response:
        form = await _form(request)
        target = _inside(form.get("next", ""))
        if not access.knows(form.get("token", "")):
            page = pages.render("login.html", can_write=access.open, session=None, next=target, wrong=True)
            return HTMLResponse(page, status_code=401)
        answer = RedirectResponse(target, status_code=303)
        answer.set_cookie(
            COOKIE,
            access.new_cookie(),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @router.post("/logout", include_in_schema=False)
    async def logout(request: Request) -> Response:
        await _form(request)
        answer = RedirectResponse("/", status_code=303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    @router.post("/ticket/{action}", include_in_schema=False)
    async def act(action: str, request: Request) -> Response:
        form = await _form(request)
        session = session_of(request)
        if session is None:
            raise HTTPException(401, "Log in first: changes need the token.")
        if not access.may_submit(session, form.get("form_token", "")):
            raise HTTPException(403, "This form has expired or comes from another page. Reload the page and try again.")
        ticket_id, supplier = form.get("id", ""), form.get("supplier", "").strip()[:100]
        if not supplier:
            said = Answer(False, "Enter your name: a supplier needs one.")
        elif action == "claim":
            said = await site.board.claim(ticket_id, supplier)
        elif action == "release":
            said = await site.board.release(ticket_id, supplier)
        elif action == "complete":
            said = await site.board.complete(ticket_id, form.get("proof", "").replace("\r\n", "\n"), supplier)
        else:
            raise HTTPException(404, "There is no such action.")
        # A refused proof is to be corrected, not typed again.
        typed = {"supplier": supplier, "proof": "" if said.done and action == "complete" else form.get("proof", "")}
        return await asyncio.to_thread(show, request, VIEWS["ticket"], {"id": ticket_id}, said=said, typed=typed)

    return router


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form of ours.
    Raises HTTPException: it comes from a page of another site, is no form, or too large.
    """
    if not same_origin(request.headers):
        raise HTTPException(403, "This form comes from another site.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise HTTPException(413, f"A form may have at most {LARGEST_FORM:,} bytes.")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise HTTPException(400, "This is not a form.") from error
    return {name: values[0] for name, values in fields.items()}


def _given(request: Request, view: View) -> dict[str, str]:
    return {
        name: request.query_params[name].replace("\x00", "").encode("utf-8", "replace").decode()
        for name in view.parameters
        if name in request.query_params
    }


def _inside(target: str) -> str:
    """An address on this server; "/" for anything else."""
    inside = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if inside else "/"


def link(path: str, **values: object) -> str:
    """An address on this server."""
    query = urlencode({key: value for key, value in values.items() if value not in (None, "")})
    return f"{path}?{query}" if query else path


@pass_context
def _link_here(context: Context, path: str, **values: object) -> str:
    """The same from a page, whose repository it keeps."""
    return link(path, **values, **({} if "repo" in values else {"repo": context.get("repo_shown")}))


def name_of(text: str) -> Markup:
    """A name as code that is broken behind its dots, or a path behind its slashes, and nowhere else."""
    pieces = re.split(r"(?<=/)(?=[^/])" if "/" in text else r"(?<=\.)(?=[^.])", text)
    return Markup("<code>{}</code>").format(Markup("<wbr>").join(pieces))


def short(text: str, length: int = 120) -> str:
    """One line of at most `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def short_end(text: str, length: int) -> str:
    """The end of a text, of at most `length` characters."""
    return text if len(text) <= length else "…" + text[1 - length :]


def words(value: str) -> str:
    """A closed word as people write it."""
    return _STATUS_WORDS.get(value) or str(value).replace("_", " ")
