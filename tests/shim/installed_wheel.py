"""Programs of an environment that the wheel is installed in."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from somebody_else import SOMEBODY_ELSE, can_be_somebody_else


@dataclass(frozen=True)
class Installation:
    """An environment with the wheel in it, and somebody's home folder."""

    programs: Path
    home: Path
    environment: dict[str, str]

    def start(self, *words: str, log: Path, **variables: str) -> subprocess.Popen[bytes]:
        """Start a program of the environment in the home folder."""
        with log.open("wb") as out:
            return subprocess.Popen(
                self._command(words), cwd=self.home, env={**self.environment, **variables}, stdout=out, stderr=out
            )

    def run(self, *words: str, **variables: str) -> str:
        """Run a program of the environment in the home folder, which has to succeed; what it printed."""
        done = subprocess.run(
            self._command(words),
            cwd=self.home,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _command(self, words: tuple[str, ...]) -> list[str]:
        prefix = SOMEBODY_ELSE if can_be_somebody_else() else ()
        return [*prefix, str(self.programs / words[0]), *words[1:]]
