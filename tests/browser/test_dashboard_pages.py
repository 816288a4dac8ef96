"""Every page in a real browser: complete, without errors, readable by everybody, alive."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_settings import HERE, TICKET, TOKEN, Served  # type: ignore[import-not-found]
from playwright.sync_api import Browser, Page, expect

from orchestrator.goals.result import GoalStatus, Outcome
from orchestrator.ledger.records import AttemptRecord, ProgressRecord, ProofVerdict, Working
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import Ticket, TicketRequester

GROVE = "/home/emmy/grove"
SHOTS = Path(os.path.abspath(os.path.join(HERE, "..", "..", "out", "screenshots")))
PAGES = {
    "overview": "/",
    "goals": "/goals",
    "goals-search": "/goals?q=fib&status=open&sort=difficulty&order=down",
    "goal": "",
    "goal-false": "",
    "goal-refused": "",
    "strategies": "/strategies",
    "runs": "/runs",
    "run": "",
    "compare": "",
    "blueprint": "/blueprint",
    "blueprint-node": "/blueprint#node-thm:traversals",
    "marketplace": "/marketplace",
    "ticket": f"/ticket?id={TICKET.ticket_id}",
    "premises": "/premises?q=sumTo",
    "login": "/login",
    "missing": "/goal?id=nowhere",
}
WIDTHS = {"wide": 1440, "tablet": 768, "phone": 390}


@pytest.fixture(scope="session")
def addresses(served: Served) -> dict[str, str]:
    """The pages' addresses, with those of a solved goal and of the run in place."""
    with Ledger.open(served.file) as ledger:
        run, *_, first = (run for run in ledger.runs(repo=GROVE) if ledger.proofs(run.id, limit=1))
        proof = next(iter(ledger.proofs(run.id)))
        refused = next(one for one in ledger.proofs() if one.verdict is ProofVerdict.FAILED)
        false = ledger.goals(status=GoalStatus.LOOKS_FALSE, limit=1)[0]
    found = {"run": f"/run?id={run.id}", "compare": f"/compare?a={first.id}&b={run.id}"}
    found |= {"goal": f"/goal?repo={proof.repo}&id={proof.goal_id}"}
    found |= {"goal-false": f"/goal?repo={false.repo}&id={false.goal.id}"}
    return PAGES | found | {"goal-refused": f"/goal?repo={refused.repo}&id={refused.goal_id}"}


def violations(page: Page) -> list[str]:
    """What axe finds, WCAG 2.2 A and AA and its own best practices."""
    found: list[dict[str, Any]] = page.evaluate("() => axe.run(document).then(result => result.violations)")
    return [f"{one['id']}: {node['html'][:160]} {node['failureSummary']}" for one in found for node in one["nodes"]]


def look_at(page: Page, address: str) -> None:
    page.goto(address)
    if page.locator("#connection").count():
        expect(page.locator("#connection")).to_have_text("live")
    page.evaluate((HERE / "vendor" / "axe.min.js").read_text(encoding="utf-8"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_accessibility_violation(
    chromium: Browser, served: Served, addresses: dict[str, str], name: str, scheme: Any
) -> None:
    for width, pixels in WIDTHS.items():
        context = chromium.new_context(
            base_url=served.url, color_scheme=scheme, viewport={"width": pixels, "height": 844}, reduced_motion="reduce"
        )
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message, said=said: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        look_at(page, addresses[name])
        assert violations(page) == []
        if name.startswith("blueprint"):
            expect(page.locator(".graph .node")).to_have_count(22)
        wider = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{name} is {wider} pixels wider than the window"
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
        assert [words for words in said if name != "missing" or "404" not in words] == []
        context.close()


@pytest.fixture
def writer(served: Served) -> Iterator[Ledger]:
    """Another process's view of the ledger, as far as SQLite can tell."""
    with Ledger.open(served.file) as ledger:
        yield ledger


def found(writer: Ledger, name: str, *, goal_id: str = "fresh") -> AttemptRecord:
    *_, run = writer.runs()
    return AttemptRecord(
        goal_text=f"⊢ {name}",
        strategy="micro",
        outcome=Outcome.PROVED,
        tactics=(f"exact {name}",),
        goal_id=goal_id,
        repo=run.repo,
        run_id=run.id,
    )


def test_a_proof_appears_within_two_seconds_without_a_reload(page: Page, writer: Ledger) -> None:
    page.goto("/")
    expect(page.locator("#connection")).to_have_text("live")
    page.evaluate("() => { window.untouched = true; }")
    writer.record_attempt(found(writer, "proof_that_is_new"))
    expect(page.locator("#found li").first).to_contain_text("exact proof_that_is_new", timeout=2000)
    assert page.evaluate("() => window.untouched")


def test_several_clients_see_it(chromium: Browser, served: Served, writer: Ledger) -> None:
    contexts = [chromium.new_context(base_url=served.url) for _ in range(3)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.goto("/")
        expect(page.locator("#connection")).to_have_text("live")
    writer.record_attempt(found(writer, "proof_for_all"))
    for page in pages:
        expect(page.locator("#found li").first).to_contain_text("proof_for_all", timeout=2000)
    for context in contexts:
        context.close()


def test_a_run_going_on_shows_what_each_slot_does(page: Page, writer: Ledger) -> None:
    *_, run = writer.runs()
    page.goto(f"/run?id={run.id}")
    expect(page.locator("#connection")).to_have_text("live")
    at_work = Working(goal_id="x", declaration="Grove.at_work", strategy="micro", since=run.started_at, timeout=8)
    other = writer.start_run(repo=run.repo, run_id="running")
    writer.set_progress(
        ProgressRecord(run_id=other.id, stage="prove", detail="45 goals", done=7, total=45, found=3, active=(at_work,))
    )
    try:
        page.goto("/")
        expect(page.locator(".slots")).to_contain_text("Grove.at_work", timeout=2000)
        expect(page.locator(".slots")).to_contain_text(re.compile(r"\d+ s, over its limit of 8.0 s"))
        expect(page.locator(".tile.found")).to_contain_text("0 found, awaiting the gate")
        expect(page.locator(".bar")).to_contain_text("7 of 45, 3 with a proof")
        writer.set_progress(ProgressRecord(run_id=other.id, stage="prove", done=8, total=45, found=4))
        expect(page.locator(".bar")).to_contain_text("8 of 45, 4 with a proof", timeout=2000)
    finally:
        writer.finish_run(other.id)


def test_a_new_row_is_marked_where_it_is_new(page: Page, writer: Ledger) -> None:
    page.goto("/")
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#found li")).to_have_count(8)
    expect(page.locator(".new")).to_have_count(0)
    writer.record_attempt(found(writer, "proof_to_be_marked"))
    expect(page.locator("#found .new")).to_have_count(1, timeout=5000)
    expect(page.locator("#found .new")).to_contain_text("proof_to_be_marked")


def test_facets_narrow_the_goals_and_search_keeps_its_focus(page: Page) -> None:
    page.goto(f"/goals?repo={GROVE}")
    facet = page.locator(".facets a", has_text="looks false")
    count = int(facet.locator(".n").inner_text())
    facet.click()
    expect(page.locator("tbody tr")).to_have_count(count)
    expect(page).to_have_url(re.compile("status=looks_false"))
    expect(page).to_have_url(re.compile("repo="))
    page.locator("#search").focus()
    page.keyboard.type("height_ins")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("Grove.Tree.height_insert")
    expect(page.locator("#search")).to_be_focused()
    expect(page.locator("#search")).to_have_value("height_ins")
    expect(page).to_have_url(re.compile("q=height_ins"))
    expect(page.locator("#connection")).to_have_text("live")
    assert page.request.get(str(page.get_by_role("link", name="JSON").get_attribute("href"))).json()["rows"]


def test_headers_sort_the_goals(page: Page) -> None:
    page.goto("/goals")
    page.get_by_role("link", name="Difficulty").click()
    expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("link", name="Difficulty").click()
    expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "descending")
    shown = [float(text) for text in page.locator("tbody tr td:nth-child(4)").all_inner_texts()]
    assert shown == sorted(shown, reverse=True)


def test_a_repository_is_chosen_on_any_page_and_stays(page: Page) -> None:
    page.goto("/strategies")
    page.get_by_label("Repository").select_option("https://github.com/emmy/monoids.git")
    expect(page).to_have_url(re.compile("/strategies.repo=https"))
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Goals").click()
    expect(page.locator("tbody tr")).to_have_count(6)
    page.locator("tbody a").first.click()
    expect(page.locator("a[href^='https://github.com/emmy/monoids/blob/']")).to_have_count(1)


def test_a_statement_is_seen_on_a_phone_without_moving_the_table(chromium: Browser, served: Served) -> None:
    context = chromium.new_context(base_url=served.url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/goals")
    box = page.locator("tbody .lean").first.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] < 390
    expect(page.locator(".facets ul").first).to_be_hidden()
    context.close()


def test_a_goal_says_why_it_stands_where_it_does(page: Page, addresses: dict[str, str]) -> None:
    page.goto(addresses["goal-false"])
    expect(page.locator(".counterexample pre")).to_contain_text("=")
    expect(page).to_have_title(re.compile(r"^Grove\."))
    page.goto(addresses["goal-refused"])
    refused = page.locator("article.proof").first
    expect(refused.locator(".answers li")).to_have_count(4)
    expect(refused.locator(".answers li.failed")).to_contain_text("Grove.tri_closed")
    expect(page.locator(".source .marked .gr")).to_have_text("sorry")
    expect(page.locator(".attempts h3").first).to_contain_text("attempt")
    assert page.locator(".attempts svg rect").count() > 0


def test_the_graph_fits_zooms_and_tells_of_a_node(page: Page) -> None:
    page.goto("/blueprint")
    expect(page.locator(".graph .node")).to_have_count(22)
    frame, graph = (page.locator(name).bounding_box() for name in (".graph", ".graph svg"))
    assert frame is not None
    assert graph is not None
    assert graph["width"] <= frame["width"] + 1
    assert page.locator(".graph .edge").count() > page.locator(".graph .edge.dashed").count() > 0
    assert page.locator(".graph .p-fully_proved").count() > 5
    page.get_by_role("button", name="Zoom in").click()
    expect(page.locator(".canvas")).to_have_attribute("style", re.compile(r"scale\(1\.[1-9]"))
    page.get_by_role("button", name="Fit").click()
    expect(page.locator(".canvas")).to_have_attribute("style", re.compile(r"scale\(1\)"))
    expect(page.locator(".detail:visible")).to_have_count(0)
    page.locator(".graph a", has_text="thm:traversals").click()
    expect(page.locator(".detail:visible")).to_have_count(1)
    expect(page.locator(".detail:visible")).to_contain_text("Marked \\leanok though that is not true: proof")
    expect(page.locator(".next")).to_be_hidden()


def test_strategies_have_an_order_and_runs_what_changed(page: Page, addresses: dict[str, str]) -> None:
    page.goto("/strategies")
    row = page.locator("[aria-label='Order of strategies'] tbody tr").first
    expect(row).to_contain_text("any part")
    expect(row).to_contain_text(re.compile(r"hammer \d+% in [\d.]+ s"))
    page.goto(addresses["compare"])
    assert page.locator("[aria-label='What changed'] tbody tr").count() > 1
    expect(page.locator("tr.changed")).to_contain_text("timeout")


def test_a_claim_says_until_when(page: Page, writer: Ledger) -> None:
    (ticket,) = (one for one in writer.tickets() if one.ticket_id != TICKET.ticket_id)
    assert writer.claim_ticket(ticket.ticket_id, "Emmy", lease_seconds=900)
    page.goto(f"/ticket?id={ticket.ticket_id}")
    expect(page.locator("main p").first).to_contain_text(re.compile(r"claimed by Emmy until \d\d:\d\d"))
    page.goto("/marketplace")
    expect(page.locator("tbody")).to_contain_text(re.compile(r"claimed until \d\d:\d\d"))
    expect(page.locator(".feed")).to_contain_text("requested")
    writer.release_ticket(ticket.ticket_id, "Emmy")


def test_what_a_person_types_survives_a_push(page: Page, writer: Ledger) -> None:
    page.goto("/goals")
    expect(page.locator("#connection")).to_have_text("live")
    page.locator("#search").fill("half a na")
    goal = writer.goals(limit=1)[0]
    writer.record_attempt(found(writer, "something_else", goal_id=goal.goal.id))
    page.wait_for_timeout(1200)
    expect(page.locator("#search")).to_have_value("half a na")
    expect(page.locator("#search")).to_be_focused()


def test_the_page_reconnects(page: Page, writer: Ledger) -> None:
    page.goto("/")
    expect(page.locator("#connection")).to_have_text("live")
    page.context.set_offline(True)
    page.evaluate("() => htmx.find('[sse-connect]')['htmx-internal-data'].sseEventSource.close()")
    writer.record_attempt(found(writer, "proof_in_the_dark"))
    page.context.set_offline(False)
    page.reload()
    expect(page.locator("#found li").first).to_contain_text("proof_in_the_dark")


def test_a_ticket_is_only_supplied_with_the_token(page: Page) -> None:
    page.goto(f"/ticket?id={TICKET.ticket_id}")
    expect(page.get_by_role("button", name="Claim")).to_have_count(0)
    page.get_by_role("link", name="Log in with the token").click()
    page.get_by_label("Token").fill("a guess that is wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the token.")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile("/ticket"))
    page.get_by_label("Your name").fill("Emmy")
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_role("alert")).to_contain_text("Claimed for Emmy")
    page.get_by_label("Proof").fill("by sorry")
    page.get_by_role("button", name="Hand in the proof").click()
    expect(page.get_by_role("alert")).to_contain_text("refused: it has a sorry")
    page.get_by_label("Proof").fill("by\n  simp")
    page.get_by_role("button", name="Hand in the proof").click()
    expect(page.get_by_role("alert")).to_have_text("Verified and completed.")
    page.goto("/marketplace?status=completed")
    expect(page.locator("tbody")).to_contain_text("Grove.add_zero_right")


@pytest.mark.lean
@pytest.mark.timeout(900)
def test_lean_has_the_last_word_on_a_ticket(chromium: Browser, real: Served) -> None:
    goal = "n : Nat\n⊢ n + 0 = n"
    ticket = Ticket(ticket_id="t1", goal=goal, name="add_zero_right", signature="(n : Nat) : n + 0 = n", goal_text=goal)
    with Ledger.open(real.file) as ledger:
        ledger.open_ticket(ticket, TicketRequester(requester="person"))
    context = chromium.new_context(base_url=real.url)
    page = context.new_page()
    page.set_default_timeout(240_000)
    page.goto("/login?next=/ticket?id=t1")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Your name").fill("Emmy")
    for proof, answer in {"simp [no_such_lemma]": "refused", "sorry": "refused", "rfl": "Verified"}.items():
        page.get_by_label("Proof").fill(proof)
        page.get_by_role("button", name="Hand in the proof").click()
        expect(page.get_by_role("alert")).to_contain_text(answer)
        assert page.get_by_label("Proof").input_value() == ("" if answer == "Verified" else proof)
    expect(page.locator("pre.tactics")).to_contain_text("theorem add_zero_right (n : Nat) : n + 0 = n")
    context.close()


def test_keys_lead_everywhere(page: Page) -> None:
    page.goto("/")
    for key, path in {"g": "/goals", "s": "/strategies", "b": "/blueprint", "m": "/marketplace", "o": "/"}.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"**{path}")
    page.goto("/goals")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()


def test_the_theme_can_be_chosen_and_stays(page: Page) -> None:
    page.goto("/strategies")
    before = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Switch between dark and light").click()
    after = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert after != before
    page.reload()
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == after


def test_pages_are_complete_without_scripts(chromium: Browser, served: Served, addresses: dict[str, str]) -> None:
    context = chromium.new_context(base_url=served.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(addresses["goal"])
    expect(page.locator(".goalbox .target")).to_contain_text("⊢")
    expect(page.locator(".source .marked").first).to_be_visible()
    expect(page.locator(".proof").first).to_contain_text("passed")
    context.close()
