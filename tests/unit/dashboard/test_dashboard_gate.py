"""The gate and Lean over HTTP: who may ask, what is answered, and what is said when something is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dashboard_samples import TOKEN, a_site  # type: ignore[import-not-found]
from scripted_service import ScriptedServices
from starlette.testclient import TestClient

from orchestrator.dashboard.app import Dashboard
from orchestrator.ledger.store import Ledger

SENT = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def services() -> ScriptedServices:
    return ScriptedServices()


@pytest.fixture
def client(services: ScriptedServices) -> TestClient:
    with Ledger.open("sqlite://") as ledger:
        site = replace(a_site(ledger), services=services)
        yield TestClient(Dashboard(site, token=TOKEN, hosts=frozenset({"testserver"})).application)


def test_a_verdict_and_tactics_take_the_token(client: TestClient, services: ScriptedServices) -> None:
    for path, body in (("/api/verify", {"goal": "g1", "proof": "rfl"}), ("/api/goals/g1/try", {"scripts": ["rfl"]})):
        assert client.post(path, json=body).status_code == 401
        assert client.post(path, json=body, headers={"Authorization": "Bearer no"}).status_code == 401
    assert services.service.asked == []
    judged = client.post("/api/verify", json={"goal": "g1", "proof": "rfl", "client": "loop"}, headers=SENT)
    assert (judged.status_code, judged.json()["accepted"]) == (200, True)
    tried = client.post("/api/goals/g1/try", json={"scripts": ["rfl", "simp"]}, headers=SENT)
    assert [one["closes"] for one in tried.json()] == [True, False]
    assert [asked[0] for asked in services.service.asked] == ["loop at testclient", "testclient"]


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/api/goals/g1/try", {"scripts": ["busy"]}, 429, "Ask again in a minute"),
        ("/api/goals/nothing/try", {"scripts": ["rfl"]}, 404, "Did you mean foo?"),
        ("/api/goals/g1/try", {"scripts": []}, 422, "scripts"),
        ("/api/goals/g1/try", {"scripts": ["rfl"] * 65}, 422, "scripts"),
        ("/api/verify", {"repo": "unknown", "patch": "x"}, 404, "Give one of known"),
        ("/api/verify", {}, 409, "Give a goal's id"),
        ("/api/verify", {"patch": "x" * 500_001}, 422, "patch"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    client: TestClient, path: str, body: dict[str, object], status: int, words: str
) -> None:
    answer = client.post(path, json=body, headers=SENT)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert ("retry-after" in answer.headers) == (status == 429)


def test_the_description_names_them_with_their_answers(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    for path in ("/api/verify", "/api/goals/{goal_id}/try"):
        assert {"200", "401", "403", "404", "409", "429", "503"} <= set(paths[path]["post"]["responses"])
