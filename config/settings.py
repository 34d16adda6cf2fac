"""Every setting, with its meaning, its unit and the rule it has to keep.

Belongs here: frozen, extra-forbidding models. Does not: reading files or the environment (`loading.py`).
"""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from config.compute import Compute
from config.decisions import Decisions
from config.logs import Logs
from config.notifications import Notifications
from config.orchestration import Orchestration
from config.own_features import code_digest
from config.receipts import Receipts
from config.segmentation import Segmentation
from data_contracts.addresses import redacted_address
from data_contracts.closed_days import NEVER_CLOSED, ClosedDays
from data_contracts.contracts import ANCHOR_ENTITIES
from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.identity import IdentitySettings, fault_of_identity
from data_contracts.inputs import InputSpec
from data_contracts.mapping import RuleSpec, SourceMapping
from data_contracts.own_features import OwnFeature
from data_contracts.table_rules import TableRuleSpec

Share = Annotated[float, Field(gt=0, lt=1)]
PositiveDays = Annotated[int, Field(ge=1, le=3660)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Company(_Section):
    """Who the data are about."""

    name: str
    currency: str = Field(description="ISO 4217 code all money is in")
    time_zone: str = Field(description="IANA name; business dates are days of this zone")
    closed_days: ClosedDays = Field(
        default=NEVER_CLOSED, description='dates without business, or "12-25" for every year; never missing days'
    )

    @field_validator("currency")
    @classmethod
    def _currency_exists(cls, value: str) -> str:
        if value not in MINOR_UNIT_DIGITS:
            raise ValueError("not a currency code of ISO 4217 such as 'GBP'")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("not an IANA time zone such as 'Europe/London'") from error
        return value


class Paths(_Section):
    """Where things lie; relative paths start at the settings file's folder."""

    data: Path = Field(default=Path(), description="folder that the inputs' files are relative to")
    workspace: Path = Field(default=Path("work"), description="everything the product writes")
    scratch: Path | None = Field(
        default=None,
        description="where loads and nights work, on a disk with room; by default the system's temporary folder",
    )
    erasures: Path | None = Field(
        default=None, description="who was erased, as keyed hashes; by default a folder beside the workspace"
    )


class Population(_Section):
    """Which customers the models are asked about."""

    active_within_days: PositiveDays = 365


class Training(_Section):
    """How models are trained."""

    churn_horizon_days: PositiveDays | None = Field(
        default=None, description="no purchase within so many days is churn; by default read from how customers buy"
    )
    next_offer_window_days: PositiveDays = 30
    history_days: PositiveDays = Field(default=90, description="least history before the first snapshot")
    seed: int = 20_260_101
    discount_rate_per_year: float = Field(
        default=0.10, ge=0, le=1, description="by how much money a year later is worth less; for the 24-month value"
    )
    most_rows: int = Field(
        default=500_000,
        ge=50_000,
        description="customers times snapshots that churn and value learn from, about; 10 KB of memory each",
    )
    value_of: Literal["margin_where_known", "net_sales"] = Field(
        default="margin_where_known",
        description="what expected values are of: margin where costs are known of at least 90 % of sales, or net sales",
    )


class Segments(_Section):
    """Where the lines between segments run."""

    tier_shares: tuple[Share, Share, Share] = Field(
        default=(0.05, 0.20, 0.50), description="shares of customers that are platinum, gold, iron; the rest are lead"
    )
    churn_risk_bands: tuple[Share, Share, Share] = Field(
        default=(0.25, 0.50, 0.75), description="churn probabilities at which medium, high and critical risk begin"
    )

    control_group_share: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="of every audience, customers who are never contacted: effects are told by them",
    )
    contact_without_recorded_consent: bool = Field(
        default=True, description="whether a customer whose consent is not recorded may be contacted"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if sum(self.tier_shares) >= 1:
            raise ValueError("tier_shares must leave some customers for the lead tier: they sum to 1 or more")
        if list(self.churn_risk_bands) != sorted(set(self.churn_risk_bands)):
            raise ValueError("churn_risk_bands must rise")
        return self


class Gates(_Section):
    """What has to hold before a night is scored."""

    stale_after_days: PositiveDays = Field(default=14, description="the newest order may be this much older than as_of")
    blank_features_share: float = Field(
        default=0.2, ge=0, le=1, description="of a champion's gain, what features that are blank for all may carry"
    )


class Lake(_Section):
    """How core rows are kept."""

    buckets: int = Field(default=8, ge=1, le=4096, description="files a customer table is cut into; bounds memory")
    keep_loads: int = Field(default=5, ge=1, le=1000, description="versions of the core that are kept")


class WarehousePlace(_Section):
    """Where published tables, the quarantine and the ledger are kept."""

    url: SecretStr = Field(
        default=SecretStr(""),
        description="a PostgreSQL database, postgresql://…; empty: a DuckDB file in the workspace",
    )
    serving_copy: bool = Field(
        default=True, description="of DuckDB: keep a copy of the published tables that readers may hold open at night"
    )
    connect_timeout_seconds: Seconds = Field(default=10, description="of PostgreSQL: how long to try to connect")
    statement_timeout_seconds: Seconds = Field(default=900, description="of PostgreSQL: for any one statement")
    lock_timeout_seconds: Seconds = Field(default=30, description="of PostgreSQL: for readers who are in the way")

    @field_validator("url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("not an address that begins with postgresql:// (it is not shown: it may hold a password)")
        return value


class Registry(_Section):
    """Where models are registered."""

    tracking_uri: str = Field(default="", description="an MLflow server or database; empty: SQLite in the workspace")
    cache_days: float = Field(
        default=7, ge=0, le=366, description="for so long champions score although the registry does not answer"
    )
    shadow_challengers: bool = Field(
        default=False, description="a good model that lost against its champion scores beside it from the next night on"
    )


class Simulation(_Section):
    """The simulated company that `gristmill simulate` writes."""

    customers: int = Field(default=5_000, ge=1)
    start: str = Field(default="2024-01-01", pattern=r"^\d{4}-\d{2}-\d{2}$")
    end: str = Field(default="2026-01-01", pattern=r"^\d{4}-\d{2}-\d{2}$")
    seed: int = 7


class Settings(_Section):
    """All settings of one company."""

    base: Path = Field(description="the settings file's folder (not a setting)", exclude=True)
    file: Path | None = Field(default=None, description="the settings file (not a setting)", exclude=True)
    company: Company
    paths: Paths = Paths()
    inputs: dict[str, InputSpec] = Field(min_length=1)
    sources: dict[str, SourceMapping] = Field(min_length=1)
    identity: IdentitySettings = IdentitySettings()
    rules: tuple[RuleSpec, ...] = ()
    table_rules: tuple[TableRuleSpec, ...] = ()
    features: tuple[OwnFeature, ...] = ()
    population: Population = Population()
    training: Training = Training()
    segments: Segments = Segments()
    decisions: Decisions = Decisions()
    segmentation: Segmentation = Segmentation()
    receipts: Receipts = Receipts()
    gates: Gates = Gates()
    lake: Lake = Lake()
    warehouse: WarehousePlace = WarehousePlace()
    compute: Compute = Compute()
    registry: Registry = Registry()
    orchestration: Orchestration = Orchestration()
    notifications: Notifications = Notifications()
    logs: Logs = Logs()
    simulation: Simulation = Simulation()

    @model_validator(mode="after")
    def _sources_fit_together(self) -> Self:
        if not any(source.entity in ANCHOR_ENTITIES for source in self.sources.values()):
            raise ValueError("no source feeds 'orders' or 'subscriptions': one of them is required")
        for name, source in self.sources.items():
            if source.input is not None and source.input not in self.inputs:
                raise ValueError(
                    f"sources.{name}.input: there is no [inputs.{source.input}]; there are {sorted(self.inputs)}"
                )
        if fault := fault_of_identity(self.identity, self.sources):
            raise ValueError(fault)
        return self

    @property
    def data_folder(self) -> Path:
        """Absolute folder of the raw files."""
        return (self.base / self.paths.data).resolve()

    @property
    def workspace(self) -> Path:
        """Absolute folder of everything the product writes."""
        return (self.base / self.paths.workspace).resolve()

    @property
    def scratch_folder(self) -> Path | None:
        """Absolute folder where loads and nights work; None for the system's temporary folder."""
        return None if self.paths.scratch is None else (self.base / self.paths.scratch).resolve()

    @property
    def erasures_folder(self) -> Path:
        """Absolute folder outside the workspace where erasures are on record: restoring the workspace undoes none."""
        beside = self.workspace.with_name(f"{self.workspace.name}-erasures")
        return beside if self.paths.erasures is None else (self.base / self.paths.erasures).resolve()

    @property
    def warehouse_file(self) -> Path:
        """The DuckDB file with the published tables, the quarantine and the ledger, where `warehouse.url` is empty."""
        return self.workspace / "warehouse.duckdb"

    @property
    def serving_file(self) -> Path:
        """The DuckDB file that readers open, where the warehouse is a DuckDB file."""
        return self.workspace / "serving.duckdb"

    @property
    def warehouse_address(self) -> str:
        """The PostgreSQL warehouse's address with its password, for nobody but the warehouse; empty for DuckDB."""
        return self.warehouse.url.get_secret_value()

    @property
    def tracking_uri(self) -> str:
        """Where MLflow keeps its records."""
        return self.registry.tracking_uri or f"sqlite:///{self.workspace / 'mlflow.db'}"

    @property
    def redacted_tracking_uri(self) -> str:
        """The same, fit to be shown."""
        return str(_redact(self.tracking_uri))

    @cached_property
    def configuration_hash(self) -> str:
        """SHA-256 of every setting that can change a result (not of where things lie or who runs them)."""
        elsewhere = {
            "paths",
            "compute",
            "registry",
            "orchestration",
            "simulation",
            "lake",
            "warehouse",
            "base",
            "notifications",
            "logs",
        }
        elsewhere.add("table_rules")  # they decide whether a load may stand, not what it brings
        code = code_digest(self.features, self.base)
        return hashlib.sha256(f"{self.model_dump_json(exclude=elsewhere)}{code}".encode()).hexdigest()

    def redacted(self) -> dict[str, Any]:
        """All settings as plain values, passwords in addresses replaced by `***`."""
        content: dict[str, Any] = _redact(self.model_dump(mode="json"))
        content["warehouse"]["url"] = redacted_address(self.warehouse_address)
        told = content["notifications"]
        told["command"] = [*told["command"][:1], *("***" for _ in told["command"][1:])]  # a token may be among them
        return content


def _redact(value: Any) -> Any:  # noqa: ANN401 walks any tree of plain values
    if isinstance(value, dict):
        return {key: _redact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_redact(item) for item in value]
    if isinstance(value, str):
        return redacted_address(value)
    return value
