"""Frozen settings; the only file that reads the environment.

`load_settings` takes what the command line gives, else the `ORCH_…` variables below, else the user's configuration
file (see `config_file`), else the defaults, and answers one `Settings` value. Whoever needs a setting is handed it;
nobody looks it up.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypedDict, Unpack

from platformdirs import PlatformDirs

from orchestrator.errors import ConfigError
from orchestrator.goals.result import StrategyType


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting: its name, how a text becomes a value, which values are good, and the words for that."""

    name: str
    parse: Callable[[str], Any]
    accept: Callable[[Any], bool]
    allowed: str
    secret: bool = False

    @property
    def label(self) -> str:
        """The environment variable."""
        return "ORCH_" + self.name.upper()

    def parsed(self, text: str, *, where: str = "") -> Any:
        """The value that `text` stands for; `where` it was written, unless in the environment.

        Raises:
            ConfigError: it stands for none, or for one that is not allowed.
        """
        try:
            value = self.parse(text)
        except ValueError as error:
            raise self._refusal(text, where) from error
        if not self.accept(value):
            raise self._refusal(text, where)
        return value

    def checked(self, value: Any) -> Any:
        """The value itself.

        Raises:
            ConfigError: it is not allowed.
        """
        if not self.accept(value):
            raise self._refusal(str(value))
        return value

    def _refusal(self, value: str, where: str = "") -> ConfigError:
        shown = "(hidden)" if self.secret else repr(value)
        name = self.name if where else self.label
        return ConfigError(f"{name} cannot be {shown}", where=where or self.label, hint=f"Allowed: {self.allowed}")


def integer(name: str, least: int, most: int, words: str = "") -> Variable:
    """A whole number between two bounds, both included."""
    return Variable(name, int, lambda value: least <= value <= most, words or f"a whole number from {least} to {most}")


def number(name: str, least: float, most: float, words: str) -> Variable:
    """A number between two bounds, both included."""
    return Variable(name, float, lambda value: math.isfinite(value) and least <= value <= most, words)


def seconds(name: str, least: float = 0.1) -> Variable:
    """A duration."""
    return number(name, least, 1e7, f"seconds, {least:g} or more")


def share(name: str) -> Variable:
    """A weight."""
    return number(name, 0.001, 1.0, "a number above 0 and up to 1")


def folder(name: str) -> Variable:
    """A folder, which need not exist."""
    return Variable(name, _path, lambda value: bool(value.is_absolute()), "an absolute path, or one that starts with ~")


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # no such user, or no home folder
        raise ValueError(text) from error


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a chat model answers, and what it costs.

    Attributes:
        url: base URL, such as `http://127.0.0.1:8000/v1`.
        model: the model's name there.
        key: the API key; never printed. "" for servers that ask for none.
        retries: how often a request is repeated when the server is busy or out of order.
        temperature: 0 for the likeliest answer.
        max_tokens: the longest answer.
        price_in, price_out: for a million tokens read and written.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    retries: int = 2
    temperature: float = 0.2
    max_tokens: int = 2_000
    price_in: float = 0.0
    price_out: float = 0.0


class Profile(IntEnum):
    """How much work to put in: stub workers that prove nothing, the normal measure, or three times as much time."""

    STUB = 0
    NORMAL = 1
    THOROUGH = 2


class PolicyChoice(StrEnum):
    """How the next strategy is chosen: by chance of success per second in context, or by the plain UCB index."""

    COST_AWARE = "cost_aware"
    UCB = "ucb"


class LimitsChoice(StrEnum):
    """Whether light and heavy are limited on the Prefect server: where that is fast enough, always, or never."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class PremisesChoice(StrEnum):
    """Whether a run collects the library's theorems when nobody has: if it has the time, always, or never."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class LeanChoice(StrEnum):
    """Which Lean to use: the one that suits the project, or only the one named."""

    AUTO = "auto"
    NATIVE = "native"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSettings:
    """Folders that replace the ones the operating system suggests."""

    cache: Path | None = None
    data: Path | None = None
    state: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """How Lean servers are run.

    Attributes:
        servers: how many at once; None lets the pool fit them to the machine.
        rss_limit_megabytes: a server with more resident memory than this is replaced.
        start_timeout_seconds: a server has to be ready within this time.
        tactic_seconds: wall time of one tactic, 0 for no limit.
        heartbeats: deterministic limit of one tactic in the unit of Lean's `maxHeartbeats`, 0 for no limit.
        elaboration_seconds: the longest that the gate waits for one file.
    """

    servers: int | None = None
    rss_limit_megabytes: int = 1500
    start_timeout_seconds: float = 60.0
    tactic_seconds: float = 5.0
    heartbeats: int = 200_000
    elaboration_seconds: float = 300.0


STRATEGY_SECONDS: Mapping[StrategyType, float] = MappingProxyType(
    {
        StrategyType.MICRO: 8.0,
        StrategyType.COPILOT: 20.0,
        StrategyType.REPROVER: 60.0,
        StrategyType.SKETCH: 6.0,
        StrategyType.HAMMER: 20.0,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSettings:
    """How goals are given to strategies.

    Attributes:
        max_light: goals under `light_threshold` at once.
        max_heavy: the other goals at once.
        light_threshold: estimated difficulty, from 0 to 1, from which on a goal is heavy.
        cpu_target: load of the machine, as a share of its cores, above which work is held back.
        cpu_alpha: weight of a new measurement in the smoothed load.
        exploration: weight of the bandit's bonus for strategies that were tried seldom.
        ema_alpha: weight of a new outcome in a strategy's success rate.
        speculation: strategies tried on one goal at the same time, while nothing else waits for the room.
        hedged: a second strategy joins only when the first has passed its expected time.
        policy: how the next strategy is chosen.
        goal_seconds: what a goal may take in its first round; None for its fair share of the run's time when that is
            limited, and no limit otherwise; 0 for no limit in any case.
        rounds: how often a goal that ran out of time comes round again, each time with twice the seconds; None for
            three when the run's time is limited, else one.
        limits: whether the Prefect server limits light and heavy, too.
        timeouts: seconds one attempt may take, by strategy.
        run_timeout_seconds: seconds a whole run may take; None for no limit.
    """

    max_light: int = 8
    max_heavy: int = 2
    light_threshold: float = 0.6
    cpu_target: float = 0.5
    cpu_alpha: float = 0.1
    exploration: float = 1.5
    ema_alpha: float = 0.1
    speculation: int = 3
    hedged: bool = False
    policy: PolicyChoice = PolicyChoice.COST_AWARE
    goal_seconds: float | None = None
    rounds: int | None = None
    limits: LimitsChoice = LimitsChoice.AUTO
    timeouts: Mapping[StrategyType, float] = field(default_factory=lambda: STRATEGY_SECONDS)
    run_timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Models that strategies use.

    Attributes:
        generator: folder of the tactic generator; None for the small one that comes with this package.
        retriever: folder of the premise encoder; None for none.
        device: "cpu", "cuda", …; "" for a GPU where there is one.
        chat: the chat model that sketches proofs; None for none.
    """

    generator: Path | None = None
    retriever: Path | None = None
    device: str = ""
    chat: Endpoint | None = None


_EMBEDDED_MEGABYTES = 1000
"""An embedded server that has just started has almost as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardSettings:
    """Where the dashboard listens, and the word that lets people write; "" for one made at each start."""

    host: str = "127.0.0.1"
    port: int = 8421
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. `ledger_url` is not printed: it can hold a password.

    `repl` is the folder of a built REPL for a native Lean; None lets lean-interact fetch the one that fits.
    `dojo` lets `micro` work with LeanDojo where it can.
    `allowed_axioms` are the owner's additions to the axioms that a proof may rest on.

    Raises:
        ConfigError: values that are allowed one by one, but not together.
    """

    profile: Profile = Profile.NORMAL
    lean: LeanChoice = LeanChoice.AUTO
    paths: PathSettings = field(default_factory=PathSettings)
    repl: Path | None = None
    ledger_url: str | None = field(default=None, repr=False)
    allowed_axioms: frozenset[str] = frozenset()
    sessions: SessionSettings = field(default_factory=SessionSettings)
    scheduler: SchedulerSettings = field(default_factory=SchedulerSettings)
    dashboard: DashboardSettings = field(default_factory=DashboardSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    market: bool = True
    counterexamples: bool = True
    dojo: bool = False
    premises: PremisesChoice = PremisesChoice.AUTO

    def __post_init__(self) -> None:
        sessions, scheduler = self.sessions, self.scheduler
        if sessions.tactic_seconds == 0 and sessions.heartbeats == 0:
            raise ConfigError(
                "a tactic would have no limit at all",
                where="ORCH_TACTIC_TIMEOUT=0 and ORCH_HEARTBEATS=0",
                hint="Set one of the two above 0",
            )
        if sessions.tactic_seconds > max(scheduler.timeouts.values()):
            raise ConfigError(
                "one tactic may take longer than any attempt",
                where=f"ORCH_TACTIC_TIMEOUT={sessions.tactic_seconds:g}",
                hint=f"Lower it to {max(scheduler.timeouts.values()):g} or less, or raise a strategy's ORCH_TIMEOUT_…",
            )
        if scheduler.speculation > scheduler.max_light + scheduler.max_heavy:
            raise ConfigError(
                "more strategies would be tried on one goal than may run at all",
                where=f"ORCH_SPECULATION={scheduler.speculation}",
                hint=f"ORCH_MAX_LIGHT and ORCH_MAX_HEAVY allow {scheduler.max_light + scheduler.max_heavy} together",
            )
        if self.lean is not LeanChoice.NATIVE and sessions.rss_limit_megabytes < _EMBEDDED_MEGABYTES:
            raise ConfigError(
                f"the embedded Lean needs {_EMBEDDED_MEGABYTES} MB and would be replaced before every request",
                where=f"ORCH_MEMORY_MB={sessions.rss_limit_megabytes}",
                hint="Raise it, or set ORCH_LEAN=native",
            )


class Overrides(TypedDict, total=False):
    """What the command line can give; None stands for a flag that was not given."""

    profile: Profile | None
    lean: LeanChoice | None
    cache_dir: Path | None
    data_dir: Path | None
    state_dir: Path | None
    repl: Path | None
    ledger_url: str | None
    allowed_axioms: frozenset[str] | None
    elaboration_timeout: float | None
    servers: int | None
    memory_mb: int | None
    start_timeout: float | None
    tactic_timeout: float | None
    heartbeats: int | None
    timeout: float | None
    timeout_micro: float | None
    timeout_hammer: float | None
    timeout_copilot: float | None
    timeout_reprover: float | None
    timeout_sketch: float | None
    max_light: int | None
    max_heavy: int | None
    light_threshold: float | None
    cpu_target: float | None
    cpu_alpha: float | None
    exploration: float | None
    ema_alpha: float | None
    speculation: int | None
    dashboard_host: str | None
    dashboard_port: int | None
    dashboard_token: str | None
    hedged: bool | None
    policy: PolicyChoice | None
    goal_seconds: float | None
    rounds: int | None
    limits: LimitsChoice | None
    market: bool | None
    counterexamples: bool | None
    dojo: bool | None
    premises: PremisesChoice | None
    reprover_generator: Path | None
    reprover_retriever: Path | None
    model_device: str | None
    llm_url: str | None
    llm_model: str | None
    llm_key: str | None
    llm_retries: int | None
    llm_max_tokens: int | None
    llm_price_in: float | None
    llm_price_out: float | None


def load_settings(environ: Mapping[str, str] | None = None, **overrides: Unpack[Overrides]) -> Settings:
    """Settings from `overrides`, else the environment (`os.environ` unless given), else the user's configuration file.

    Each override `name` has its variable `ORCH_NAME`; an empty variable counts as not set.

    Raises:
        ConfigError: an unknown `ORCH_` variable, a value that is not allowed, or values that contradict one another.
    """
    environ = os.environ if environ is None else environ
    _check_names(environ)
    written, file = read_config(environ)
    known = {variable.name: variable for variable in _VARIABLES}
    for name in written:
        if name not in known:
            raise _unknown(name, str(file), list(known))
    given = dict(overrides)
    values: dict[str, Any] = {}
    for variable in _VARIABLES:
        text = environ.get(variable.label, "").strip()
        if given.get(variable.name) is not None:
            values[variable.name] = variable.checked(given[variable.name])
        elif text:
            values[variable.name] = variable.parsed(text)
        elif written.get(variable.name, ""):
            values[variable.name] = variable.parsed(written[variable.name], where=f"{variable.name} in {file}")
    return _build(values)


class SettingSource(StrEnum):
    """Where a setting is from."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class GivenSetting:
    """A setting as it was given, secrets hidden; the text is "" for a default."""

    name: str
    variable: str
    text: str
    source: SettingSource
    allowed: str


def given_settings(environ: Mapping[str, str] | None = None) -> tuple[tuple[GivenSetting, ...], Path | None]:
    """Every setting with where it is from, and the place of the configuration file.

    Raises:
        ConfigError: as `load_settings` does.
    """
    environ = os.environ if environ is None else environ
    load_settings(environ)
    written, _ = read_config(environ)
    rows = []
    for variable in _VARIABLES:
        text = environ.get(variable.label, "").strip()
        source = SettingSource.ENVIRONMENT if text else SettingSource.DEFAULT
        if not text and written.get(variable.name):
            text, source = written[variable.name], SettingSource.FILE
        shown = "(hidden)" if text and variable.secret else text
        rows.append(GivenSetting(variable.name, variable.label, shown, source, variable.allowed))
    return tuple(rows), config_path(environ)


def child_environment(
    allow: Iterable[str], *, environ: Mapping[str, str] | None = None, extra: Mapping[str, str] | None = None
) -> dict[str, str]:
    """An environment for a child process: only the variables that `allow` names, and `extra` over them.

    A name may end in `*`; capitals and small letters are the same, as for `HTTP_PROXY` and `http_proxy`.
    """
    patterns = [name.lower() for name in allow]
    source = os.environ if environ is None else environ
    kept = {name: value for name, value in source.items() if any(fnmatchcase(name.lower(), p) for p in patterns)}
    return {**kept, **(extra or {})}


def _profile(text: str) -> Profile:
    named = {profile.name.lower(): profile for profile in Profile}
    return named[text.lower()] if text.lower() in named else Profile(int(text))


def _names(text: str) -> frozenset[str]:
    return frozenset(filter(None, text.replace(",", " ").split()))


_AXIOM = re.compile(r"[^\s,\x00-\x1f\x7f]+")


def _truth(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


_VARIABLES = (
    Variable("profile", _profile, lambda value: True, "0 or stub, 1 or normal, 2 or thorough"),
    Variable("lean", lambda text: LeanChoice(text.lower()), lambda value: True, "auto, native or embedded"),
    folder("cache_dir"),
    folder("data_dir"),
    folder("state_dir"),
    folder("repl"),
    Variable(
        "ledger_url",
        str,
        lambda value: value.startswith("sqlite:///") or value.partition("://")[0].partition("+")[0] == "postgresql",
        "sqlite:///file or postgresql://user@host/database",
        secret=True,
    ),
    Variable("allowed_axioms", _names, lambda names: all(map(_AXIOM.fullmatch, names)), "names of axioms, with commas"),
    seconds("elaboration_timeout"),
    integer("servers", 1, 256),
    integer("memory_mb", 256, 1_000_000, "megabytes for one Lean server, 256 or more"),
    seconds("start_timeout"),
    seconds("tactic_timeout", 0.0),
    integer("heartbeats", 0, 10**12, "a whole number, in the unit of Lean's maxHeartbeats, 0 for no limit"),
    seconds("timeout"),
    *(seconds(f"timeout_{strategy}") for strategy in StrategyType),
    integer("max_light", 1, 10_000),
    integer("max_heavy", 1, 10_000),
    number("light_threshold", 0.0, 1.0, "a number from 0 to 1"),
    number("cpu_target", 0.01, 100.0, "a share of the machine's cores, 0.01 or more"),
    share("cpu_alpha"),
    number("exploration", 0.0, 1000.0, "a number from 0 to 1000"),
    share("ema_alpha"),
    integer("speculation", 1, len(StrategyType)),
    Variable("dashboard_host", str, lambda value: bool(value) and " " not in value, "a host name or an address"),
    integer("dashboard_port", 0, 65_535),
    Variable("dashboard_token", str, lambda value: len(value) >= 16, "a secret of 16 characters or more", secret=True),
    Variable("hedged", _truth, lambda value: True, "yes or no"),
    Variable("market", _truth, lambda value: True, "yes or no"),
    Variable("counterexamples", _truth, lambda value: True, "yes or no"),
    Variable("dojo", _truth, lambda value: True, "yes or no"),
    Variable("premises", lambda text: PremisesChoice(text.lower()), lambda value: True, "auto, on or off"),
    Variable("policy", lambda text: PolicyChoice(text.lower()), lambda value: True, "cost_aware or ucb"),
    seconds("goal_seconds", 0.0),
    integer("rounds", 1, 20),
    Variable("limits", lambda text: LimitsChoice(text.lower()), lambda value: True, "auto, on or off"),
    folder("reprover_generator"),
    folder("reprover_retriever"),
    Variable("model_device", str, lambda value: bool(value), "cpu, cuda, cuda:1, … as torch names them"),
    Variable(
        "llm_url",
        str,
        lambda value: value.startswith(("http://", "https://")),
        "a URL such as http://127.0.0.1:8000/v1",
    ),
    Variable("llm_model", str, lambda value: bool(value), "the name of a model"),
    Variable("llm_key", str, lambda value: bool(value), "an API key", secret=True),
    integer("llm_retries", 0, 20),
    integer("llm_max_tokens", 16, 200_000),
    number("llm_price_in", 0.0, 1e6, "a price for a million tokens"),
    number("llm_price_out", 0.0, 1e6, "a price for a million tokens"),
)

# Thorough is for a night: throughput first, so a second strategy has to wait its turn, and time is given again.
_BY_PROFILE: Mapping[Profile, Mapping[str, Any]] = MappingProxyType(
    {
        Profile.STUB: {},
        Profile.NORMAL: {},
        Profile.THOROUGH: {"speculation": 1, "hedged": True, "rounds": 3},
    }
)


def _build(values: Mapping[str, Any]) -> Settings:
    profile = values.get("profile", Profile.NORMAL)
    factor = 3 if profile is Profile.THOROUGH else 1
    sessions = SessionSettings()
    timeouts = {
        strategy: values.get(f"timeout_{strategy}", factor * default) for strategy, default in STRATEGY_SECONDS.items()
    }
    return Settings(
        profile=profile,
        lean=values.get("lean", LeanChoice.AUTO),
        paths=PathSettings(cache=values.get("cache_dir"), data=values.get("data_dir"), state=values.get("state_dir")),
        repl=values.get("repl"),
        ledger_url=values.get("ledger_url"),
        market=values.get("market", True),
        counterexamples=values.get("counterexamples", True),
        dojo=values.get("dojo", False),
        premises=values.get("premises", PremisesChoice.AUTO),
        allowed_axioms=values.get("allowed_axioms", frozenset()),
        sessions=SessionSettings(
            servers=values.get("servers"),
            rss_limit_megabytes=values.get("memory_mb", sessions.rss_limit_megabytes),
            start_timeout_seconds=values.get("start_timeout", sessions.start_timeout_seconds),
            tactic_seconds=values.get("tactic_timeout", factor * sessions.tactic_seconds),
            heartbeats=values.get("heartbeats", factor * sessions.heartbeats),
            elaboration_seconds=values.get("elaboration_timeout", factor * sessions.elaboration_seconds),
        ),
        scheduler=SchedulerSettings(
            **{
                name: value
                for name, value in {**_BY_PROFILE[profile], **values}.items()
                if name in SchedulerSettings.__slots__
            },
            timeouts=MappingProxyType(timeouts),
            run_timeout_seconds=values.get("timeout"),
        ),
        dashboard=DashboardSettings(
            **{name: values[f"dashboard_{name}"] for name in ("host", "port", "token") if f"dashboard_{name}" in values}
        ),
        models=ModelSettings(
            generator=values.get("reprover_generator"),
            retriever=values.get("reprover_retriever"),
            device=values.get("model_device", ""),
            chat=_endpoint({name[4:]: value for name, value in values.items() if name.startswith("llm_")}),
        ),
    )


def _endpoint(values: Mapping[str, Any]) -> Endpoint | None:
    if bool(values.get("url")) != bool(values.get("model")):
        missing = "ORCH_LLM_MODEL" if values.get("url") else "ORCH_LLM_URL"
        raise ConfigError("a chat model needs a URL and a name", where=missing, hint=f"Set {missing}, too")
    return Endpoint(**values) if values.get("url") else None


def _check_names(environ: Mapping[str, str]) -> None:
    labels = [LABEL, *(variable.label for variable in _VARIABLES)]
    for name in sorted(environ):
        if name.startswith("ORCH_") and name not in labels:
            raise _unknown(name, name, labels)


def _unknown(name: str, where: str, known: Sequence[str]) -> ConfigError:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else "Remove it; `orchestrator settings` lists all there are"
    return ConfigError(f"{name} is not a setting", where=where, hint=hint)


PREFECT_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # Without a Prefect server a temporary one is started, which takes 13 to 20 seconds on a small machine.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
        # What a reader should see, the command line prints by itself; Prefect's logs go to its server alone, ours too.
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_HANDLERS_DEBUG_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "orchestrator",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }
)
"""What suits a run from the command line, without a server of one's own."""
_PRINTED = "PREFECT_LOGGING_HANDLERS_"


def set_prefect_defaults() -> None:
    """Give Prefect the defaults above where the user has set nothing. To be called before Prefect is imported.

    Whoever sets PREFECT_LOGGING_LEVEL wants to see logs: then they are printed, too.
    """
    wanted = "PREFECT_LOGGING_LEVEL" in os.environ
    for name, value in PREFECT_DEFAULTS.items():
        if not (wanted and name.startswith(_PRINTED)):
            os.environ.setdefault(name, value)


def set_torch_folder(folder: Path) -> None:
    """Have torch keep its files there, where the user names no other place; it would make a folder in /tmp, for good.

    To be called before torch is imported.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))


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
