"""`orchestrator ledger export` and `import`, from one ledger to another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.cli.main import app, run
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import Ticket, TicketRequester


def ledger(*arguments: str) -> int:
    return run(lambda: app(["ledger", *arguments], result_action="return_value", exit_on_error=False))


def test_an_import_counts_what_it_adds_and_adds_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (f"sqlite:///{tmp_path}/{name}.db" for name in ("first", "second"))
    with Ledger.open(tmp_path / "first.db") as opened:
        for number in range(2):
            ticket = Ticket(
                ticket_id=f"abcdef12345{number}", goal="1 = 1", goal_hash=f"{number}" * 64, digest="2" * 64, name="a"
            )
            opened.open_ticket(ticket, TicketRequester(requester="somebody", goal_id="g"))
    copy = tmp_path / "copy.jsonl"
    monkeypatch.setenv("ORCH_LEDGER_URL", first)
    assert ledger("export", str(copy)) == 0
    rows = copy.read_text(encoding="utf-8").splitlines()
    capsys.readouterr()

    monkeypatch.setenv("ORCH_LEDGER_URL", second)
    assert ledger("import", str(copy), "--json") == 0
    added = json.loads(capsys.readouterr().out)
    assert added["tickets"] == 2
    with Ledger.open(tmp_path / "second.db") as opened:
        assert len(opened.tickets()) == 2
        assert len(list(opened.export())) == len(rows)
    assert ledger("import", str(copy)) == 0
    assert "Added: nothing new" in capsys.readouterr().err
    assert ledger("import", str(copy), "--json") == 0
    assert sum(json.loads(capsys.readouterr().out).values()) == 0
