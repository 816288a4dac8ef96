"""Writes the tables of settings in docs/settings.md from orchestrator/config.py.

python scripts/settings_pages.py            # write them
python scripts/settings_pages.py --check    # exit code 1 when they are out of date
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from orchestrator.config import Setting, described_settings

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- settings: written by scripts/settings_pages.py -->\n", "<!-- end of settings -->\n"


def escaped(text: str) -> str:
    """A text in a cell of a table."""
    return text.replace("|", "\\|")


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
    page = ROOT / "docs" / "settings.md"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    new = f"{before}{BEGIN}\n{manual()}\n{END}{rest.partition(END)[2]}"
    if new != text and "--check" in sys.argv:
        sys.stderr.write(f"Out of date: {page.name}. Run python scripts/settings_pages.py\n")
        return 1
    page.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
