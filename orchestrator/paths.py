"""Where our files go: caches that can be made again, data that cannot, and the state of running things."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from platformdirs import PlatformDirs

from orchestrator.config import PathSettings

_APPLICATION = "lean-orchestrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Absolute folders; nothing is created by naming them.

    Attributes:
        cache: can be deleted at any time, costs a download or some minutes to make again.
        data: the ledger; not to be lost.
        state: logs and locks of running processes.
    """

    cache: Path
    data: Path
    state: Path

    @property
    def embedded_lean(self) -> Path:
        """Folder with the embedded Lean's installation, about 360 MB."""
        return self.cache / "embedded-lean"

    @property
    def ledger_file(self) -> Path:
        """The ledger's database, unless a URL is set."""
        return self.data / "ledger.db"

    @property
    def answers(self) -> Path:
        """Folder with answers that depend on content alone."""
        return self.cache / "answers"

    @property
    def premises(self) -> Path:
        """Folder with the constants of libraries, a file for each set of imports."""
        return self.cache / "premises"

    @property
    def checkouts(self) -> Path:
        """Folder with clones of repositories given by URL."""
        return self.cache / "checkouts"

    @property
    def logs(self) -> Path:
        """Folder with log files."""
        return self.state / "log"


def find_paths(settings: PathSettings | None = None) -> Paths:
    """The folders of this user on this system, except where `settings` names another."""
    settings = settings or PathSettings()
    system = PlatformDirs(_APPLICATION, appauthor=False)
    return Paths(
        cache=(settings.cache or system.user_cache_path).absolute(),
        data=(settings.data or system.user_data_path).absolute(),
        state=(settings.state or system.user_state_path).absolute(),
    )
