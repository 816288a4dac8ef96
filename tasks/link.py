"""Where people find a run in Prefect's own pages."""

from __future__ import annotations

from prefect.runtime import flow_run
from prefect.settings import get_current_settings

from tasks.alone import is_alone


def run_link() -> str:
    """Where the Prefect UI shows the flow run that is going on; "" when its server has none, as a temporary one."""
    if is_alone():
        return ""
    return (flow_run.ui_url or "") if get_current_settings().server.ui.enabled else ""
