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

from orchestrator.goals.result import Outcome
from orchestrator.ledger.records import AttemptRecord, ProgressRecord, Working
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import Ticket, TicketRequester

SHOTS = Path(os.path.abspath(os.path.join(HERE, "..", "..", "out", "screenshots")))
PAGES = {
    "overview": "/",
    "goals": "/goals",
    "goals-search": "/goals?q=fib&status=open&sort=difficulty&order=down",
    "goal": "",
    "strategies": "/strategies",
    "runs": "/runs",
    "run": "",
    "compare": "",
    "blueprint": "/blueprint",
    "marketplace": "/marketplace",
    "ticket": f"/ticket?id={TICKET.ticket_id}",
    "premises": "/premises?q=sumTo",
    "login": "/login",
    "missing": "/goal?id=nowhere",
}
WIDTHS = {"wide": 1280, "phone": 390}


@pytest.fixture(scope="session")
def addresses(served: Served) -> dict[str, str]:
    """The pages' addresses, with those of a solved goal and of the run in place."""
    with Ledger.open(served.file) as ledger:
        run, *_, first = ledger.runs()
        proof = next(iter(ledger.proofs(run.id)))
    goal = f"/goal?repo={proof.repo}&id={proof.goal_id}"
    return PAGES | {"goal": goal, "run": f"/run?id={run.id}", "compare": f"/compare?a={first.id}&b={run.id}"}


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
        expect(page.locator(".bar")).to_contain_text("7 of 45, 3 with a proof")
        writer.set_progress(ProgressRecord(run_id=other.id, stage="prove", done=8, total=45, found=4))
        expect(page.locator(".bar")).to_contain_text("8 of 45, 4 with a proof", timeout=2000)
    finally:
        writer.finish_run(other.id)


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
