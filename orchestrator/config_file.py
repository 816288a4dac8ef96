"""The configuration file: settings that hold for all of a user's runs, in TOML. Pure but for reading that one file.

    # ~/.config/lean-orchestrator/config.toml
    profile = 2
    servers = 2
    ledger_url = "postgresql://me@host/lean"

The names are those of the `ORCH_…` variables without the prefix, in small letters. A repository cannot bring one: the
file is the user's, wherever the command is run.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import ConfigError

LABEL = "ORCH_CONFIG"
"""The variable that names another file."""


def config_path(environ: Mapping[str, str]) -> Path | None:
    """Where the file is, if there is one; None when the environment says nothing about a home."""
    named = environ.get(LABEL, "").strip()
    if named:
        return Path(named).expanduser()
    folder = environ.get("XDG_CONFIG_HOME", "").strip()
    home = environ.get("HOME", "") or environ.get("USERPROFILE", "")
    if not folder and not home:
        return None
    return (Path(folder) if folder else Path(home) / ".config") / "lean-orchestrator" / "config.toml"


def read_config(environ: Mapping[str, str]) -> tuple[Mapping[str, str], Path | None]:
    """The settings in the file as texts, and the file; nothing and None when there is none.

    Raises:
        ConfigError: it cannot be read, is no TOML, or one that ORCH_CONFIG names is not there.
    """
    path = config_path(environ)
    if path is None:
        return {}, None
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if environ.get(LABEL, "").strip():
            raise ConfigError("there is no such file", where=f"{LABEL}={path}", hint=f"Unset {LABEL}") from error
        return {}, None
    except NotADirectoryError:
        return {}, None
    except OSError as error:
        raise ConfigError(f"the configuration cannot be read: {error.strerror}", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration is no TOML: {error}", where=str(path), hint="Mend that line") from error
    return {name: _text(path, name, value) for name, value in content.items()}, path


def _text(path: Path, name: str, value: Any) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    hint = 'Write one value a line, such as profile = 2 or lean = "native"'
    raise ConfigError(f"{name} is neither a text nor a number", where=str(path), hint=hint)
