"""prefect.yaml, the compose file and the CI files say what exists."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.utilities.callables import parameter_schema
from pydantic import SecretStr, ValidationError

from blocks import BLOCKS, LeanProject, LedgerDatabase, SourceHost
from flows.nightly import nightly
from flows.on_push import on_push
from orchestrator.run.report.ci import FailOn
from orchestrator.run.request import Publish

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]


def test_every_deployment_is_described_and_goes_to_the_one_pool() -> None:
    assert [each["name"] for each in DEPLOYMENTS] == ["nightly", "on-push", "supply", "premises", "bank"]
    assert {each["work_pool"]["name"] for each in DEPLOYMENTS} == {"lean"}
    assert all(each["description"].strip() for each in DEPLOYMENTS)
    nightly = DEPLOYMENTS[0]
    assert nightly["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert nightly["schedules"][0]["timezone"]


def test_entrypoints_name_flows() -> None:
    for each in DEPLOYMENTS:
        path, _, name = each["entrypoint"].partition(":")
        file = ROOT / path
        assert re.search(rf"^(async )?def {name}\(", file.read_text(encoding="utf-8"), re.MULTILINE), path


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: one["name"])
def test_every_deployment_starts_from_a_form_with_its_defaults(deployment: dict[str, Any]) -> None:
    path, _, name = deployment["entrypoint"].partition(":")
    schema = parameter_schema(getattr(import_module(path.removesuffix(".py").replace("/", ".")), name))
    assert schema.required == []
    assert deployment.get("parameters", {}).keys() <= schema.properties.keys()
    assert [name for name, one in schema.properties.items() if not one.get("description")] == []


def test_what_a_form_offers_is_what_is_allowed() -> None:
    asked = parameter_schema(nightly).properties
    assert asked["publish"]["enum"] == ["", *dict.fromkeys(one.value for one in Publish)]
    assert [one.get("enum") for one in asked["profile"]["anyOf"]] == [[0, 1, 2], None]
    assert asked["budget_seconds"]["anyOf"][0]["minimum"] == 0.1
    assert parameter_schema(on_push).properties["fail_on"]["items"]["enum"] == [one.value for one in FailOn]


def test_every_service_has_a_health_check() -> None:
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))["services"]
    assert set(services) == {"database", "server", "worker", "dashboard"}
    assert all(service["healthcheck"]["test"] for service in services.values())


def test_blocks_describe_themselves_and_hide_secrets() -> None:
    for block in BLOCKS:
        assert block.get_description()
        assert all(field.description for name, field in block.model_fields.items() if not name.startswith("_"))
    ledger = LedgerDatabase(url=SecretStr("postgresql+psycopg://u:word@host/db"))
    host = SourceHost(repository="owner/name", token=SecretStr("word"))
    assert "word" not in repr(ledger) + repr(host) + str(ledger.model_dump()) + str(host.model_dump())


@pytest.mark.parametrize(
    "make",
    [
        lambda: LeanProject(repo="--upload-pack=x"),
        lambda: LeanProject(repo="x", publish="everything"),
        lambda: LedgerDatabase(url=SecretStr("mysql://x")),
        lambda: SourceHost(repository="no-owner"),
    ],
)
def test_blocks_refuse_what_cannot_be_meant(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValidationError):
        make()
