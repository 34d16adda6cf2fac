"""Great Expectations, run inside DuckDB: the only module that imports it.

Belongs here: an execution engine that works on DuckDB, and expectations made of bound rules. Does not: what the rules
are (`rules.py`), what happens to rows that break them (`checking.py`), or the page that tells of it (`data_docs.py`:
Great Expectations' own pages are empty without a network, because their tables come from scripts of other hosts).

No value of a checked table reaches a result: results carry counts only (`exclude_unexpected_values`).
Importing this module costs about nine seconds of processor time, so import it inside functions.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import great_expectations as gx
import sqlalchemy.dialects.postgresql as postgresql_dialect
from great_expectations import expectations as gxe
from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation_configuration import parse_result_format

from data_contracts.data_docs import RuleResult, TableResult, table_result, with_rows_beside, write_data_docs
from data_contracts.rules import BoundRule
from data_contracts.sql import first_row
from data_contracts.table_checking import TableRuleResult


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):  # type: ignore[misc]  # the library's types are not followed
    """Keeps one connection open: DuckDB's results are lazy, and the base class fetches after closing its connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # passed through to the library
        super().__init__(*args, **kwargs)
        self.dialect_module = (
            postgresql_dialect  # DuckDB speaks PostgreSQL's dialect, and the base class knows that one
        )
        self._kept: Any = None

    @contextmanager
    def get_connection(self) -> Iterator[Any]:
        """The one connection, as SQLAlchemy wraps it."""
        if self._kept is None:
            self._kept = self.engine.connect()
        yield self._kept

    def end_transaction(self) -> None:
        """Let other connections see what was made since, and this one what they made."""
        with self.get_connection() as kept:
            kept.commit()

    def release(self) -> None:
        """Close the connection and the database."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self.engine.dispose()


EngineClass = type[DuckDBExecutionEngine]


class DuckDBDatasource(SQLDatasource):  # type: ignore[misc]  # the library's types are not followed
    """A Great Expectations data source on DuckDB; the library registers it as `add_duckdb`."""

    type: Literal["duckdb"] = "duckdb"

    @property
    def execution_engine_type(self) -> EngineClass:
        """The engine that keeps its connection."""
        return DuckDBExecutionEngine

    def get_engine(self) -> Any:  # noqa: ANN401  # SQLAlchemy's engine; its types are not followed
        """The execution engine's own engine, so that there is one database."""
        return self.get_execution_engine().engine


class _CountsOnly:
    """What our expectations have in common: they ask for counts, never for values, and describe themselves once.

    A query less for each rule, and half of the library's own processor time.
    """

    _told: Any

    def get_validation_dependencies(
        self,
        execution_engine: Any = None,  # noqa: ANN401  # the library's types are not followed
        runtime_configuration: dict[str, Any] | None = None,
        **_: Any,  # noqa: ANN401  # the library's base class takes more, and uses none of it
    ) -> Any:  # noqa: ANN401  # as above
        """The metrics the library is to find: those it asks for where only a yes or no is wanted, which are counts."""
        asked = runtime_configuration or {}
        needed = super().get_validation_dependencies(  # type: ignore[misc]  # the other base class has it
            execution_engine, {**asked, "result_format": {"result_format": "BOOLEAN_ONLY"}}
        )
        needed.result_format = parse_result_format(asked.get("result_format", "BASIC"))
        return needed

    @property
    def configuration(self) -> Any:  # noqa: ANN401  # as above
        """What the library reads of an expectation some eighty times; here it does not change once it is asked for."""
        if self._told is None:
            self._told = super().configuration  # type: ignore[misc]  # as above
        return self._told


class ExpectRuleColumnToHaveValues(_CountsOnly, gxe.ExpectColumnValuesToNotBeNull):  # type: ignore[misc]  # as above
    """A rule's column is never empty."""

    _told: Any = PrivateAttr(default=None)


class ExpectRuleColumnToBeInSet(_CountsOnly, gxe.ExpectColumnValuesToBeInSet):  # type: ignore[misc]  # as above
    """A rule's column has none but the allowed values."""

    _told: Any = PrivateAttr(default=None)


class Expectations:
    """One database, its connection, and the validations made on its tables."""

    def __init__(self, database: Path) -> None:
        stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
        configuration = DataContextConfig(
            store_backend_defaults=stores, analytics_enabled=False, progress_bars={"globally": False}
        )
        self._context = gx.get_context(mode="ephemeral", project_config=configuration)
        self._source = self._context.data_sources.add_duckdb(
            "checked_tables", connection_string=f"duckdb:///{database.as_posix()}", create_temp_table=False
        )
        self._engine: DuckDBExecutionEngine = self._source.get_execution_engine()
        self._load_id = ""
        self._tables: list[TableResult] = []

    @property
    def connection(self) -> Any:  # noqa: ANN401  # a DuckDBPyConnection, which SQLAlchemy hands on untyped
        """The DuckDB connection that the validations run on."""
        with self._engine.get_connection() as kept:
            unwrapped = kept.connection.driver_connection.execute("select 1")  # out of duckdb-engine's own class
        unwrapped.fetchall()
        return unwrapped

    def validate(self, *, name: str, table: str, rules: Sequence[BoundRule], run_name: str) -> dict[str, int | None]:
        """Check a table against its rules.

        Args:
            name: what the pages call the table.
            table: the table; it has a Boolean column named after each rule, and the rules' own columns.
            rules: the rules.
            run_name: the load, as the pages call it.

        Returns:
            By rule name the number of rows that break it; None where the check itself failed.
        """
        suite = gx.ExpectationSuite(name=name, expectations=[_expectation(rule) for rule in rules])
        asset = self._source.add_table_asset(name, table_name=table)
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        result = batch.validate(
            suite,
            result_format={
                "result_format": "BASIC",
                "partial_unexpected_count": 0,
                "exclude_unexpected_values": True,
            },
        )
        self._engine.end_transaction()
        counts: dict[str, int | None] = {
            each.expectation_config.meta["rule"]: each.result.get("unexpected_count")
            if not each.exception_info.get("raised_exception")
            else None
            for each in result.results
        }
        self._load_id = run_name
        self._tables.append(table_result(self.connection, entity=name, table=table, rules=rules, counts=counts))
        return counts

    def note_rows_beside(self, entity: str, found: RuleResult) -> None:
        """Let the pages tell of rows that never came into the table validated last: they break a rule judged before."""
        last = self._tables.pop()
        if last.entity != entity:
            raise ValueError(f"{entity} was not the table validated last")
        self._tables.append(with_rows_beside(last, found))

    def write_pages(self, folder: Path, *, table_rules: Sequence[TableRuleResult] = ()) -> Path:
        """Write the Data Docs of everything validated so far; returns the page to open."""
        (judged_at,) = first_row(
            self.connection,
            "select strftime(getvariable('now')::timestamptz at time zone 'UTC', '%-d %B %Y, %H:%M UTC')",
        )
        return write_data_docs(
            folder,
            load_id=self._load_id,
            judged_at=judged_at or "",
            checked_by=f"Great Expectations {gx.__version__}",
            tables=self._tables,
            table_rules=table_rules,
        )

    def close(self) -> None:
        """Close the connection; the database file can be removed then."""
        self._engine.release()


def _expectation(rule: BoundRule) -> Any:  # noqa: ANN401  # the library's types are not followed
    """The rule as a typed expectation where there is one, else as "this rule's column is always true"."""
    about = {"meta": {"rule": rule.name}}
    if rule.present:
        return ExpectRuleColumnToHaveValues(column=rule.column, **about)
    if rule.allowed:
        return ExpectRuleColumnToBeInSet(column=rule.column, value_set=list(rule.allowed), **about)
    return ExpectRuleColumnToBeInSet(column=rule.name, value_set=[True], **about)
