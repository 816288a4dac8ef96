"""Settings and folders; the only file that reads the environment.

Each setting is written once below, as a field: its name, type, default, unit and a sentence that says what it does.
`load_settings` takes what the command line gives, else the `ORCH_…` variables, else the user's configuration file,
else the default, and returns one frozen `Settings` value. Whoever needs a setting is handed it; nobody looks it up.
`orchestrator settings` and docs/settings.md are made from `described_settings`.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Self, get_args

from platformdirs import PlatformDirs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from orchestrator.errors import ConfigError
from orchestrator.goals.plugins import installed
from orchestrator.goals.result import StrategyType

PREFIX = "ORCH_"
CONFIG = "ORCH_CONFIG"
"""The variable that names another configuration file."""
_APPLICATION = "lean-orchestrator"
_EMBEDDED_MEGABYTES = 1000
"""An embedded server that has just started takes almost as much."""

STRATEGY_SECONDS: Mapping[StrategyType, float] = MappingProxyType(
    {
        StrategyType.MICRO: 8.0,
        StrategyType.COPILOT: 20.0,
        StrategyType.REPROVER: 60.0,
        StrategyType.SKETCH: 6.0,
        StrategyType.HAMMER: 20.0,
        StrategyType.AGENT: 600.0,
    }
)
"""Longest time for one attempt of our own strategies."""


@cache
def load_plugins() -> Mapping[str, Any]:
    """What the entry point of each strategy of another package leads to, a `StrategySpec`, by the strategy's name.
    Raises ConfigError: it cannot be imported.
    """
    found = {}
    for name, point in installed().items():
        try:
            found[name] = point.load()
        except Exception as error:  # whatever a package of somebody else raises
            package = f"{point.dist.name}, {point.value}" if point.dist is not None else point.value
            hint = "Correct or uninstall that package."
            raise ConfigError(f"The strategy {name} cannot be loaded: {error}", where=package, hint=hint) from error
    return found


def strategy_seconds() -> Mapping[StrategyType, float]:
    """Longest time for one attempt of each strategy; those of installed packages say it themselves.
    Raises ConfigError: such a package cannot be loaded.
    """
    return {**STRATEGY_SECONDS, **{StrategyType(name): float(spec.seconds) for name, spec in load_plugins().items()}}


class Profile(IntEnum):
    """How much work to put in: stub workers that prove nothing, the normal amount, or three times as much time."""

    STUB = 0
    NORMAL = 1
    THOROUGH = 2

    @classmethod
    def _missing_(cls, value: object) -> Profile | None:
        words = {name.lower(): profile for profile in cls for name in (profile.name, str(profile.value))}
        return words.get(str(value).lower())


class _Choice(StrEnum):
    """A word from a list, in capitals or not."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return next((choice for choice in cls if choice.value == str(value).lower()), None)


class PolicyChoice(_Choice):
    """How the next strategy is chosen: by chance of success per second in context, or by the plain UCB index."""

    COST_AWARE = "cost_aware"
    UCB = "ucb"


class Switch(_Choice):
    """Whether something is done: where it pays, always, or never."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class LeanChoice(_Choice):
    """Which Lean to use: the one that suits the project, or only the one named."""

    AUTO = "auto"
    NATIVE = "native"
    EMBEDDED = "embedded"


class RunnerChoice(_Choice):
    """Where attempts are made: in the run's own process, or by the workers of a Dask cluster."""

    LOCAL = "local"
    DASK = "dask"


class PromptStyle(_Choice):
    """How a language model is asked: in a conversation, or to go on with the file's text where the sorry stands."""

    CHAT = "chat"
    COMPLETION = "completion"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a language model answers, and what it costs: prices are for a million tokens read and written.

    The key is "" for servers that ask for none; a temperature of 0 stands for the likeliest answer. `samples` are asked
    for in one request.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    retries: int = 2
    temperature: float = 0.2
    samples: int = 1
    style: PromptStyle = PromptStyle.CHAT
    max_tokens: int = 2_000
    price_in: float = 0.0
    price_out: float = 0.0


def _folder(value: Path) -> Path:
    try:
        path = value.expanduser()
    except RuntimeError as error:  # no such user, or no home folder
        raise ValueError(str(error)) from error
    if not path.is_absolute():
        raise ValueError("not absolute")
    return path


def _split(value: Any) -> Any:
    return value.replace(",", " ").split() if isinstance(value, str) else value


# A text in a type names the unit of its numbers, or the values that are allowed.
_Seconds = Annotated[float, Field(ge=0.1, le=1e7), "seconds"]
_Timeouts = Annotated[Mapping[StrategyType, _Seconds], AfterValidator(MappingProxyType), "seconds, 0.1 or more"]
_Attempts = Annotated[int, Field(ge=1, le=10_000)]
_Weight = Annotated[float, Field(ge=0.001, le=1.0)]
_Price = Annotated[float, Field(ge=0.0, le=1e6)]
_Folder = Annotated[Path | None, AfterValidator(_folder), "an absolute path, or one that starts with ~"]
_Folders = Annotated[
    tuple[Annotated[Path, AfterValidator(_folder)], ...],
    BeforeValidator(_split),
    "absolute paths, separated by commas",
]
_Names = Annotated[
    frozenset[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]],
    BeforeValidator(_split),
    "names of variables, separated by commas",
]
_Axioms = Annotated[
    frozenset[Annotated[str, Field(pattern=r"^[^\s,\x00-\x1f\x7f]+$")]],
    BeforeValidator(_split),
    "names of axioms, separated by commas",
]
_LedgerUrl = Annotated[
    str | None,
    Field(pattern=r"^(sqlite:///|postgresql(\+[^:]*)?://)"),
    "sqlite:///file or postgresql://user@host/database",
]


_TIMEOUT = "timeout_"
"""Before a strategy's name: the setting of its time limit, which `Settings.timeouts` holds."""


def _setting(default: Any, meaning: str, *, unset: str = "", thorough: Any = None, secret: bool = False) -> Any:
    """A field: `unset` says what an empty default stands for, `thorough` is the default in the thorough profile."""
    words = {"unset": unset, "thorough": thorough}
    return Field(default, description=meaning, repr=not secret, json_schema_extra=words)


def _extra(info: FieldInfo) -> dict[str, Any]:
    extra: Any = info.json_schema_extra
    return extra or {}


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class LeanSettings(_Section, title="Lean"):
    """Which Lean is used, and how its servers are run."""

    lean: LeanChoice = _setting(LeanChoice.AUTO, "Which Lean to use: what suits the project, or only the one named")
    repl: _Folder = _setting(None, "Built REPL for a native Lean", unset="fetched and built once for each toolchain")
    lean_folders: _Folders = _setting(
        (), "Folders that a native Lean may read and write beside its project, as for a solver", unset="none"
    )
    dojo: bool = _setting(False, "Whether `micro` works with LeanDojo on what it can open")
    servers: Annotated[int | None, Field(ge=1, le=256)] = _setting(
        None, "Lean servers at once; one takes about 1 GB", unset="what cores and free memory allow"
    )
    memory_mb: Annotated[int, Field(ge=256, le=1_000_000), "megabytes"] = _setting(
        1500, "Memory beyond which a server is replaced"
    )
    start_timeout: _Seconds = _setting(60.0, "Time in which a server has to be ready")
    tactic_timeout: Annotated[float, Field(ge=0.0, le=1e7), "seconds"] = _setting(
        5.0, "Longest time for one tactic; 0 for no limit", thorough=15.0
    )
    heartbeats: Annotated[int, Field(ge=0, le=10**12), "heartbeats"] = _setting(
        200_000,
        "The same in the unit of `maxHeartbeats`, so that the machine's load changes nothing",
        thorough=600_000,
    )
    elaboration_timeout: _Seconds = _setting(300.0, "Longest time that the gate waits for one file", thorough=900.0)


class SchedulerSettings(_Section, title="Scheduling"):
    """How goals are given to strategies."""

    timeout: Annotated[float | None, Field(ge=0.1, le=1e7), "seconds"] = _setting(
        None, "Time that strategies may work in a run", unset="30 minutes, unless the project says otherwise"
    )
    timeouts: _Timeouts = Field(default_factory=strategy_seconds, description="Longest time for one attempt of")
    max_light: _Attempts = _setting(8, "Attempts at once on easy goals")
    max_heavy: _Attempts = _setting(2, "Attempts at once on hard goals")
    light_threshold: Annotated[float, Field(ge=0.0, le=1.0)] = _setting(
        0.6, "Estimated difficulty from which on a goal is hard"
    )
    cpu_target: Annotated[float, Field(ge=0.01, le=100.0), "a share of the cores"] = _setting(
        0.5, "Load above which `bg` holds work back"
    )
    cpu_alpha: _Weight = _setting(0.1, "Weight of a new measurement in the smoothed load")
    exploration: Annotated[float, Field(ge=0.0, le=1000.0)] = _setting(
        1.5, "Weight of the bandit's bonus for strategies that were seldom tried"
    )
    ema_alpha: _Weight = _setting(0.1, "Weight of a new outcome in a strategy's success rate")
    speculation: Annotated[int, Field(ge=1, le=len(StrategyType))] = _setting(
        3, "Strategies on one goal at the same time while nothing else waits", thorough=1
    )
    hedged: bool = _setting(False, "Whether the second one waits until the first is overdue", thorough=True)
    policy: PolicyChoice = _setting(
        PolicyChoice.COST_AWARE, "How strategies are chosen: by chance of success per second in context, or by UCB"
    )
    rounds: Annotated[int | None, Field(ge=1, le=20)] = _setting(
        None,
        "How often a strategy that runs out of time may try a goal, each time with more",
        unset="1 without a budget, else while it pays",
    )
    limits: Switch = _setting(
        Switch.AUTO,
        "Whether the Prefect server keeps both limits, too; `auto`: if it is known to use PostgreSQL",
    )
    runner: RunnerChoice = _setting(
        RunnerChoice.LOCAL, "Where attempts are made: in the run's process, or by workers of a Dask cluster"
    )
    dask_address: Annotated[str | None, Field(pattern="^(tcp|tls)://"), "an address such as tls://10.0.0.1:8786"] = (
        _setting(None, "The Dask scheduler whose workers make the attempts", unset="workers on this machine")
    )


class StorageSettings(_Section, title="Folders and the ledger"):
    """Where things are kept."""

    ledger_url: _LedgerUrl = _setting(None, "The ledger's database", unset="a file in the data folder", secret=True)
    cache_dir: _Folder = _setting(None, "Folder for what can be made again", unset="the system's")
    data_dir: _Folder = _setting(
        None, "Folder for the ledger and for the results of runs that name none", unset="the system's"
    )
    state_dir: _Folder = _setting(None, "Folder for logs and locks", unset="the system's")

    @property
    def paths(self) -> Paths:
        """The folders of this user on this system, except where a setting names another."""
        system = PlatformDirs(_APPLICATION, appauthor=False)
        return Paths(
            cache=self.cache_dir or system.user_cache_path.absolute(),
            data=self.data_dir or system.user_data_path.absolute(),
            state=self.state_dir or system.user_state_path.absolute(),
        )

    @property
    def ledger(self) -> str | Path:
        """The ledger's database, by default a file in the data folder."""
        return self.ledger_url or self.paths.ledger_file


class ModelSettings(_Section, title="Models"):
    """Models that strategies use."""

    reprover_generator: _Folder = _setting(None, "Folder of the tactic generator", unset="the small one shipped")
    reprover_retriever: _Folder = _setting(None, "Folder of the premise encoder", unset="none")
    model_device: Annotated[str, "cpu, cuda, cuda:1, … as torch names them"] = _setting(
        "", "Where models are computed", unset="a GPU if there is one"
    )
    llm_url: Annotated[str | None, Field(pattern="^https?://"), "a URL such as http://127.0.0.1:8000/v1"] = _setting(
        None, "Base URL of the chat model that sketches proofs", unset="none"
    )
    llm_model: Annotated[str | None, "the name of a model"] = _setting(None, "The chat model's name", unset="none")
    llm_key: Annotated[str, "an API key"] = _setting("", "Its key", unset="none", secret=True)
    llm_retries: Annotated[int, Field(ge=0, le=20)] = _setting(
        Endpoint.retries, "How often a request is repeated while its server is busy"
    )
    llm_max_tokens: Annotated[int, Field(ge=16, le=200_000), "tokens"] = _setting(
        Endpoint.max_tokens, "Longest answer of the chat model"
    )
    llm_temperature: Annotated[float, Field(ge=0.0, le=10.0)] = _setting(
        Endpoint.temperature, "How much its answers vary; 0 for the likeliest"
    )
    llm_samples: Annotated[int, Field(ge=1, le=256)] = _setting(
        Endpoint.samples, "Whole proofs that it is asked for in one request, all of which Lean looks at"
    )
    llm_style: PromptStyle = _setting(
        Endpoint.style, "How it is asked: in a conversation, or to complete the file, as provers without a chat want it"
    )
    llm_price_in: _Price = _setting(Endpoint.price_in, "Price of a million tokens read, for the costs in the ledger")
    llm_price_out: _Price = _setting(Endpoint.price_out, "Price of a million tokens written")

    @property
    def chat(self) -> Endpoint | None:
        """The chat model; None for none."""
        given = {name.removeprefix("llm_"): value for name, value in self if name.startswith("llm_")}
        return Endpoint(**given) if self.llm_url else None


class AgentSettings(_Section, title="Agents"):
    """An agent of yours that works on goals, as `orchestrator prove --agent` starts it."""

    agent: Annotated[str, "a command for the shell"] = _setting(
        "", "Command that is started for each goal, and speaks MCP", unset="none"
    )
    agent_variables: _Names = _setting(
        frozenset(), "Variables of yours that it gets, such as its key's; none of the others reaches it", unset="none"
    )
    agent_folders: _Folders = _setting(
        (), "Folders that it may read and write beside its own, such as that of its settings", unset="none"
    )
    agent_calls: Annotated[int, Field(ge=1, le=1_000_000)] = _setting(200, "Tools that it may call for one goal")


class DashboardSettings(_Section, title="Dashboard"):
    """Where the dashboard listens, and who may write."""

    dashboard_host: Annotated[str, Field(pattern="^[^ ]+$"), "a host name or an address"] = _setting(
        "127.0.0.1", "Address that the dashboard listens on"
    )
    dashboard_port: Annotated[int, Field(ge=0, le=65_535)] = _setting(8421, "Its port; 0 for a free one")
    dashboard_token: Annotated[str, Field(min_length=16), "16 characters or more"] = _setting(
        "", "Secret that lets people claim tickets and hand in proofs", unset="one made at each start", secret=True
    )


class Settings(
    LeanSettings,
    SchedulerSettings,
    StorageSettings,
    ModelSettings,
    AgentSettings,
    DashboardSettings,
    BaseSettings,
    title="Runs",
):
    """Everything that can be set. A value: it reads nothing by itself, `load_settings` does.

    Raises ConfigError: values that are allowed one by one, but not together.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, enable_decoding=False, validate_default=False)

    profile: Annotated[Profile, "0 or stub, 1 or normal, 2 or thorough"] = _setting(
        Profile.NORMAL, "How much work to put in: stub workers that prove nothing, the normal amount, or three times it"
    )
    market: bool = _setting(True, "Whether goals that are stuck ask for lemmas")
    counterexamples: bool = _setting(True, "Whether small values are tried against a statement first")
    premises: Switch = _setting(
        Switch.AUTO,
        "Whether a run first collects the library's theorems if nobody has, which takes minutes once; `auto`: in the "
        "background and in the thorough profile",
    )
    allowed_axioms: _Axioms = _setting(
        frozenset(), "Axioms of yours that a proof may rest on besides the standard ones", unset="none"
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A value knows what it is given and nothing else."""
        return (init_settings,)

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_profile(cls, given: dict[str, Any]) -> dict[str, Any]:
        """`timeout_micro` and its like become `timeouts`; in the thorough profile its own defaults hold."""
        thorough = False
        with suppress(ValueError):  # the field refuses it
            thorough = Profile(given.get("profile", Profile.NORMAL)) is Profile.THOROUGH
        timeouts: dict[str, Any] = {kind: (3 if thorough else 1) * most for kind, most in strategy_seconds().items()}
        own = {name: _extra(info).get("thorough") for name, info in cls.model_fields.items() if thorough}
        values = {name: value for name, value in own.items() if value is not None}
        for name, value in given.items():
            group, key = (timeouts, name[len(_TIMEOUT) :]) if name.startswith(_TIMEOUT) else (values, name)
            group[key] = value
        return {**values, "timeouts": {**timeouts, **given.get("timeouts", {})}}

    @model_validator(mode="after")
    def _together(self) -> Self:
        # An agent's tactics have limits of their own.
        longest = max(most for kind, most in self.timeouts.items() if kind is not StrategyType.AGENT)
        lanes = self.max_light + self.max_heavy
        what = where = hint = ""
        if self.tactic_timeout == 0 and self.heartbeats == 0:
            what, where = "a tactic would have no limit at all", "ORCH_TACTIC_TIMEOUT=0 and ORCH_HEARTBEATS=0"
            hint = "Set one of the two above 0"
        elif self.tactic_timeout > longest:
            what, where = "one tactic may take longer than any attempt", f"ORCH_TACTIC_TIMEOUT={self.tactic_timeout:g}"
            hint = f"Lower it to {longest:g} or less, or raise a strategy's ORCH_TIMEOUT_…"
        elif self.speculation > lanes:
            what = "more strategies would be tried on one goal than may run at all"
            where = f"ORCH_SPECULATION={self.speculation}"
            hint = f"ORCH_MAX_LIGHT and ORCH_MAX_HEAVY allow {lanes} together"
        elif self.lean is not LeanChoice.NATIVE and self.memory_mb < _EMBEDDED_MEGABYTES:
            what = f"the embedded Lean needs {_EMBEDDED_MEGABYTES} MB and would be replaced before every request"
            where, hint = f"ORCH_MEMORY_MB={self.memory_mb}", "Raise it, or set ORCH_LEAN=native"
        elif bool(self.llm_url) != bool(self.llm_model):
            what, where = "a chat model needs a URL and a name", "ORCH_LLM_MODEL" if self.llm_url else "ORCH_LLM_URL"
            hint = f"Set {where}, too"
        if what:
            raise ConfigError(what, where=where, hint=hint)
        return self


def load_settings(environ: Mapping[str, str] | None = None, **flags: Any) -> Settings:
    """Settings from `flags`, else the environment (`os.environ` unless given), else the user's configuration file.

    A flag `name` has the variable `ORCH_NAME`; one that is None and a variable that is empty count as not set.

    Raises ConfigError: an unknown setting, a value that is not allowed, or values that contradict one another.
    """
    environ = os.environ if environ is None else environ
    from_file, from_environment = _from_file(environ), _from_environment(environ)
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**{**from_file, **from_environment, **given})
    except ValidationError as error:
        mistake = error.errors(include_url=False, include_context=False)[0]
    name, *inside = map(str, mistake["loc"])
    setting = described_settings()[_TIMEOUT + inside[0] if name == "timeouts" else name]
    shown = "(hidden)" if setting.secret else repr(str(mistake["input"]))
    in_file = setting.name in from_file.keys() - from_environment.keys() - given.keys()
    raise ConfigError(
        f"{setting.name if in_file else setting.variable} cannot be {shown}",
        where=f"{setting.name} in {config_path(environ)}" if in_file else setting.variable,
        hint=f"Allowed: {setting.allowed}",
    )


def config_path(environ: Mapping[str, str]) -> Path | None:
    """Where the configuration file is, if there is one; None when the environment says nothing about a home."""
    named = environ.get(CONFIG, "").strip()
    if named:
        return Path(named).expanduser()
    folder = environ.get("XDG_CONFIG_HOME", "").strip()
    home = environ.get("HOME", "") or environ.get("USERPROFILE", "")
    if not folder and not home:
        return None
    return (Path(folder) if folder else Path(home) / ".config") / _APPLICATION / "config.toml"


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    known = {setting.variable: name for name, setting in described_settings().items()}
    for label in sorted(environ):
        if label.startswith(PREFIX) and label not in (CONFIG, *known):
            raise _unknown(label, label, (CONFIG, *known))
    given = {label: environ[label].strip() for label in known if environ.get(label, "").strip()}
    source = EnvSettingsSource(Settings)
    source.env_vars = {label.lower(): text for label, text in given.items()}
    timeouts = {known[label]: text for label, text in given.items() if known[label] not in Settings.model_fields}
    return {**source(), **timeouts}


def _from_file(environ: Mapping[str, str]) -> dict[str, Any]:
    path, named = config_path(environ), bool(environ.get(CONFIG, "").strip())
    if path is None:
        return {}
    try:
        if named and not path.is_file():
            raise ConfigError("there is no such file", where=f"{CONFIG}={path}", hint=f"Unset {CONFIG}")
        values = TomlConfigSettingsSource(Settings, path)()
    except OSError as error:
        raise ConfigError(f"the configuration cannot be read: {error.strerror}", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration is not TOML: {error}", where=str(path), hint="Fix that line") from error
    known = described_settings()
    for name in values.keys() - known.keys():
        raise _unknown(name, str(path), known)
    return {name: str(v) if isinstance(v, int | float) else v for name, v in values.items() if v != ""}


def _unknown(name: str, where: str, known: Collection[str]) -> ConfigError:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else "Remove it; `orchestrator settings` lists all there are"
    return ConfigError(f"{name} is not a setting", where=where, hint=hint)


class SettingSource(StrEnum):
    """Where a setting is from."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting in words.

    Attributes:
        section: the heading it stands under.
        default: as a text, that of the thorough profile included.
        text: what was given; "" for a default, and never a secret.
    """

    name: str
    section: str
    meaning: str
    default: str
    allowed: str
    secret: bool
    text: str = ""
    source: SettingSource = SettingSource.DEFAULT

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()


def described_settings() -> dict[str, Setting]:
    """Every setting in words, by its name, section by section."""
    sections: tuple[Any, ...] = (Settings, *Settings.__bases__[:-1])
    found: list[Setting] = []
    for section in sections:
        for name in filter(Settings.model_fields.__contains__, section.__annotations__):
            info = Settings.model_fields[name]
            title, default = str(section.model_config.get("title")), _default(info.default, **_extra(info))
            setting = Setting(name, title, str(info.description), default, _allowed(info), secret=not info.repr)
            if name != "timeouts":
                found.append(setting)
                continue
            for kind, most in strategy_seconds().items():
                words = f"{setting.meaning} `{kind}`"
                default = _default(most, thorough=3 * most)
                found.append(replace(setting, name=_TIMEOUT + kind, meaning=words, default=default))
    return {setting.name: setting for setting in found}


def given_settings(environ: Mapping[str, str] | None = None) -> tuple[tuple[Setting, ...], Path | None]:
    """Every setting with what was given and where, and the place of the configuration file.
    Raises ConfigError: as `load_settings` does.
    """
    environ = os.environ if environ is None else environ
    load_settings(environ)
    rows = described_settings()
    for source, read in ((SettingSource.FILE, _from_file), (SettingSource.ENVIRONMENT, _from_environment)):
        for name, value in read(environ).items():
            rows[name] = replace(rows[name], text="(hidden)" if rows[name].secret else str(value), source=source)
    return tuple(rows.values()), config_path(environ)


def _default(value: Any, *, unset: str = "", thorough: Any = None) -> str:
    if isinstance(value, bool):
        text = "yes" if value else "no"
    else:
        text = f"{value:g}" if isinstance(value, int | float) else str(value) if value else unset
    return text if thorough is None else f"{text} (thorough: {_default(thorough)})"


def _allowed(info: FieldInfo) -> str:
    words = next((one for one in info.metadata if isinstance(one, str)), "")
    bounds = [getattr(one, side) for side in ("ge", "le") for one in info.metadata if hasattr(one, side)]
    kind: Any = info.annotation
    if len(bounds) == 2:
        noun = words or ("a number" if float in (kind, *get_args(kind)) else "a whole number")
        return f"{noun}, {bounds[0]:g} or more" if bounds[1] >= 10**6 else f"{noun} from {bounds[0]:g} to {bounds[1]:g}"
    if words:
        return words
    return "yes or no" if kind is bool else " or ".join(", ".join(kind).rsplit(", ", 1))


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
        "PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "INFO",
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


def set_agent(command: str) -> None:
    """Have the runs of this process start an agent. It is no parameter of a flow, which other machines could set."""
    os.environ[f"{PREFIX}AGENT"] = command


def set_torch_folder(folder: Path) -> None:
    """Have torch keep its files there, where the user names no other place; it would make a folder in /tmp, for good.

    To be called before torch is imported.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))


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
        """Folder with the embedded Lean's installation, about 400 MB."""
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
    def compiled(self) -> Path:
        """Copies of projects that Lake compiles."""
        return self.cache / "compiled"

    @property
    def repl(self) -> Path:
        """Folder with a built REPL for each version of a native Lean."""
        return self.cache / "repl"

    @property
    def logs(self) -> Path:
        """Folder with log files."""
        return self.state / "log"
