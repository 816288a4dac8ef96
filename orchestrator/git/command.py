"""Runs git through GitPython so that no repository can make it do more than asked, and tells its failures in our words.

Hooks, prompts, file-system monitors, submodules and helper transports are off; variables that point git at another
repository (set while a git hook runs) are removed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from orchestrator.errors import CheckoutError

_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.quotePath": "true",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "protocol.ext.allow": "never",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
_FOREIGN_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_QUARANTINE_PATH",
    "GIT_EXTERNAL_DIFF",
)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s'\"]+@")
_SCP_ADDRESS = re.compile(r"(?:[^/@\s:]+@)?[\w.\-]+:(?!//)\S+")

_HINTS = (
    (
        "dubious ownership|safe\\.directory",
        "It belongs to another user. If you trust it: git config --global --add safe.directory <its folder>",
    ),
    ("did not complete in", "The time ran out. Try again, or give a longer timeout"),
    (
        "could not resolve host|unable to access|connection refused|timed out|unreachable",
        "Check the address and the network",
    ),
    (
        "authentication failed|could not read (?:username|password)|permission denied|terminal prompts disabled",
        "Give git access: a credential helper, an ssh key, or a token; nothing is asked for here",
    ),
    ("not found|does not appear to be a git repository|does not exist", "Check the address"),
    ("transport '.*' not allowed", "Use https, http, ssh, git or file"),
    ("no space left", "Free some disk space"),
)


@dataclass(frozen=True, slots=True)
class GitReply:
    """How a git command ended: exit status, standard output, and its complaints."""

    status: int
    output: str
    complaints: str

    @property
    def ok(self) -> bool:
        """Exit status 0."""
        return self.status == 0


def run_git(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    timeout: float = 600.0,
) -> GitReply:
    """Run one git command in `folder`; a failure is a value. `timeout` is in seconds.
    Raises CheckoutError: git is not installed.
    """
    if not os.access(folder, os.X_OK):
        raise CheckoutError("the folder cannot be entered", where=str(folder))
    try:
        import git  # GitPython looks for the git program when imported
    except ImportError as error:
        raise CheckoutError("git cannot be used", hint="Install git and put it on the PATH") from error
    command = ["env"]
    for name in _FOREIGN_VARIABLES:
        command += ("-u", name)
    # Set after the removal, since some names are in both lists.
    command += (f"{name}={value}" for name, value in {**_ENVIRONMENT, **(environment or {})}.items())
    command += ("git", "--no-pager")
    for key, value in {**_SETTINGS, **(settings or {})}.items():
        command += ("-c", f"{key}={value}")
    status, output, complaints = git.Git(folder).execute(
        [*command, *arguments],
        with_extended_output=True,
        with_exceptions=False,
        stdout_as_string=False,
        strip_newline_in_stdout=False,
        kill_after_timeout=timeout,
    )
    if status and complaints.startswith("Timeout: "):
        complaints = f"git did not complete in {timeout:g} seconds"  # GitPython's words repeat the whole command
    return GitReply(status, output.decode("utf-8", "surrogateescape"), complaints)


def is_url(source: str) -> bool:
    """Whether `source` is a remote address and not a folder: `https://…`, `host:path`, `transport::address`."""
    return "://" in source or "::" in source or _SCP_ADDRESS.fullmatch(source) is not None


def without_credentials(source: str) -> str:
    """The address without user, password, query and fragment; an ssh user such as `git@` stays."""
    if "://" not in source:
        return source
    try:
        parts = urlsplit(source)
    except ValueError:
        return _CREDENTIALS.sub("", source)
    host = parts.netloc.rpartition("@")[2]
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    if user and parts.scheme in ("ssh", "git+ssh", "ssh+git"):
        host = f"{user}@{host}"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def redact(text: str, source: str) -> str:
    """The text with the credentials of `source`, and of any other address in it, masked."""
    text = text.replace(source, without_credentials(source))
    secrets: set[str] = set()
    if "://" in source:
        user_and_password, _, rest = source.partition("://")[2].rpartition("@")
        secrets.update(part for part in (user_and_password, *user_and_password.split(":", 1)) if part)
        secrets.update(rest.partition("?")[2].partition("#")[0].replace("&", "=").split("="))
        if source.startswith("ssh"):
            secrets.discard(user_and_password.partition(":")[0])
    for secret in sorted({variant for one in secrets for variant in (one, unquote(one))}, key=len, reverse=True):
        if len(secret) > 3:
            text = text.replace(secret, "***")
    return _CREDENTIALS.sub("***@", text)


def must_succeed(reply: GitReply, *, doing: str, source: str) -> GitReply:
    """The reply of a command that ended well. Raises CheckoutError: it did not."""
    if not reply.ok:
        raise explain(reply, doing=doing, source=source)
    return reply


def explain(reply: GitReply, *, doing: str, source: str) -> CheckoutError:
    """Our exception for a git command that failed: what was being done, git's own words, what to do next."""
    words = redact(reply.complaints, source)
    lines = [re.sub(r"^(?:fatal|error|remote): ", "", line.strip()) for line in words.splitlines() if line.strip()]
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, words, re.IGNORECASE)), "")
    # Where we have a hint, git's own advice behind its first line only repeats it.
    said = "; ".join(lines[: 1 if hint else 3]) or f"git ended with status {reply.status}"
    return CheckoutError(f"{doing}: {said}", where=without_credentials(source), hint=hint)
