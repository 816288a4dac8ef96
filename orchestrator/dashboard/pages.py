"""The HTML pages, their live parts, and the forms that change something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from jinja2 import Environment, PackageLoader, StrictUndefined

from orchestrator.dashboard.highlight import lean_code
from orchestrator.dashboard.live import Hub, Topic
from orchestrator.dashboard.security import COOKIE, SESSION_SECONDS, LoginSession, WriteAccess, same_origin
from orchestrator.dashboard.site import Site
from orchestrator.dashboard.tickets import Answer
from orchestrator.dashboard.views import MENU, VIEWS, View, prefect_link
from orchestrator.goals.result import GoalStatus
from orchestrator.text import counted, duration

_STATUS_WORDS = {status.value: status.words for status in GoalStatus}
NOTHING: Mapping[str, str] = MappingProxyType({})
STATIC = Path(__file__).parent / "static"
LARGEST_FORM = 1_000_000


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
        self._environment.filters |= {"lean": lean_code, "seconds": duration, "short": short, "words": words}
        self._environment.globals |= {
            "counted": counted,
            "link": link,
            "menu": [VIEWS[name] for name in MENU],
            "prefect_link": prefect_link,
        }

    def part(self, topic: Topic) -> str | None:
        """The main part of a page, None when there is no such page. Raises LedgerError: the ledger cannot be read."""
        view = VIEWS[topic[0]]
        values = view.build(self._site, dict(topic[1]))
        return None if values is None else self.render(view.template, **values)

    def render(self, template: str, **values: Any) -> str:
        """A page, or a part of one."""
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
            view=view,
            part=pages.render(view.template, **values),
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


def short(text: str, length: int = 120) -> str:
    """One line of at most `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def words(value: str) -> str:
    """A closed word as people write it."""
    return _STATUS_WORDS.get(value) or str(value).replace("_", " ")
