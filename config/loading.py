"""From a TOML file and the environment to Settings, or to an error that says which setting is wrong.

Belongs here: finding and reading the file, what the environment overrides, and how a validation failure is told.
Does not: what a setting means (`settings.py`).
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.errors import SettingInvalidError, SettingsFileMissingError, SettingsUnreadableError
from config.settings import Settings
from data_contracts.addresses import has_password

DEFAULT_FILE = "gristmill.toml"
OVERRIDE_PREFIX = "GRISTMILL__"
WAREHOUSE_URL = ("warehouse", "url")
SHORT_FORMS = {
    "GRISTMILL_DATA": ("paths", "data"),
    "GRISTMILL_WORKSPACE": ("paths", "workspace"),
    "GRISTMILL_WAREHOUSE_URL": WAREHOUSE_URL,
    "MLFLOW_TRACKING_URI": ("registry", "tracking_uri"),
    "PREFECT_API_URL": ("orchestration", "api_url"),
}


def load_settings(
    path: str | Path | None = None, *, data: str | Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings file, lay the environment over it, and check the whole.

    Args:
        path: the TOML file, or a folder with a `gristmill.toml`; by default `GRISTMILL_CONFIG`, else the working
            directory.
        data: where the raw files lie, as given on the command line; wins over everything else.
        environment: the environment; by default the process's own. `GRISTMILL__SECTION__KEY` overrides one setting;
            the short forms `GRISTMILL_DATA`, `GRISTMILL_WORKSPACE`, `GRISTMILL_WAREHOUSE_URL`,
            `MLFLOW_TRACKING_URI` and `PREFECT_API_URL` are understood too.

    Raises:
        SettingsFileMissingError, SettingsUnreadableError, SettingInvalidError: named facts, exit code 2.
    """
    environment = os.environ if environment is None else environment
    file = settings_file(path, environment)
    content = _read(file)
    _refuse_password(file, content)
    for keys, value in _overrides(environment):
        _lay_over(content, keys, value)
    if data is not None:
        _lay_over(content, ("paths", "data"), str(Path(data).absolute()))
    try:
        return Settings.model_validate({**content, "base": file.parent.absolute(), "file": file.absolute()})
    except ValidationError as error:
        raise SettingInvalidError(path=str(file), problems=[_problem(detail) for detail in error.errors()]) from None


def settings_file(path: str | Path | None, environment: Mapping[str, str]) -> Path:
    """Where the settings are looked for: the file, or `gristmill.toml` in the folder, that is named."""
    named = Path(path or environment.get("GRISTMILL_CONFIG") or DEFAULT_FILE)
    return named / DEFAULT_FILE if named.is_dir() else named


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsFileMissingError(path=str(file.absolute())) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsUnreadableError(path=str(file), reason=str(error)) from None


def _refuse_password(file: Path, content: Mapping[str, Any]) -> None:
    """A settings file is shown, mailed and kept in version control: the warehouse's password has no place in it."""
    section = content.get(WAREHOUSE_URL[0])
    address = section.get(WAREHOUSE_URL[1]) if isinstance(section, Mapping) else None
    if isinstance(address, str) and has_password(address):
        advice = "give the address in GRISTMILL_WAREHOUSE_URL, or the password in ~/.pgpass"
        raise SettingInvalidError(path=str(file), problems=[f"warehouse.url: it holds a password; {advice}"])


def _overrides(environment: Mapping[str, str]) -> list[tuple[tuple[str, ...], Any]]:
    short = [(keys, environment[name]) for name, keys in SHORT_FORMS.items() if environment.get(name)]
    long = [
        (tuple(name.removeprefix(OVERRIDE_PREFIX).lower().split("__")), _toml_value(value))
        for name, value in sorted(environment.items())
        if name.startswith(OVERRIDE_PREFIX)
    ]
    # a path in the environment is meant from where the command is run, not from where the settings file lies
    return [(keys, str(Path(value).absolute()) if keys[0] == "paths" else value) for keys, value in short + long]


def _toml_value(text: str) -> Any:  # noqa: ANN401 a setting may be any TOML value
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _lay_over(content: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:  # noqa: ANN401 a setting may be any TOML value
    for key in keys[:-1]:
        content = content.setdefault(key, {})
    content[keys[-1]] = value


def _problem(detail: Any) -> str:  # noqa: ANN401 pydantic's error details
    where = ".".join(str(part) for part in detail["loc"]) or "the file as a whole"
    if detail["loc"] in {("inputs",), ("sources",)} and detail["type"] in {"missing", "too_short"}:
        return f"{where}: there is none yet; `gristmill source draft FILE >> gristmill.toml` proposes both"
    got = detail.get("input")
    may_be_shown = isinstance(got, str | int | float | bool) and detail["type"] != "missing"
    shown = f" (got {got!r})" if may_be_shown and detail["loc"][:1] != WAREHOUSE_URL[:1] else ""
    return f"{where}: {detail['msg']}{shown}"
