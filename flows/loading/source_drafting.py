"""A proposed mapping for a file or a table, before there are any settings.

Belongs here: what the command's argument means, and what the settings (if there are any) add. Does not: how a mapping
is proposed (`warehouse.drafting.draft`).
"""

import os
import tomllib
from pathlib import Path

from pydantic import ValidationError

from config import load_settings
from config.errors import SettingInvalidError, SettingsFileMissingError
from config.loading import settings_file
from data_contracts.contracts import CORE_ENTITIES
from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.inputs import FORMAT_OF_SUFFIX, InputSpec
from flows.errors import DraftUnreadableError
from warehouse.drafting.draft import draft_source
from warehouse.drafting.draft_text import draft_toml, folder_toml
from warehouse.drafting.folder import draft_folder
from warehouse.drafting.sniffing import input_of_file, inputs_of_folder, name_of_input
from warehouse.sources.files import SourcePlace

_OTHERS, _CLOSE = 2, 0.25


def draft(  # the command's options, by name
    what: str,
    *,
    config: Path | None,
    entity: str | None = None,
    database: str | None = None,
    sheet: str | None = None,
    name: str | None = None,
) -> str:
    """TOML that reads and maps a file or table.

    Args:
        what: a file, a folder of files, a glob, a URL or, with `database`, a table.
        config: the settings file, if it was named; without any the folder is the current one.
        entity: the table of the contracts it is to feed; by default the one it fits best.
        database: the environment variable with a database's address, or a DuckDB file.
        sheet: the sheet of a spreadsheet.
        name: the input's and source's name; by default made from the file's.

    Raises:
        DraftUnreadableError: the argument, or an option, can't mean anything.
        UsageError, DataBlockedError, DependencyDownError: see `warehouse.drafting.draft.draft_source`.
    """
    if entity is not None and entity not in CORE_ENTITIES:
        raise DraftUnreadableError(what=what, got=f"--entity {entity}", expected=", ".join(CORE_ENTITIES))
    root, currency = _known(config)
    if database is None and Path(what).is_dir():
        return _draft_folder(Path(what), root, currency)
    try:
        spec = _input(what, root, database=database, sheet=sheet)
    except ValidationError as error:
        got = error.errors()[0]["msg"].removeprefix("Value error, ")
        if database is None and not Path(what).suffix and not (root / what).exists():
            got = "no file, folder or address of this name"
        raise DraftUnreadableError(what=what, got=got, expected="a file, a folder or a table") from None
    variable = spec.database_variable
    environment = {variable: os.environ[variable]} if variable is not None and variable in os.environ else {}
    named = name or name_of_input(what)
    place = SourcePlace(data_root=root, environment=environment)
    best, *others = draft_source(named, spec, place, entity=entity, currency=currency)
    close = {each.entity: each.score for each in others if best.score - each.score < _CLOSE}
    return draft_toml(named, spec, best, others=dict(list(close.items())[:_OTHERS]))


def _draft_folder(folder: Path, root: Path, currency: str | None) -> str:
    """The same of all files of a folder together; files with the same columns are one input."""
    inputs = inputs_of_folder(folder, root)
    if not inputs:
        endings = ", ".join(sorted(FORMAT_OF_SUFFIX))
        raise DraftUnreadableError(what=str(folder), got="a folder without such files", expected=f"files in {endings}")
    return folder_toml(inputs, draft_folder(inputs, SourcePlace(data_root=root), currency=currency))


def _known(config: Path | None) -> tuple[Path, str | None]:
    """The data folder and the company's currency, where settings say them.

    Settings that are not whole yet are asked no more than that: a draft is what makes them whole.
    """
    try:
        settings = load_settings(config)
    except SettingsFileMissingError:
        if config is not None:
            raise
        return Path.cwd(), None
    except SettingInvalidError:
        return _said_so_far(settings_file(config, os.environ))
    return settings.data_folder, settings.company.currency


def _said_so_far(file: Path) -> tuple[Path, str | None]:
    """The same of settings that can't be used yet, as far as they can be read."""
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    paths, company = content.get("paths", {}), content.get("company", {})
    data = paths.get("data") if isinstance(paths, dict) else None
    currency = company.get("currency") if isinstance(company, dict) else None
    root = file.parent / data if isinstance(data, str) else Path.cwd()
    known = isinstance(currency, str) and currency in MINOR_UNIT_DIGITS
    return Path(os.path.normpath(root.absolute())), currency if known else None


def _input(what: str, root: Path, *, database: str | None, sheet: str | None) -> InputSpec:
    if database is None:
        return input_of_file(what, root, sheet=sheet)
    address = f"${{{database}}}" if database.isidentifier() else database
    return InputSpec.model_validate({"database": address, "table": what})
