"""What a load is asked and what it tells: plain, frozen forms that the steps of a load share.

Belongs here: the plan of a load, where it goes, its counts and its result. Does not: any step (`ingestion.py` and the
modules it calls).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from data_contracts.checking import CheckedTable, RuleCount
from data_contracts.errors import DataBlockedError
from data_contracts.identity import IdentitySettings
from data_contracts.inputs import InputSpec
from data_contracts.mapping import RuleSpec, SourceMapping
from data_contracts.profiles import Profile
from data_contracts.table_checking import TableRuleResult
from warehouse.identities.state import IdentityState
from warehouse.lake import Lake, Load
from warehouse.loads.increments import Reading
from warehouse.loads.merging import MergeCounts
from warehouse.loads.states import SourceState, Standing
from warehouse.personal_data import PersonalDataKey
from warehouse.privacy.tombstones import Tombstones
from warehouse.scratch import Scratch

NO_CHANGES = MergeCounts()
NOTHING_STANDS = Standing()
NOBODY_ERASED = Tombstones()


@dataclass(frozen=True, kw_only=True)
class EntityCounts:
    """What became of the rows of one entity that were read: `read` = `accepted` + `quarantined`.

    Attributes:
        read: rows read now.
        accepted: of those, the rows that are fit for use.
        quarantined: of those, the rows set aside.
        rules: how many rows break which rule.
        merged: what became of the accepted rows beside those of earlier loads.
        left_out: rows beside those read that are not the table's, as its sources say (`SourceMapping.where`).
    """

    read: int
    accepted: int
    quarantined: int
    rules: tuple[RuleCount, ...]
    merged: MergeCounts = NO_CHANGES
    left_out: int = 0

    @classmethod
    def of(cls, checked: CheckedTable, merged: MergeCounts, *, left_out: int = 0) -> "EntityCounts":
        """The counts of a checked table."""
        return cls(
            read=checked.read,
            accepted=checked.accepted,
            quarantined=checked.quarantined,
            rules=checked.rules,
            merged=merged,
            left_out=left_out,
        )

    def without(self, set_aside: int) -> "EntityCounts":
        """The counts without so many of the rows set aside: they were of erased people."""
        return replace(self, read=self.read - set_aside, quarantined=self.quarantined - set_aside)

    def broken(self) -> dict[str, int]:
        """Rows by rule, of the rules that any row breaks (warnings included)."""
        return {count.rule: count.rows for count in self.rules if count.rows}


@dataclass(frozen=True, kw_only=True)
class CoreLoad:
    """What a load brings into the core layer.

    Attributes:
        load: the load in the lake: by entity (those that have a source) its rows, all versions (`core/rows.py`).
            Text String, integer Int32, number Float64, money Int64 minor units, date Date, timestamp
            Datetime("us", "UTC"), boolean Boolean; sorted by customer and time, else by key, within a file.
        quarantined: the rows set aside, as `judged_rows.QUARANTINE_SCHEMA`; `rules` names the rules it breaks,
            `raw_row` is the source's row as JSON (it may hold personal data: keep it as carefully as the source).
        counts: by entity.
        docs_page: the Data Docs page to open, where one was asked for.
        profiles: by entity what the merged table looks like, for later loads to be held against.
        table_rules: what came of the rules about whole tables.
        states: how each source stands now.
        reading: what was read.
        identities: who is who, where records are joined.
        erased: by entity how many rows of erased people were dropped; nothing else is known of them.
    """

    load: Load
    quarantined: pl.DataFrame = field(repr=False)
    counts: dict[str, EntityCounts]
    docs_page: Path | None
    profiles: dict[str, Profile] = field(default_factory=dict, repr=False)
    table_rules: tuple[TableRuleResult, ...] = ()
    states: tuple[SourceState, ...] = ()
    reading: Reading
    identities: IdentityState | None = None
    erased: Mapping[str, int] = field(default_factory=dict)

    @property
    def load_id(self) -> str:
        """The load's name."""
        return self.load.load_id


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """What is to be loaded, and by which settings.

    Attributes:
        inputs: files by input name.
        sources: mappings by source name; rows are read in this order.
        rules: the company's rules, and changes of built-in rules' severity.
        data_root: the folder that the inputs' patterns are relative to.
        company_currency: ISO 4217 code; rows in another currency go to quarantine.
        time_zone: zone of timestamps that carry none.
        environment: by name the environment variables that inputs name (addresses of databases).
        identity: when records of customers are one customer.
        scratch: where the load works, and with how much memory.
    """

    inputs: Mapping[str, InputSpec]
    sources: Mapping[str, SourceMapping]
    rules: Sequence[RuleSpec]
    data_root: Path
    company_currency: str
    time_zone: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    scratch: Scratch = field(default_factory=Scratch)


def no_failpoint(point: str) -> None:
    """Nothing happens at any point."""


def nothing_kept(rows: pl.DataFrame, reason: DataBlockedError) -> None:
    """What a blocked load broke on is not kept."""


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where a load goes, and what it goes on from.

    Attributes:
        lake: the lake.
        buckets: how many buckets customers are spread over.
        standing: what the load before left.
        everything: read incremental inputs whole too.
        allow_empty: let inputs and required tables be empty for this once.
        erased: people whose rows are dropped, whatever the sources say.
        key: what contact data are hashed with; None leaves the hashes null.
        failpoint: called with a name at points where a process may die, for tests.
        when_blocked: given the rows that broke a rule and the reason, where the load is blocked once rows are judged.
    """

    lake: Lake
    buckets: int
    standing: Standing = NOTHING_STANDS
    everything: bool = False
    allow_empty: bool = False
    erased: Tombstones = NOBODY_ERASED
    key: PersonalDataKey | None = None
    failpoint: Callable[[str], None] = no_failpoint
    when_blocked: Callable[[pl.DataFrame, DataBlockedError], None] = nothing_kept
