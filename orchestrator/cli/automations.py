"""What a Prefect server does by itself about runs that never end and runs that never begin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

HEARTBEAT_SECONDS = 30
"""How often a run shows that it is alive (PREFECT_FLOWS_HEARTBEAT_FREQUENCY)."""
SILENCE = timedelta(minutes=5)
LATE = timedelta(hours=4)


async def make_automations() -> list[str]:
    """Make both automations, or bring them up to date; their names.
    Raises httpx.HTTPError: the server does not take them.
    """
    from prefect.client.orchestration import get_client

    names = []
    async with get_client() as client:
        for automation in (_dead(), _late()):
            known = await client.read_automations_by_name(automation.name)
            if known:
                await client.update_automation(known[0].id, automation)
            else:
                await client.create_automation(automation)
            names.append(str(automation.name))
    return names


def _dead() -> Any:
    """A run whose machine or process is gone would be *Running* for ever, and keep its slots and the next night out."""
    return _automation(
        "lean: a run without a sign of life has crashed",
        after="prefect.flow-run.heartbeat",
        expect=["heartbeat", "Completed", "Failed", "Cancelled", "Crashed"],
        within=SILENCE,
        becomes="Crashed",
        message="No sign of life for five minutes",
    )


def _late() -> Any:
    """A worker that comes back in the daytime would make up for all the nights that it has missed."""
    return _automation(
        "lean: a run that is four hours late is cancelled",
        after="prefect.flow-run.Late",
        expect=["Pending", "Running", "Completed", "Failed", "Cancelled", "Crashed"],
        within=LATE,
        becomes="Cancelled",
        message="It could not begin in time",
    )


def _automation(name: str, *, after: str, expect: list[str], within: timedelta, becomes: str, message: str) -> Any:
    """Puts a run into the state `becomes` when none of the expected events follows within a time."""
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

    trigger = EventTrigger(
        after={after},
        expect={f"prefect.flow-run.{event}" for event in expect},
        match={"prefect.resource.id": ["prefect.flow-run.*"]},
        match_related={"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.lean"},
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=within,
    )
    action = ChangeFlowRunState(name=becomes, state=StateType(becomes.upper()), message=message, force=False)
    return AutomationCore(name=name, tags=["lean"], trigger=trigger, actions=[action])
