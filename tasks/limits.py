"""The limits of light and heavy attempts on the Prefect server, where it is one that can hold them."""

from __future__ import annotations

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.settings import get_current_settings

from orchestrator.config import SchedulerSettings, Switch
from orchestrator.goals.events import Notice, notify
from orchestrator.scheduler.slots import Weight
from orchestrator.text import counted


async def ensure_limits(settings: SchedulerSettings, *, flow: str) -> bool:
    """Make the tags `light` and `heavy` limited on the Prefect server as `settings` say; true when they are.

    By itself only on a server that is known to use PostgreSQL, where the limits hold across machines: on SQLite each
    slot costs seconds, and a killed run's slots never come back. Elsewhere the same numbers hold in this process
    alone. Slots that runs of `flow` have left behind are freed, unless another run of it is going on.
    """
    if settings.limits is Switch.OFF:
        return False
    async with get_client() as client:
        if not await make_limits(client, settings):
            return False
        freed = await free_stale_slots(client, flow)
    if freed:
        notify(Notice(f"{counted(freed, 'slot')} of runs that died freed again on the Prefect server"))
    return True


async def make_limits(client: PrefectClient, settings: SchedulerSettings) -> dict[str, int]:
    """The limits by tag, made on the server; none where `settings` or its database do without."""
    if settings.limits is Switch.OFF or (settings.limits is Switch.AUTO and not await has_postgres(client)):
        return {}
    numbers = {Weight.LIGHT.value: settings.max_light, Weight.HEAVY.value: settings.max_heavy}
    for tag, number in numbers.items():
        await client.create_concurrency_limit(tag=tag, concurrency_limit=number)
    return numbers


async def has_postgres(client: PrefectClient) -> bool:
    """Whether the server keeps its data in PostgreSQL, as far as that can be known from here.

    A server tells its database's driver when that is set by itself, and never its connection URL, which may hold a
    password; where this process has the server's own settings, their URL tells. Elsewhere the setting `limits` has to.
    """
    response = await client.request("GET", "/admin/settings")
    told = response.json().get("server", {}).get("database", {}).get("driver")
    ours = get_current_settings().server.database.connection_url
    words = (str(told), "" if ours is None else ours.get_secret_value())
    return any(word.startswith("postgresql") for word in words)


async def free_stale_slots(client: PrefectClient, flow: str) -> int:
    """Give back the slots of both tags if no other run of `flow` holds any; how many there were."""
    running = await client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.CANCELLING]))
        ),
        limit=2,
    )
    if len(running) > 1:  # one is the run that asks
        return 0
    freed = 0
    for weight in Weight:
        name = f"tag:{weight.value}"
        taken = (await client.read_global_concurrency_limit_by_name(name)).active_slots
        if taken:
            await client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))
            freed += taken
    return freed
