"""Takes the picture of the dashboard in docs/: its overview, of the ledger that the browser tests use.

python scripts/dashboard_picture.py         # needs the extra `dev`, and Chromium on the PATH
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.dashboard import serving  # noqa: E402 - this checkout's, not an installed one
from orchestrator.ledger.store import Ledger  # noqa: E402


def main() -> int:
    """Take it."""
    program = shutil.which("chromium")
    if program is None:
        sys.stderr.write("There is no chromium on the PATH: `make chromium` installs it on Debian\n")
        return 1
    with tempfile.TemporaryDirectory() as folder, Ledger.open(Path(folder) / "ledger.db") as ledger:
        with (ROOT / "tests" / "browser" / "examples_ledger.jsonl").open(encoding="utf-8") as lines:
            ledger.restore(lines)
        with serving(ledger) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1280, "height": 880}, color_scheme="light")
            page.goto(url)
            page.locator("#connection[data-state=on]").wait_for()
            page.screenshot(path=ROOT / "docs" / "dashboard.png")
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
