"""`orchestrator market` as far as it needs no Lean: what people see, and the words of every refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli.main import app, run
from orchestrator.errors import MarketplaceError
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import Ticket, TicketRequester, TicketStatus


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A ledger with one ticket, which the commands use."""
    path = tmp_path / "ledger.db"
    monkeypatch.setenv("ORCH_LEDGER_URL", f"sqlite:///{path}")
    with Ledger.open(path) as opened:
        opened.open_ticket(
            Ticket(
                ticket_id="abcdef123456",
                goal="∀ n, f n = n",
                signature="(n : Nat) : f n = n",
                goal_hash="1" * 64,
                digest="2" * 64,
                name="A.f_helper",
                priority=0.7,
            ),
            TicketRequester(requester="stuck search", goal_id="g", declaration="A.f_eq"),
        )
        yield opened


def market(*arguments: str) -> int:
    return run(lambda: app(["market", *arguments], result_action="return_value", exit_on_error=False))


def test_tickets_are_listed_and_shown(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    assert market("list") == 0
    listed = capsys.readouterr().out
    assert "abcdef123456" in listed
    assert "1 open; 1 waiting, 0 served" in listed
    assert market("show", "abcdef") == 0
    shown = capsys.readouterr().out
    for part in ("(n : Nat) : f n = n", "A.f_helper", "stuck search A.f_eq", "requested"):
        assert part in shown
    assert market("list", "--status", "completed") == 0
    assert "abcdef123456" not in capsys.readouterr().out


def test_json_holds_everything(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    market("list", "--json")
    listed = json.loads(capsys.readouterr().out)
    assert listed["counts"]["open"] == listed["waiting"] == 1
    assert listed["tickets"][0]["signature"] == "(n : Nat) : f n = n"
    market("show", "abcdef123456", "--json")
    shown = json.loads(capsys.readouterr().out)
    assert shown["requesters"][0]["declaration"] == "A.f_eq"
    assert [event["kind"] for event in shown["history"]] == ["requested"]


def test_a_claim_is_one_persons(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    assert market("claim", "abcdef", "--as", "Ada", "--lease", "5") == 0
    assert market("claim", "abcdef", "--as", "Bob") == MarketplaceError.exit_code
    assert "claimed by Ada" in capsys.readouterr().err
    assert market("release", "abcdef", "--as", "Bob") == MarketplaceError.exit_code
    assert market("release", "abcdef", "--as", "Ada", "--reason", "too hard") == 0
    (ticket,) = ledger.tickets()
    assert ticket.status is TicketStatus.OPEN
    assert ledger.ticket_history(ticket.ticket_id)[-1].detail == "too hard"


def test_cancel_and_reject(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    assert market("cancel", "abcdef", "--reason", "done by hand", "--as", "Ada") == 0
    assert market("cancel", "abcdef") == MarketplaceError.exit_code
    assert "is cancelled" in capsys.readouterr().err
    (ticket,) = ledger.tickets()
    assert (ticket.status, ticket.reason) == (TicketStatus.CANCELLED, "done by hand")


def test_bad_input_is_named(ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert market("show", "nope") == MarketplaceError.exit_code
    assert "there is no ticket nope" in capsys.readouterr().err
    assert market("complete", "abcdef", str(tmp_path / "missing.lean")) == MarketplaceError.exit_code
    assert "cannot be read" in capsys.readouterr().err


def test_a_lone_hyphen_is_standard_input() -> None:
    _, bound, _ = app.parse_args(["market", "complete", "abc", "-", "--as", "emmy"], exit_on_error=False)
    assert bound.arguments == {"ticket": "abc", "proof": "-", "who": "emmy"}
    _, bound, _ = app.parse_args(["ledger", "import", "-", "--json"], exit_on_error=False)
    assert bound.arguments == {"file": Path("-"), "json_": True}
