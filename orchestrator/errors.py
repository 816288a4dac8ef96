"""Every exception we raise. Each says what happened, where, and what to do next.

OrchestratorError
├── ConfigError                 a setting that cannot be used
├── RepositoryError             the repository cannot be read as asked
│   ├── CheckoutError           git refused: no such path, URL or ref
│   ├── NotLeanProject          no lean-toolchain and no lakefile
│   └── ImportCycle             modules that import one another
├── LeanError                   something about Lean itself
│   ├── LeanNotFound            neither native nor embedded Lean can be used
│   ├── InstallError            the embedded Lean could not be set up
│   └── SessionError            a session is broken; the next request gets a new one
│       ├── SessionDied         the process ended (crash, out of memory, killed)
│       ├── SessionTimeout      no reply within the caller's time; the process was killed
│       ├── MalformedReply      the process answered something that is not the protocol
│       └── SessionClosed       used after close()
├── RequestRefused              Lean answered with an error to a whole request (unknown environment, ...)
├── PatchError                  a proof cannot be spliced, or a patch does not apply
├── LedgerError
│   ├── LedgerUnavailable       cannot be opened, locked for too long, read-only, disk full
│   ├── LedgerCorrupt           the database file is damaged
│   └── LedgerSchemaError       written by a newer version of this program
├── BlueprintError              TeX that cannot be understood
├── MarketplaceError            a ticket operation that is not allowed
├── ModelError                  a model or a model server failed
├── PublishError                a branch cannot be pushed, or the source host refused
└── StoppedError                the run was asked to stop (signal, budget)
"""

from __future__ import annotations


class OrchestratorError(Exception):
    """Base of all our errors.

    Args:
        what: what happened, one sentence without a full stop.
        where: file, URL, setting or command it happened at ("" when there is none).
        hint: what the user can do next ("" when there is nothing).
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.what} ({self.where})" if self.where else self.what
        return f"{text}. {self.hint}" if self.hint else text


class ConfigError(OrchestratorError):
    """Raised when a setting, an environment variable or a flag cannot be used."""

    exit_code = 2


class RepositoryError(OrchestratorError):
    """Raised when a repository cannot be read as asked."""

    exit_code = 3


class CheckoutError(RepositoryError):
    """Raised when git cannot give us the tree: no such path, URL or ref."""


class NotLeanProject(RepositoryError):
    """Raised when a folder holds no Lean project."""


class ImportCycle(RepositoryError):
    """Raised when modules import one another in a circle and nothing else is left to do."""


class LeanError(OrchestratorError):
    """Base of everything that concerns Lean itself."""

    exit_code = 4


class LeanNotFound(LeanError):
    """Raised when no Lean can be used for a project."""


class InstallError(LeanError):
    """Raised when the embedded Lean could not be set up."""


class SessionError(LeanError):
    """Base of a broken session: the request is lost, the next one gets a fresh process."""


class SessionDied(SessionError):
    """Raised when the Lean process ended while it owed a reply."""


class SessionTimeout(SessionError):
    """Raised when no reply came within the caller's time; the process has been killed."""


class MalformedReply(SessionError):
    """Raised when the process answered something that is not the protocol."""


class SessionClosed(SessionError):
    """Raised when a closed session is used."""


class RequestRefused(LeanError):
    """Raised when Lean refused a whole request, such as an unknown environment."""


class PatchError(OrchestratorError):
    """Raised when a proof cannot be spliced into its file, or a patch does not apply."""

    exit_code = 5


class LedgerError(OrchestratorError):
    """Base of everything that concerns the ledger."""

    exit_code = 6


class LedgerUnavailable(LedgerError):
    """Raised when the ledger cannot be opened or written: locked, read-only, disk full."""


class LedgerCorrupt(LedgerError):
    """Raised when the ledger's database file is damaged."""


class LedgerSchemaError(LedgerError):
    """Raised when the ledger was written by a newer version of this program."""


class BlueprintError(OrchestratorError):
    """Raised when a blueprint cannot be understood."""

    exit_code = 7


class MarketplaceError(OrchestratorError):
    """Raised when a ticket operation is not allowed."""

    exit_code = 8


class ModelError(OrchestratorError):
    """Raised when a model, its weights or its server failed."""

    exit_code = 9


class PublishError(OrchestratorError):
    """Raised when proofs cannot be published: git or the source host refused."""

    exit_code = 10


class StoppedError(OrchestratorError):
    """Raised when the run was asked to stop before it was done."""

    exit_code = 130
