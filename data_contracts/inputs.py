"""Where a company's raw rows lie: what `[inputs.<name>]` of `gristmill.toml` may say.

Belongs here: the frozen, strict form of an input and the checks that need no data. Does not: reading it
(`warehouse/sources/inputs.py` and its neighbours), or mapping its rows (`mapping.py`).
"""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

FileFormat = Literal["csv", "parquet", "jsonl", "excel"]

FORMAT_OF_SUFFIX: Mapping[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}
COMPRESSED_SUFFIX = ".gz"
_COMPRESSIBLE = ("csv", "jsonl")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")
_LONGEST_NAME_BYTES = 63
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WITH_USER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s]*@")
_SIGNED = re.compile(
    r"[?&;](?:[\w.-]*(?:signature|token|secret|password|credential)|sig|key|api[_-]?key)=", re.IGNORECASE
)


class InputSpec(BaseModel):
    """Files, or a database's table or query, that hold the same kind of rows.

    Attributes:
        files: a glob (or a list of them), relative to the data folder, or URLs (`s3://`, `gs://`, `az://`, `https://`,
            `file://`). An ending `.gz` (CSV, JSON lines) is unpacked on the way.
        format: `csv`, `parquet`, `jsonl` or `excel`; by default what the files' ending says.
        delimiter: what separates the values of a CSV file; by default a comma (a tab for `.tsv`).
        quote: what encloses a value of a CSV file that contains the delimiter.
        encoding: how a CSV file is written: `utf-8`, `windows-1252` (Western Europe, with the euro sign), `latin-1`
            (the same without what Windows added) or `utf-16`.
        null_texts: texts that stand for "no value" in a CSV file.
        sheet: the sheet of an Excel file, by name; by default its first.
        header_row: the row of the sheet that names the columns, counted from 1.
        database: `${NAME}`, an environment variable that holds the address of a PostgreSQL database or a DuckDB file;
            or the path of a DuckDB file, relative to the data folder. An address itself (it may hold a password) is
            refused.
        table: a table or view of the database, `table` or `schema.table`; or
        query: a query in the database's own SQL.
        load: `full`, the input shows all there is each time, and rows that are no longer in it are gone; or
            `incremental`, only what is new or changed is read, and rows stay until they are corrected.
        watermark: of an incremental table or query: its column that rises with every new or changed row.
        look_back_days: how far below the watermark of the load before rows are read again, for those that were
            written late; and how late a row may happen to be before it is told of as very late.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...] = ()
    format: FileFormat | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=4)
    quote: str = Field(default='"', min_length=1, max_length=1)
    encoding: Literal["utf-8", "windows-1252", "latin-1", "utf-16"] = "utf-8"
    null_texts: tuple[str, ...] = ("",)
    sheet: str | None = Field(default=None, min_length=1)
    header_row: int = Field(default=1, ge=1)
    database: str | None = Field(default=None, min_length=1)
    table: str | None = None
    query: str | None = Field(default=None, min_length=1)
    load: Literal["full", "incremental"] = "full"
    watermark: str | None = Field(default=None, min_length=1)
    look_back_days: int = Field(default=3, ge=0, le=3660)

    @field_validator("files", "null_texts", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("files")
    @classmethod
    def _no_user_in_a_url(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(_WITH_USER.match(pattern) for pattern in value):
            raise ValueError(
                "a URL must not name a user or a password: give them to the store's own environment variables"
            )
        if any(is_url(pattern) and _SIGNED.search(pattern) for pattern in value):
            raise ValueError("a URL with a signature or a key in it is a secret: settings are no place for it")
        return value

    @field_validator("database")
    @classmethod
    def _no_address_in_the_settings(cls, value: str | None) -> str | None:
        if value is None or _VARIABLE.fullmatch(value):
            return value
        if _URL.match(value) or "=" in value or "${" in value:
            raise ValueError(
                "an address may hold a password, so it is not written here: put it into an environment variable and "
                'name that, database = "${SHOP_DATABASE}"; a DuckDB file is named by its path'
            )
        return value

    @field_validator("table")
    @classmethod
    def _table_is_a_plain_name(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not _TABLE_NAME.fullmatch(value) or any(len(part) > _LONGEST_NAME_BYTES for part in value.split(".")):
            raise ValueError(
                'expected "table" or "schema.table" of lower-case letters, digits and underscores; a table of another '
                "name is reached by a query"
            )
        return value

    @model_validator(mode="after")
    def _files_or_database(self) -> Self:
        if bool(self.files) == (self.database is not None):
            raise ValueError(
                "an input is exactly one of: files (a pattern or several) or database (with table or query)"
            )
        if self.database is None and (self.table is not None or self.query is not None):
            raise ValueError('table and query are read from a database: say database = "${SHOP_DATABASE}" beside them')
        if self.database is not None and (self.table is None) == (self.query is None):
            raise ValueError("an input from a database says exactly one of: table or query")
        return self

    @model_validator(mode="after")
    def _watermark_fits(self) -> Self:
        needs_one = self.load == "incremental" and self.database is not None
        if needs_one and self.watermark is None:
            raise ValueError(
                "an incremental input from a database names the column that rises with every new or changed row: "
                'watermark = "updated_at"'
            )
        if self.watermark is not None and not needs_one:
            raise ValueError(
                'a watermark is for an incremental table or query: say load = "incremental", with database (files are '
                "told apart by what is in them)"
            )
        return self

    @model_validator(mode="after")
    def _format_is_known(self) -> Self:
        for pattern in self.files:
            if self.format is None and _suffix(pattern) not in FORMAT_OF_SUFFIX:
                raise ValueError(
                    f'the format of files "{pattern}" is unknown by its ending ({", ".join(FORMAT_OF_SUFFIX)}): '
                    'say format = "csv", "parquet", "jsonl" or "excel"'
                )
            if is_compressed(pattern) and self.format_of(pattern) not in _COMPRESSIBLE:
                raise ValueError(f'files "{pattern}": only CSV and JSON lines are read from .gz; unpack it first')
        return self

    @property
    def is_incremental(self) -> bool:
        """Whether only what is new or changed is read."""
        return self.load == "incremental"

    @property
    def database_variable(self) -> str | None:
        """The environment variable that holds the database's address, where one is named."""
        found = _VARIABLE.fullmatch(self.database or "")
        return found.group(1) if found else None

    def format_of(self, file_name: str) -> FileFormat:
        """The format of one of the input's files: the one given, or what its ending says."""
        return self.format or FORMAT_OF_SUFFIX[_suffix(file_name)]


class NarrowedInput(InputSpec):
    """A database's input of which only some rows are read.

    Attributes:
        condition: SQL of the database, true for those rows.
    """

    condition: str


def is_compressed(file_name: str) -> bool:
    """Whether a file is unpacked while it is read."""
    return _plain_path(file_name).suffix.lower() == COMPRESSED_SUFFIX


def is_url(pattern: str) -> bool:
    """Whether a pattern of `files` is a URL and not a path."""
    return _URL.match(pattern) is not None


def environment_names(inputs: Mapping[str, InputSpec]) -> tuple[str, ...]:
    """The environment variables that inputs name, sorted."""
    return tuple(sorted({spec.database_variable for spec in inputs.values() if spec.database_variable is not None}))


def _suffix(file_name: str) -> str:
    path = _plain_path(file_name)
    return (path.with_suffix("") if path.suffix.lower() == COMPRESSED_SUFFIX else path).suffix.lower()


def _plain_path(file_name: str) -> PurePosixPath:
    return PurePosixPath(file_name.split("?", maxsplit=1)[0] if is_url(file_name) else file_name)
