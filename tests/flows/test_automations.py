"""What `orchestrator setup --with-automations` leaves on a server, however often it is called."""

from __future__ import annotations

import pytest
from prefect.client.orchestration import get_client
from prefect.events.schemas.automations import EventTrigger

from orchestrator.cli.automations import make_automations

pytestmark = [pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(300)]


async def test_both_automations_are_there_once() -> None:
    names = await make_automations()
    assert await make_automations() == names
    async with get_client() as client:
        found = [await client.read_automations_by_name(name) for name in names]
    assert [len(each) for each in found] == [1, 1]
    dead, late = (each[0] for each in found)
    assert [action.model_dump()["state"] for action in (*dead.actions, *late.actions)] == ["CRASHED", "CANCELLED"]
    for automation in (dead, late):
        assert isinstance(automation.trigger, EventTrigger)
        assert automation.trigger.for_each == {"prefect.resource.id"}
