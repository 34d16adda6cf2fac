"""A proposed mapping for a source that nobody has mapped yet.

Belongs here: which table it feeds, what is proposed, missing and left over. Does not: what fits (`fit.py`), what
fills gaps (`gaps.py`), the TOML (`draft_text.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from data_contracts.contracts import CORE_ENTITIES, Contract, core_contract
from data_contracts.inputs import InputSpec
from data_contracts.sql import identifier
from warehouse.drafting.fit import best_fits, main_moment
from warehouse.drafting.gaps import COUNTED, Gaps, Proposal, natural_hint
from warehouse.drafting.names import MINOR_UNIT_WORDS, table_words, words_of
from warehouse.drafting.periods import paid_periods, payments_query, spells_query, told_of_spells
from warehouse.drafting.profile import Sample
from warehouse.drafting.sampling import excerpted
from warehouse.drafting.streams import products_query, rows_where, stream_of
from warehouse.sources.files import SourcePlace
from warehouse.sources.inputs import read_input, read_query
from warehouse.sources.values import columns_named_in, plain_identifier

SAMPLED_ROWS = 50_000
POOR_SCORE = 0.7
_USUAL_TABLE = "orders"
_SAYS_NOTHING = 0.5
_OWN_COLUMNS = {
    "contacts": (
        "campaign_id", "offer_id", "held_out", "propensity", "opened_at", "clicked_at", "responded_at", "cost"
    ),
    "payments": ("due_on", "paid_on", "disputed"),
    "subscriptions": ("plan", "ended_on"),
    "surveys": ("satisfaction", "nps"),
    "tickets": ("resolved_at", "severity", "compensation"),
}  # fmt: skip
_OWN_WORDS = {
    "contacts": {"sent", "send", "contact", "contacted", "mailing"},
    "payments": {"invoice", "bill", "billed", "issued", "payment", "paid"},
    "subscriptions": {"start", "started", "subscribed", "activation", "contract", "tenure", "begin"},
    "surveys": {"survey", "answered", "response"},
    "tickets": {"ticket", "case", "complaint", "issue"},
}
_LARGEST_MAJOR_AMOUNT = 100_000
_IS_A_STREAM = 0.5
_MOSTLY_THE_SAME = 0.8


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A required field that nothing fills: what it means and what could fill it."""

    field: str
    meaning: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A proposed source.

    Attributes:
        entity: the table it feeds.
        score: how well it fits that table; below `POOR_SCORE` it does not fit.
        proposals: by contract column, in the contract's order.
        missing: required columns that nothing fills.
        unmapped: source columns that the proposals leave out, with their types.
        formats: by contract column how its dates are written; several patterns where no single one reads them all.
        doubtful_formats: by contract column other formats that read the same values.
        money: the unit of its money, where it has any.
        money_doubt: why that unit is but a guess; empty where it is none.
        rows: rows of the sample.
        values: by contract column what the source's words for yes and no mean, where a load would not know.
        no_sales: of orders, by source column its words for what was never sold (`canceled`).
        order_of: by such a column the one that names the order, where one line of an order says it for all of them.
        repeated_rows: of orders whose lines no column numbers, rows that repeat an earlier one wholly.
        query: the query its rows are from, where they are not the source's own (paid periods made subscriptions).
        where: SQL, true for the rows that are its, where others of the source are another table's.
        look: what whoever takes the proposal over should know about that; empty where nothing.
        beside: what else the same rows say, as the draft of another table.
    """

    entity: str
    score: float
    proposals: dict[str, Proposal]
    missing: tuple[Missing, ...]
    unmapped: dict[str, str]
    formats: dict[str, tuple[str, ...]]
    doubtful_formats: dict[str, tuple[str, ...]]
    money: str | None
    rows: int
    values: dict[str, dict[str, bool]] = field(default_factory=dict)
    no_sales: dict[str, tuple[str, ...]] = field(default_factory=dict)
    order_of: dict[str, str] = field(default_factory=dict)
    money_doubt: str = ""
    repeated_rows: int = 0
    query: str | None = None
    where: str | None = None
    look: str = ""
    beside: "Draft | None" = None


def draft_source(
    name: str, spec: InputSpec, place: SourcePlace, *, entity: str | None = None, currency: str | None = None
) -> list[Draft]:
    """Propose how a source is mapped, from its names and a sample of its values.

    Args:
        name: the input's name; its words tell something of the table.
        spec: the input.
        place: where it lies.
        entity: the table it is to feed; by default the one it fits best.
        currency: the company's, where it is known.

    Returns:
        The drafts, the best first; only one when an entity is given.

    Raises:
        UsageError, DataBlockedError, DependencyDownError: see `sources.read_input`.
    """
    with duckdb.connect() as connection, excerpted(name, spec, place, rows=SAMPLED_ROWS) as (excerpt, where):
        connection.execute("set timezone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        raw = read_input(connection, name, excerpt, place=where, rows=SAMPLED_ROWS, keeps_unreadable=True)
        sample = Sample(connection, raw)
        return drafts_of(name, sample, [entity] if entity else CORE_ENTITIES, currency)


def drafts_of(name: str, sample: Sample, entities: Sequence[str], currency: str | None) -> list[Draft]:
    """Drafts of a sample for several tables, the best first; the words of `name` tell something of it."""
    named = words_of(name)
    drafts = [
        (_of_periods(name, sample, currency) if entity == "subscriptions" else None)
        or (_of_stream(name, sample, currency) or _orders(name, sample, currency) if entity == "orders" else None)
        or _draft(core_contract(entity), sample, currency)
        for entity in entities
    ]
    scored = [
        replace(draft, score=draft.score + _named_after(draft.entity, named) - _only_somebody_and_a_time(draft, named))
        for draft in drafts
    ]
    return sorted(scored, key=lambda draft: (-draft.score, CORE_ENTITIES.index(draft.entity)))


def _of_periods(name: str, sample: Sample, currency: str | None) -> Draft | None:
    """Of an input whose rows are paid periods the draft of the subscriptions that they are together."""
    contract = core_contract("subscriptions")
    periods = (
        paid_periods(sample, best_fits(contract, sample)) if sample.raw.table == f"raw.{identifier(name)}" else None
    )
    if periods is None:
        return None
    spells = _of_query(contract, name, sample, spells_query(name, sample, periods), currency)
    paid = _of_query(core_contract("payments"), name, sample, payments_query(name, sample, periods), currency)
    told = "the same payments by themselves: how long ago somebody paid tells most of who will not renew"
    return replace(spells, look=told_of_spells(periods), beside=replace(paid, look=told))


def _of_stream(name: str, sample: Sample, currency: str | None) -> Draft | None:
    """Of an input that is a shop's event stream the draft of what was bought, with the events and products beside."""
    stream = stream_of(sample) if sample.raw.table == f"raw.{identifier(name)}" else None
    if stream is None:
        return None
    rows = rows_where(sample, stream.sold_rows, called=f"{name} bought")
    sold = _draft(core_contract("orders"), rows, currency)
    if sold.missing:
        return None
    others = rows_where(sample, stream.other_rows, called=f"{name} not bought")
    events = _draft(core_contract("events"), others, currency)
    told = f"the rows of {name} that {stream.column} does not call bought, as events"
    events = replace(events, where=stream.other_rows, look=told, beside=_products_of(name, sample, sold))
    bought = ", ".join(stream.bought)
    look = f"{stream.column} tells what was bought ({bought}) from what was not; only that counts as sold"
    return replace(sold, where=stream.sold_rows, score=sold.score + _IS_A_STREAM, look=look, beside=events)


def _orders(name: str, sample: Sample, currency: str | None) -> Draft:
    """The draft of orders, with the products beside that its lines describe."""
    draft = _draft(core_contract("orders"), sample, currency)
    whole = sample.raw.table == f"raw.{identifier(name)}" and not draft.missing
    return replace(draft, beside=_products_of(name, sample, draft)) if whole else draft


def _products_of(name: str, sample: Sample, sold: Draft) -> Draft | None:
    """What the rows say of products, one row for each; None where they say nothing but which."""
    product, contract = sold.proposals["product_id"], core_contract("products")
    if product.how != "columns":
        return None
    named = _draft(contract, sample, None).proposals
    told = [named[field] for field in ("name", "category", "brand") if field in named]
    said = [each.value for each in told if each.how == "columns" and each.value in sold.unmapped]
    said = [column for column in said if sample.mostly_says(column, of=product.value) >= _MOSTLY_THE_SAME]
    if not said:
        return None
    draft = _of_query(contract, name, sample, products_query(name, said, product.value), None)
    if "name" not in draft.proposals:
        words = ", ".join(map(plain_identifier, (*said, product.value)))
        why = "no column names products: what is known of them, for people to read"
        made = Proposal(field="name", how="expressions", value=f"concat_ws(' ', {words})", confidence=0.5, why=why)
        draft = replace(draft, proposals={**draft.proposals, "name": made})
    return replace(draft, look=f"the products that the rows of {name} name, with what most of these say of each")


def _of_query(contract: Contract, name: str, sample: Sample, query: str, currency: str | None) -> Draft:
    named = f"{name} as {contract.entity}"
    sample.connection.execute(f"drop table if exists raw.{identifier(f'query of {named}')}")
    rows = Sample(sample.connection, read_query(sample.connection, named, query))
    return replace(_draft(contract, rows, currency), query=query)


def _draft(contract: Contract, sample: Sample, currency: str | None) -> Draft:
    fits = best_fits(contract, sample)
    proposals = Gaps(contract=contract, sample=sample, fits=fits, currency=currency).fill()
    missing = tuple(
        Missing(field=name, meaning=contract.columns[name].meaning, hint=natural_hint(contract, name))
        for name in contract.required_columns()
        if name not in proposals
    )
    used = set(_used_columns(proposals.values(), sample))
    left = [name for name in sample.facts if name not in used]
    moments = {
        name: sample.facts[proposal.value]
        for name, proposal in proposals.items()
        if proposal.how == "columns" and contract.columns[name].type in ("date", "timestamp")
    }
    no_sales = {name: words for name in left if contract.entity == "orders" and (words := sample.no_sales(name))}
    order = proposals.get("order_id")
    formats = {name: facts.mixed_formats or facts.date_formats[:1] for name, facts in moments.items()}
    money, money_doubt = _money_unit(contract, proposals, sample)
    return Draft(
        entity=contract.entity,
        score=_score(contract, proposals, used=len(used) / max(len(sample.facts), 1)),
        proposals=proposals,
        missing=missing,
        unmapped={column: sample.facts[column].type for column in left},
        formats={name: found for name, found in formats.items() if any(found)},
        doubtful_formats={name: facts.date_formats[1:] for name, facts in moments.items() if facts.date_formats[1:]},
        money=money,
        money_doubt=money_doubt,
        rows=sample.rows,
        values={
            name: dict(sample.facts[proposal.value].truth_words)
            for name, proposal in proposals.items()
            if contract.columns[name].type == "boolean"
            and proposal.how == "columns"
            and sample.facts[proposal.value].truth_words
        },
        no_sales=no_sales,
        order_of={
            name: order.value
            for name in no_sales
            if order is not None and order.how == "columns" and sample.said_once(name, order.value)
        },
        repeated_rows=sample.repeated_rows() if _line_is_counted(proposals) else 0,
    )


def _line_is_counted(proposals: dict[str, Proposal]) -> bool:
    """Whether lines get a number that no column says, by which a repeated row is one line more."""
    return "line_number" in proposals and proposals["line_number"].how == "expressions"


def _used_columns(proposals: Iterable[Proposal], sample: Sample) -> Iterable[str]:
    for proposal in proposals:
        if proposal.how == "columns":
            yield proposal.value
        elif proposal.how == "expressions":
            yield from columns_named_in(proposal.value, sample.facts)


def _score(contract: Contract, proposals: dict[str, Proposal], *, used: float) -> float:
    """Mean confidence of what the table needs, and how much of the source it uses."""
    needed = [name for name in contract.required_columns() if name not in ("currency", "line_number")]
    told = [proposals[name] for name in needed if name in proposals and _says_something(proposals[name])]
    found = sum(proposal.confidence for proposal in told) / len(needed)
    optional = [name for name in proposals if not contract.columns[name].required and proposals[name].confidence > 0.4]  # noqa: PLR2004  # a column fits
    usual = 0.1 if contract.entity == _USUAL_TABLE else 0.0
    return found + 0.05 * min(len(optional), 6) + 0.3 * used + usual


def _says_something(proposal: Proposal) -> bool:
    """Whether it comes from what the source holds, and is neither a count of rows nor a key that many rows share."""
    return proposal.how != "constants" and proposal.confidence != COUNTED


def _named_after(entity: str, words: Iterable[str]) -> float:
    known = table_words(entity)
    return 0.3 if any(word in known or word.rstrip("s") in known for word in words) else 0.0


def _only_somebody_and_a_time(draft: Draft, words: Iterable[str]) -> float:
    """What a table loses as one that says more than who and when, where neither its name nor a column says that."""
    said = _OWN_COLUMNS.get(draft.entity)
    if said is None or _named_after(draft.entity, words):
        return 0.0
    moment = draft.proposals.get(main_moment(core_contract(draft.entity)))
    named = moment is not None and _OWN_WORDS[draft.entity] & set(words_of(moment.value))
    return 0.0 if named or any(name in draft.proposals for name in said) else _SAYS_NOTHING


def _money_unit(contract: Contract, proposals: dict[str, Proposal], sample: Sample) -> tuple[str | None, str]:
    """Minor units when all amounts are whole, without a sign, and their names or sizes say so, else major ones.

    A size alone is a doubt: a company whose coins are worth little has such amounts in major units. Whole numbers that
    are written with a point (`1072.0`) are major ones, unless some are missing: then programs write all of them so.

    Returns:
        The unit, None where there is no money; why it is but a guess, else empty.
    """
    amounts = [proposals[name] for name in contract.columns_of_type("money") if name in proposals]
    if not amounts:
        return None, ""
    facts = [sample.facts[column] for column in _used_columns(amounts, sample)]
    if any(MINOR_UNIT_WORDS & set(words_of(each.name)) for each in facts):
        return "minor", ""
    largest = max((each.largest for each in facts), default=0.0)
    if any(each.decimals or each.sign or each.is_written_as_decimal for each in facts):
        return "major", ""
    if largest <= _LARGEST_MAJOR_AMOUNT:
        return "major", ""
    return "minor", f'all amounts are whole and go up to {largest:,.0f}; are they no coins, put "major"'
