"""Every exception of ours. Each says what happened, where, and what to do next; the number is the exit code.

OrchestratorError               1
├── ConfigError                 2    a setting, a variable or a flag that cannot be used
├── RepositoryError             3    the repository cannot be read as asked
│   ├── CheckoutError                git refused: no such path, URL or ref
│   ├── NotLeanProject               neither a lean-toolchain nor a lakefile
│   └── ImportCycle                  modules that import one another
├── LeanError                   4    something about Lean itself
│   ├── LeanNotFound                 neither native nor embedded Lean can be used
│   ├── InstallError                 the embedded Lean could not be set up
│   ├── RequestRefused               Lean refused a whole request, such as an unknown environment
│   └── SessionError                 a session is broken; the request is lost, the next one gets a new process
│       ├── SessionDied              the process ended (crash, out of memory, killed) while it owed a reply
│       ├── SessionTimeout           no reply within the caller's time; the process was killed
│       ├── MalformedReply           the process answered something that is not the protocol
│       ├── SessionClosed            used after close()
│       └── NotJudged                the gate could not look at a file; none of its proofs is passed, none refused
├── PatchError                  5    a proof cannot be spliced into its file, or a patch does not apply
├── LedgerError                 6
│   ├── LedgerUnavailable            cannot be opened or written: locked for too long, read-only, disk full
│   ├── LedgerCorrupt                the database file is damaged
│   └── LedgerSchemaError            written by a newer version of this program
├── BlueprintError              7    a blueprint that cannot be understood
├── MarketplaceError            8    a ticket operation that is not allowed
├── ModelError                  9    a model, its weights or its server failed
├── PublishError                10   git or the source host refused to publish proofs
├── BusyError                        the service has as much to do as it takes on
└── StoppedError                130  the run was asked to stop before it was done
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

    def __init_subclass__(cls, *, exit_code: int = 0) -> None:
        cls.exit_code = exit_code or cls.exit_code

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.what} ({self.where})" if self.where else self.what
        return f"{text}. {self.hint}" if self.hint else text


class ConfigError(OrchestratorError, exit_code=2):
    """A setting, an environment variable or a flag cannot be used."""


class RepositoryError(OrchestratorError, exit_code=3):
    """A repository cannot be read as asked."""


class CheckoutError(RepositoryError):
    """Git cannot give us the tree: no such path, URL or ref."""


class NotLeanProject(RepositoryError):
    """A folder holds no Lean project."""


class ImportCycle(RepositoryError):
    """Modules import one another in a circle and nothing else is left to do."""


class LeanError(OrchestratorError, exit_code=4):
    """Base of everything that concerns Lean itself."""


class LeanNotFound(LeanError):
    """No Lean can be used for a project."""


class InstallError(LeanError):
    """The embedded Lean could not be set up."""


class SessionError(LeanError):
    """Base of a broken session: the request is lost, the next one gets a fresh process."""


class SessionDied(SessionError):
    """The Lean process ended while it owed a reply."""


class SessionTimeout(SessionError):
    """No reply came within the caller's time; the process has been killed."""


class MalformedReply(SessionError):
    """The process answered something that is not the protocol."""


class SessionClosed(SessionError):
    """A closed session is used."""


class NotJudged(SessionError):
    """The gate could not look at a file: of its proofs none is passed, and none is refused."""


class RequestRefused(LeanError):
    """Lean refused a whole request, such as an unknown environment."""


class PatchError(OrchestratorError, exit_code=5):
    """A proof cannot be spliced into its file, or a patch does not apply."""


class LedgerError(OrchestratorError, exit_code=6):
    """Base of everything that concerns the ledger."""


class LedgerUnavailable(LedgerError):
    """The ledger cannot be opened or written: locked, read-only, disk full."""


class LedgerCorrupt(LedgerError):
    """The ledger's database file is damaged."""


class LedgerSchemaError(LedgerError):
    """The ledger was written by a newer version of this program."""


class BlueprintError(OrchestratorError, exit_code=7):
    """A blueprint cannot be understood."""


class MarketplaceError(OrchestratorError, exit_code=8):
    """A ticket operation is not allowed."""


class ModelError(OrchestratorError, exit_code=9):
    """A model, its weights or its server failed."""


class PublishError(OrchestratorError, exit_code=10):
    """Proofs cannot be published: git or the source host refused."""


class BusyError(OrchestratorError):
    """The service has as much to do as it takes on, for one client or for all."""


class StoppedError(OrchestratorError, exit_code=130):
    """The run was asked to stop before it was done."""
