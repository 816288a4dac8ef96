"""The dashboard as a browser and as a program see it, without either."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import socket
from collections.abc import Iterator
from contextlib import aclosing
from html import unescape
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
import schemathesis
from dashboard_samples import EVIL, TICKET, TOKEN, a_goal, a_site, fill  # type: ignore[import-not-found]
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from hypothesis import given as generated
from hypothesis import strategies as st
from scripted_changes import ScriptedChanges

from orchestrator.dashboard.app import Dashboard
from orchestrator.dashboard.goal_views import answers, line_link
from orchestrator.dashboard.live import Hub
from orchestrator.dashboard.pages import name_of
from orchestrator.dashboard.run_views import class_orders
from orchestrator.dashboard.security import HEADERS, WriteAccess, host_name
from orchestrator.dashboard.site import Site
from orchestrator.dashboard.views import VIEWS
from orchestrator.errors import ConfigError
from orchestrator.gate.verdict import CheckName
from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.records import GoalRecord, ProofRecord, ProofVerdict
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import TicketStatus
from orchestrator.run.service.listening import listen
from orchestrator.strategies.policy.bandit import ArmStatistics, CostAware, SeedUcb, Statistics

ADDRESSES = {
    "overview": "/",
    "goals": f"/goals?q={quote(EVIL)}",
    "goal": f"/goal?repo={quote(EVIL)}&id={quote('id-' + EVIL)}",
    "strategies": "/strategies",
    "marketplace": "/marketplace",
    "ticket": f"/ticket?id={TICKET.ticket_id}",
    "runs": "/runs",
    "run": "/run?id=two",
    "compare": "/compare?a=one&b=two",
    "blueprint": f"/blueprint?repo={quote(EVIL)}",
    "premises": f"/premises?q={quote(EVIL)}",
}


@pytest.fixture
def site() -> Iterator[Site]:
    with Ledger.open("sqlite://") as ledger:
        fill(ledger)
        yield a_site(ledger)


def client_of(site: Site, token: str = TOKEN) -> TestClient:
    return TestClient(Dashboard(site, token=token).application, base_url="http://localhost:8421")


@pytest.fixture
def client(site: Site) -> TestClient:
    return client_of(site)


class Page(HTMLParser):
    """What a page holds that could run or load something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "script":
            self.scripts.append(values.get("src") or "inline")
        self.handlers += [name for name in values if name.startswith("on") or name == "style"]
        self.links += [values[name] or "" for name in ("href", "src", "action") if name in values]


def test_there_is_an_address_for_every_page() -> None:
    assert set(ADDRESSES) == set(VIEWS)


def test_a_counterexample_stands_on_the_page_of_its_goal(site: Site) -> None:
    found = {GoalStatus.LOOKS_FALSE: "n = 3", GoalStatus.FOUND: "found, awaiting the gate"}
    for status, words in found.items():
        note = f"false for {words}" if status is GoalStatus.LOOKS_FALSE else ""
        site.ledger.record_goals([GoalRecord(goal=a_goal("g"), repo="r", status=status, note=note)])
        page = re.sub("<[^>]+>", "", client_of(site).get("/goal?repo=r&id=id-g").text)
        assert words in page
        assert ("Counterexample" in page) is (status is GoalStatus.LOOKS_FALSE)


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_lets_nothing_in(client: TestClient, name: str) -> None:
    answer = client.get(ADDRESSES[name])
    assert answer.status_code == 200
    page = Page(answer.text)
    assert all(source.startswith("/static/") for source in page.scripts)
    assert page.handlers == []
    assert all(link.startswith(("/", "#")) for link in page.links)
    assert "alert(&#39;x&#39;)" in answer.text or "alert('x')" not in answer.text
    for header, value in HEADERS.items():
        assert answer.headers[header] == value


@pytest.mark.parametrize("path", ["/goal?id=x", "/run?id=x", "/compare?a=one&b=x", "/ticket?id=x", "/nothing"])
def test_what_is_not_there(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Not found" in answer.text


TABLES = {
    "overview": ("solved",),
    "goals": ("goals",),
    "goal": ("attempts", "proofs"),
    "strategies": ("strategies", "orders"),
    "marketplace": ("tickets", "history"),
    "ticket": ("history",),
    "runs": ("runs",),
    "run": ("strategies", "proofs", "attempts"),
    "compare": ("changes",),
    "blueprint": ("nodes",),
    "premises": ("premises",),
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_every_table_can_be_taken_away(client: TestClient, name: str) -> None:
    page = client.get(ADDRESSES[name]).text
    query = ADDRESSES[name].partition("?")[2]
    links = [unescape(found) for found in re.findall(r'href="([^"]+)">(?:CSV|JSON)<', page)]
    for table in TABLES[name]:
        rows = client.get(f"/{name}.json?{query}&table={table}").json()["rows"]
        lines = list(csv.reader(io.StringIO(client.get(f"/{name}.csv?{query}&table={table}").text)))
        assert sum(f"table={table}" in found for found in links) == 2 or not rows
        assert len(lines) == len(rows) + bool(rows)
        assert not rows or lines[0] == list(rows[0])
    assert client.get(f"/{name}.csv?{query}&table=nothing").status_code == 404


def test_a_table_has_every_row_and_no_formula(site: Site) -> None:
    site.ledger.record_goals(GoalRecord(goal=a_goal(f"=1+{n}", n), repo=EVIL) for n in range(1, 700))
    client = client_of(site)
    rows = client.get("/goals.json?q=1%2B").json()["rows"]
    assert len(rows) == 699
    text = client.get("/goals.csv?q=1%2B").text
    assert "'=1+699" in text
    assert ",=1+" not in text
    assert client.get("/nothing.csv").status_code == 404


def test_a_repository_stays_chosen(client: TestClient) -> None:
    there = "%2Fsomewhere%2Felse"
    for name in ("overview", "goals", "strategies", "runs", "marketplace"):
        address = ADDRESSES[name].partition("?")[0]
        page = client.get(f"{address}?repo={there}").text
        links = re.findall(r'<a [^>]*href="(/[^"]*)"', page)
        assert len(links) > 8
        assert [link for link in links if f"repo={there}" not in unescape(link)] == [
            link for link in links if link.startswith(("/api", "/login"))
        ]
    assert "3</b> goals in total" in client.get("/").text
    assert "0</b> goals in total" in client.get(f"/?repo={there}").text


def test_a_proof_that_was_judged_again_is_shown_once(client: TestClient) -> None:
    page = client.get(f"/goal?repo={quote(EVIL)}&id=id-solved").text
    assert page.count('<article class="proof">') == 2  # one that passed twice, and one that was refused
    assert "judged again in 1 later run" in page


def test_titles_name_what_they_show(client: TestClient) -> None:
    assert "<title>solved · lean-orchestrator</title>" in client.get(f"/goal?repo={quote(EVIL)}&id=id-solved").text
    assert "<title>Run two · lean-orchestrator</title>" in client.get("/run?id=two").text


@pytest.mark.parametrize(
    ("repo", "link"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/r/blob/c0/A/B.lean#L3"),
        ("git@github.com:o/r.git", "https://github.com/o/r/blob/c0/A/B.lean#L3"),
        ("https://gitlab.example.org/o/r", "https://gitlab.example.org/o/r/-/blob/c0/A/B.lean#L3"),
        ("https://example.org/o/r", ""),
        ("/home/emmy/github.com/r", ""),
        ("javascript://github.com/%0aalert(1)", ""),
    ],
)
def test_the_line_on_the_host(repo: str, link: str) -> None:
    assert line_link(repo, "c0", "A/B.lean", 3) == link


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grove.Tree.size", "Grove.<wbr>Tree.<wbr>size"),
        ("Grove/Tree.lean:3", "Grove/<wbr>Tree.lean:3"),
        ("a<b", "a&lt;b"),
        ("..", ".."),
        ("", ""),
    ],
)
def test_names_are_broken_at_dots_and_paths_at_slashes(text: str, shown: str) -> None:
    assert name_of(text) == f"<code>{shown}</code>"


def test_the_order_shown_is_that_of_the_policy() -> None:
    arms = {"quick": ArmStatistics(20, 10, 0.5, 20.0, 10.0), "slow": ArmStatistics(20, 10, 0.5, 800.0, 400.0)}
    table = {("", name): entry for name, entry in arms.items()} | {
        ("in A.B", "slow"): ArmStatistics(9, 9, 0.9, 1.0, 1.0)
    }
    table |= {("in shape =", "slow"): ArmStatistics(9, 0, 0.0, 9.0, 0.0), ("in A.B|=", "slow"): ArmStatistics(1)}
    orders = class_orders(CostAware(), Statistics(table=table))
    assert [(one.name, one.trials) for one in orders] == [("", 40), ("A.B", 9)]
    assert [name for name, _ in orders[0].strategies] == ["quick", "slow"]
    assert orders[0].strategies[0][1].endswith(" s")
    assert class_orders(SeedUcb(), Statistics(table=table))[0].strategies[0][1].startswith("index ")
    assert class_orders(CostAware(), Statistics()) == []


def test_the_gates_four_answers() -> None:
    checks = {
        CheckName.TEXT.value: True,
        CheckName.AXIOMS.value: "bad_axiom",
        CheckName.COMPILES.value: True,
        "odd": True,
    }
    found = answers(ProofRecord(goal_text="g", script="x", verdict=ProofVerdict.FAILED, checks=checks))
    assert [(one.question[0], one.passed) for one in found] == [("1", True), ("3", True), ("4", False)]
    assert found[-1].checks == ((CheckName.AXIOMS.value, "bad_axiom"), ("odd", ""))


def test_numbers(client: TestClient) -> None:
    stats = client.get("/api/stats").json()
    assert (stats["runs"], stats["attempts"], stats["goals"]) == (2, 6, {"open": 1, "rejected": 1, "solved": 1})
    assert client.get("/api/goals", params={"sort": "difficulty"}).json()["goals"][0]["declaration"] == EVIL
    assert client.get("/api/goals", params={"q": "OPEN"}).json()["total"] == 1
    assert client.get("/api/health").json()["status"] == "ok"
    market = client.get("/api/marketplace").json()
    assert (market["counts"]["open"], market["tickets"][0]["ticket_id"]) == (1, TICKET.ticket_id)
    assert [run["id"] for run in client.get("/api/runs").json()] == ["two", "one"]


def test_a_ledger_that_cannot_be_read_is_said_to_be(site: Site) -> None:
    client = client_of(site)
    with site.ledger._database.write() as connection:
        connection.exec_driver_sql("DROP TABLE strategy_history")
        connection.exec_driver_sql("DROP TABLE run_progress")
    assert client.get("/").status_code == 503
    assert "ledger cannot be used" in client.get("/strategies").text


CLAIM = f"/api/marketplace/{TICKET.ticket_id}/claim"


def test_programs_write_with_the_token(client: TestClient) -> None:
    with_token = {"Authorization": f"Bearer {TOKEN}"}
    assert client.post(CLAIM, json={"supplier": "me"}).status_code == 401
    assert client.post(CLAIM, json={"supplier": "me"}, headers={"Authorization": "Bearer guess"}).status_code == 401
    assert client.post(CLAIM, json={"supplier": "me"}, headers=with_token).json()["done"]
    complete = CLAIM.replace("claim", "complete")
    refused = client.post(complete, json={"supplier": "me", "proof": "by sorry"}, headers=with_token)
    assert (refused.status_code, refused.json()["detail"]) == (409, "The proof was refused: it has a sorry of its own.")
    assert client.post(complete, json={"supplier": "me", "proof": "by rfl"}, headers=with_token).json()["done"]
    unknown = "/api/marketplace/none/claim"
    assert client.post(unknown, json={"supplier": "me"}, headers=with_token).status_code == 404


def test_without_a_token_nobody_writes(site: Site) -> None:
    client = client_of(site, token="")
    assert client.post(CLAIM, json={"supplier": "me"}, headers={"Authorization": "Bearer "}).status_code == 403
    assert client.post("/login", data={"token": ""}).status_code == 401
    assert "read-only" in client.get(ADDRESSES["ticket"]).text


def form_token(client: TestClient) -> str:
    found = re.search('name="form_token" value="([0-9a-f]+)"', client.get(ADDRESSES["ticket"]).text)
    assert found is not None
    return found[1]


def test_forms_need_a_session_and_its_token(client: TestClient, site: Site) -> None:
    form = {"id": TICKET.ticket_id, "supplier": "me"}
    assert client.post("/ticket/claim", data=form).status_code == 401
    answer = client.post("/login", data={"token": TOKEN, "next": "//evil.example"}, follow_redirects=False)
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert client.post("/ticket/claim", data=form).status_code == 403
    elsewhere = {"Origin": "http://evil.example"}
    whole = form | {"form_token": form_token(client)}
    assert client.post("/ticket/claim", data=whole, headers=elsewhere).status_code == 403
    assert client.post("/ticket/claim", data=whole, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert site.ledger.ticket_counts().by_status[TicketStatus.OPEN] == 1
    assert "Claimed for me, for 15 minutes." in client.post("/ticket/claim", data=whole).text
    client.post("/logout")
    assert client.post("/ticket/release", data=whole).status_code == 401


def test_a_ticket_is_somebodys_or_free(client: TestClient, site: Site) -> None:
    client.post("/login", data={"token": TOKEN})
    form = {"id": TICKET.ticket_id, "form_token": form_token(client)}
    client.post("/ticket/claim", data=form | {"supplier": "me"})
    for action in ("claim", "complete"):
        answer = client.post(f"/ticket/{action}", data=form | {"supplier": "another", "proof": "by rfl"})
        assert (answer.status_code, "This ticket is claimed by me until " in answer.text) == (409, True)
    assert "another has not claimed" in client.post("/ticket/release", data=form | {"supplier": "another"}).text
    assert "Enter your name" in client.post("/ticket/claim", data=form | {"supplier": " "}).text
    refused = client.post("/ticket/complete", data=form | {"supplier": "me", "proof": "by\n  sorry -- mine"})
    held = site.ledger.ticket(TICKET.ticket_id)
    assert held is not None
    assert (held.status, held.supplier) == (TicketStatus.CLAIMED, "me")  # a typo costs nothing
    assert "refused" in refused.text
    assert "sorry -- mine</textarea>" in refused.text
    done = client.post("/ticket/complete", data=form | {"supplier": "me", "proof": "by rfl"})
    assert "Verified and completed." in done.text
    kept = site.ledger.ticket(TICKET.ticket_id)
    assert kept is not None
    assert (kept.status, kept.supplier, kept.script) == (TicketStatus.COMPLETED, "me", "rfl")
    assert "This ticket is completed by me." in client.post("/ticket/claim", data=form | {"supplier": "me"}).text


def test_a_goal_names_its_tickets(client: TestClient) -> None:
    page = client.get("/goal", params={"repo": EVIL, "id": "id-open"}).text
    assert f"/ticket?id={TICKET.ticket_id}" in page


def test_a_form_that_is_too_large_is_refused(client: TestClient) -> None:
    assert client.post("/login", content=b"x" * 1_000_001).status_code == 413


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8421", "", "127.0.0.1.evil.example"])
def test_foreign_names_are_turned_away(client: TestClient, host: str) -> None:
    assert client.get("/api/stats", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    ("header", "name"), [("LOCALHOST:1", "localhost"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("a", "a")]
)
def test_host_names(header: str, name: str) -> None:
    assert host_name(header) == name


@generated(st.text(max_size=80))
def test_no_made_up_cookie_is_a_session(cookie: str) -> None:
    assert WriteAccess(TOKEN).session(cookie) is None


def test_sessions_end() -> None:
    now = [1000.0]
    access = WriteAccess(TOKEN, clock=lambda: now[0])
    cookie = access.new_cookie()
    session = access.session(cookie)
    assert access.may_submit(session, session.form_token if session else "")
    assert WriteAccess("another token of mine", clock=lambda: now[0]).session(cookie) is None
    body, _, signature = cookie.rpartition(".")
    later = f"{body.rpartition('.')[0]}.99999999999.{signature}"
    assert access.session(later) is None
    now[0] += 13 * 3600
    assert access.session(cookie) is None


async def test_a_change_is_pushed_once_to_each_that_looks() -> None:
    changes, version, made = ScriptedChanges(), ["first"], []

    def render(topic: object) -> str | None:
        made.append(topic)
        return version[0]

    hub = Hub(lambda: changes, render)
    running = asyncio.create_task(hub.run())
    async with aclosing(hub.follow(("overview", ()))) as one, aclosing(hub.follow(("overview", ()))) as other:
        assert await anext(one) == "first"
        assert await anext(other) == "first"
        assert hub.clients == 2
        made.clear()
        version[0] = "second"
        changes.tell()
        assert [await anext(one), await anext(other)] == ["second", "second"]
        assert len(made) == 1
        hub.close()
        with pytest.raises(StopAsyncIteration):
            await anext(one)
    await running
    assert hub.clients == 0


async def test_what_is_not_there_is_not_followed() -> None:
    hub = Hub(ScriptedChanges, lambda topic: None)
    assert [html async for html in hub.follow(("goal", (("id", "x"),)))] == []


def test_a_connection_sends_at_once() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_where_nobody_can_listen_is_said() -> None:
    with listen("127.0.0.1", 0) as listener, pytest.raises(ConfigError, match="cannot listen there"):
        listen("127.0.0.1", listener.getsockname()[1])


def test_no_request_breaks_it(site: Site) -> None:
    dashboard = Dashboard(site, token=TOKEN, hosts=frozenset({"*"}))
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", dashboard.application)
    # Streams never end by themselves.
    schema = schema.exclude(path_regex="^/(live|api/events)")

    for operation in schema.get_all_operations():
        run_one(operation.ok())


def run_one(operation: schemathesis.APIOperation) -> None:  # type: ignore[type-arg]
    @generated(case=operation.as_strategy())
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def check(case: schemathesis.Case) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {TOKEN}"}
        answer = case.call()
        assert answer.status_code < 500, f"{case.method} {case.path} {case.query}: {answer.status_code}"

    check()
