"""Writes the tables of settings in docs/settings.md and README.md from orchestrator/config.py.

python scripts/settings_pages.py            # write them
python scripts/settings_pages.py --check    # exit code 1 when one is out of date
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from orchestrator.config import Setting, described_settings

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- settings: written by scripts/settings_pages.py -->\n", "<!-- end of settings -->\n"
RARE = {"memory_mb", "start_timeout", "tactic_timeout", "heartbeats", "timeout_copilot", "timeout_hammer", "hedged"}
RARE |= {"light_threshold", "cpu_alpha", "exploration", "ema_alpha", "limits", "state_dir", "dashboard_host"}
RARE |= {"llm_retries", "llm_max_tokens", "llm_price_in", "llm_price_out"}
"""What the README leaves out."""


def escaped(text: str) -> str:
    """A text in a cell of a table."""
    return text.replace("|", "\\|")


def readme() -> str:
    """The settings that most people may want."""
    shown = [setting for name, setting in described_settings().items() if name not in RARE]
    rows = (
        f"| `{setting.variable}` | {escaped(setting.default)} | {escaped(setting.meaning)} |\n" for setting in shown
    )
    return "| variable | default | meaning |\n|---|---|---|\n" + "".join(rows)


def manual() -> str:
    """All settings, section by section."""
    return "\n".join(
        f"### {title}\n\n| name | default | allowed | meaning |\n|---|---|---|---|\n{rows(settings)}"
        for title, settings in groupby(described_settings().values(), lambda setting: setting.section)
    )


def rows(settings: Iterable[Setting]) -> str:
    """A line for each setting."""
    return "".join(
        f"| `{s.name}` | {escaped(s.default)} | {escaped(s.allowed)} | {escaped(s.meaning)} |\n" for s in settings
    )


def main() -> int:
    """Write the tables, or check them."""
    stale = []
    for page, table in ((ROOT / "README.md", readme()), (ROOT / "docs" / "settings.md", manual())):
        text = page.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        new = f"{before}{BEGIN}\n{table}\n{END}{after}"
        if new != text:
            stale.append(page.name)
            if "--check" not in sys.argv:
                page.write_text(new, encoding="utf-8")
    if "--check" in sys.argv and stale:
        sys.stderr.write(f"Out of date: {', '.join(stale)}. Run python scripts/settings_pages.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
