"""What fills the fields that no column fits: made from other columns, a constant, or nothing and a word about it.

Belongs here: derived expressions and constants, each with a confidence and its reason. Does not: which column fits
which field (`fit.py`), what orders need (`order_lines.py`), dates in parts and months (`moments.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Literal

from data_contracts.contracts import Contract
from data_contracts.sql import text
from warehouse.drafting import moments, order_lines
from warehouse.drafting.currency import said_currency
from warehouse.drafting.fit import LEAST_SCORE, Fit, is_counted_time, main_moment
from warehouse.drafting.names import likeness, words_of
from warehouse.drafting.profile import ColumnFacts, Sample
from warehouse.sources.truth import control_words
from warehouse.sources.values import plain_identifier as identifier

How = Literal["columns", "expressions", "constants"]

COUNTED = LEAST_SCORE
"""The confidence in a key that only counts rows: as little as in a column that most rows share."""

_NEARLY_ALL, _UNIQUE = 0.95, 0.9995
_LONG_KNOWN = "2000-01-01"
_MOST_REGIONS, _LEAST_PEOPLE = 500, 20


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One line of a mapping: where it goes, what it says, how sure it is (0 to 1) and why."""

    field: str
    how: How
    value: str
    confidence: float
    why: str


@dataclass
class Gaps:
    """A mapping in the making.

    Attributes:
        contract: what is mapped onto.
        sample: the source.
        fits: by field (helpers too) the column that fits.
        currency: the company's currency, where it is known.
        proposals: by field what is proposed.
    """

    contract: Contract
    sample: Sample
    fits: dict[str, Fit]
    currency: str | None
    proposals: dict[str, Proposal] = field(default_factory=dict)

    def fill(self) -> dict[str, Proposal]:
        """The proposals: columns that fit, then what can be made of them; in the contract's order."""
        for name, fit in self.fits.items():
            if name in self.contract.columns:
                self.proposals[name] = self._from_column(name, fit)
        for rule in _RULES:
            rule(self)
        return {name: self._as_number(self.proposals[name]) for name in self.contract.columns if name in self.proposals}

    def has(self, *names: str) -> bool:
        """Whether there is something for each of these fields already."""
        return all(name in self.proposals for name in names)

    def wants(self, name: str) -> bool:
        """Whether the contract has this field and nothing fills it."""
        return name in self.contract.columns and name not in self.proposals

    def put(self, name: str, how: How, value: str, confidence: float, why: str) -> None:
        """Propose something for a field."""
        self.proposals[name] = Proposal(field=name, how=how, value=value, confidence=round(confidence, 2), why=why)

    def sql(self, name: str) -> str:
        """SQL over the source's columns of what a field is proposed to be, before it is typed."""
        proposal = self.proposals[name]
        return identifier(proposal.value) if proposal.how == "columns" else f"({proposal.value})"

    def columns_behind(self, *names: str) -> list[str]:
        """The source columns of those of these fields that are plain renames."""
        found = [self.proposals[name] for name in names if name in self.proposals]
        return [proposal.value for proposal in found if proposal.how == "columns"]

    def _as_number(self, proposal: Proposal) -> Proposal:
        """A column of numbers with a decimal comma or a sign as the expression that reads them; others as they are."""
        facts = self.sample.facts.get(proposal.value) if proposal.how == "columns" else None
        if facts is None or not (facts.decimal_comma or facts.sign or facts.thousands):
            return proposal
        also = [f"with the sign {facts.sign}"] * bool(facts.sign) + ["with a decimal comma"] * facts.decimal_comma
        also += ["with commas before thousands"] * facts.thousands
        value, why = self.sample.number(proposal.value), ", ".join([proposal.why, *also])
        return replace(proposal, how="expressions", value=value, why=why)

    def _from_column(self, name: str, fit: Fit) -> Proposal:
        facts = self.sample.facts[fit.column]
        if self.contract.columns[name].type in ("date", "timestamp") and is_counted_time(facts):
            unit = _unit_of_time(facts)
            return Proposal(
                field=name,
                how="expressions",
                value=f"timestamp '{_LONG_KNOWN} 00:00:00' + to_{unit}({identifier(fit.column)}::int)",
                confidence=min(fit.score, 0.3),
                why=f"{fit.column} counts {unit}; put the real start in place of {_LONG_KNOWN}",
            )
        if name == main_moment(self.contract) and moments.is_of_whole_months(self.contract.entity, facts):
            return Proposal(
                field=name,
                how="expressions",
                value=moments.end_of_month(f"try_strptime({identifier(fit.column)}, {text(facts.date_formats[0])})"),
                confidence=min(fit.score, 0.7),
                why=f"{fit.column} names months: what happened in one is known at its end",
            )
        return Proposal(field=name, how="columns", value=fit.column, confidence=fit.score, why=fit.why)


def _unit_of_time(facts: ColumnFacts) -> str:
    words = set(words_of(facts.name))
    return "weeks" if words & {"week", "weeks"} else "hours" if words & {"hour", "hours", "time"} else "days"


def _discounts(gaps: Gaps) -> None:
    """Several columns of discounts are one discount together."""
    if not gaps.has("discount_amount"):
        return
    first = gaps.proposals["discount_amount"].value
    taken = {proposal.value for proposal in gaps.proposals.values() if proposal.how == "columns"}
    more = [
        name
        for name, facts in gaps.sample.facts.items()
        if name not in taken
        and facts.numeric >= _NEARLY_ALL
        and likeness(name, gaps.contract.entity, "discount_amount") >= 0.7  # noqa: PLR2004  # as good as the name itself
    ]
    if more:
        value = " + ".join(f"coalesce({gaps.sample.number(name)}, 0)" for name in (first, *more))
        why = "several columns of discounts; check that none is part of another"
        gaps.put("discount_amount", "expressions", value, 0.5, why)


def _order_constants(gaps: Gaps) -> None:
    if gaps.contract.entity != "orders":
        return
    if gaps.wants("product_id"):
        why = "no column names a product: next-best-offer has nothing to choose from"
        gaps.put("product_id", "constants", text_value("(all)"), 0.2, why)
    if gaps.wants("quantity"):
        gaps.put("quantity", "constants", "1", 0.2, "no column counts units")


def _currency(gaps: Gaps) -> None:
    required = "currency" in gaps.contract.columns and gaps.contract.columns["currency"].required
    if not required or gaps.has("currency"):
        return
    said = said_currency(gaps.sample.facts, company=gaps.currency)
    if said is not None:
        code, sure, why = said
        if gaps.currency not in (None, code):
            sure, why = 0.4, f"{why}; but [company] says {gaps.currency}: correct one of the two"
        gaps.put("currency", "constants", text_value(code), sure, why)
    elif gaps.currency is not None:
        gaps.put(
            "currency", "constants", text_value(gaps.currency), 0.4, "no column says it: [company] does; is it so?"
        )
    else:
        gaps.put("currency", "constants", text_value("EUR"), 0.1, "no column says it: a guess, put the right one")


def _subscription_of_customer(gaps: Gaps) -> None:
    if gaps.contract.entity != "subscriptions":
        return
    customer = gaps.columns_behind("customer_id") or gaps.columns_behind("subscription_id")
    for name in ("customer_id", "subscription_id"):
        if gaps.wants(name) and customer and gaps.sample.facts[customer[0]].unique >= _NEARLY_ALL:
            gaps.put(name, "columns", customer[0], 0.7, "one row a customer: one subscription each")
    tenure, gone = gaps.fits.get("@tenure_months"), gaps.fits.get("@gone")
    if gaps.wants("started_on") and tenure is not None:
        value = f"date '{_LONG_KNOWN}' - to_months({identifier(tenure.column)}::int)"
        why = f"{tenure.column} before the day of the export: put that day in place of {_LONG_KNOWN}"
        gaps.put("started_on", "expressions", value, 0.3, why)
    if gaps.wants("ended_on") and gone is not None:
        facts = gaps.sample.facts[gone.column]
        yes = sorted({"yes", "y", "true", "t", "1", *(word.lower() for word, meant in facts.truth_words if meant)})
        truth = f"lower({identifier(gone.column)}::varchar) in ({', '.join(map(text, yes))})"
        value = f"case when {truth} then date '{_LONG_KNOWN}' end"
        gaps.put("ended_on", "expressions", value, 0.3, f"{gone.column}, on the day of the export as above")
    if gaps.wants("billing_period_months"):
        gaps.put("billing_period_months", "constants", "1", 0.5, "no column says it: monthly")


def _birth_year(gaps: Gaps) -> None:
    age = gaps.fits.get("@age")
    if gaps.wants("birth_year") and age is not None and age.column in gaps.sample.facts:
        value = f"{_LONG_KNOWN[:4]} - {identifier(age.column)}::int"
        why = f"{age.column} in the year of the export: put that year in place of {_LONG_KNOWN[:4]}"
        gaps.put("birth_year", "expressions", value, 0.3, why)


def _region(gaps: Gaps) -> None:
    """A region that hardly two customers share (a hashed or full postcode) tells nothing of customers."""
    column = gaps.columns_behind("region") if gaps.contract.entity == "customers" else []
    facts = gaps.sample.facts[column[0]] if column else None
    if facts is not None and facts.distinct > _MOST_REGIONS and facts.distinct * _LEAST_PEOPLE > facts.rows:
        why = f"{facts.distinct:,} different: too many for regions; better a part of it (expressions), or none"
        gaps.put("region", "columns", facts.name, 0.45, why)


def _kind_of_event(gaps: Gaps) -> None:
    if gaps.contract.entity == "events" and gaps.wants("kind"):
        gaps.put("kind", "constants", text_value("(say which)"), 0.2, "no column says what happened")


def _held_out(gaps: Gaps) -> None:
    """Who was left alone, where one column alone has one value that names a control group."""
    if not gaps.wants("held_out"):
        return
    taken = set(gaps.columns_behind(*gaps.contract.key, "customer_id", "campaign_id"))
    words = {name: gaps.sample.few_words(name) for name in gaps.sample.facts if name not in taken}
    meant = {name: control for name, each in words.items() if (control := control_words(each))}
    if len(meant) != 1:
        return
    (column, named) = next(iter(meant.items()))
    if len({word.lower() for word in named}) != 1:
        return
    others = [word for word in words[column] if word not in named]
    value = f"lower(trim({identifier(column)})) = {text(named[0].lower())}"
    sure = 0.7 if len({word.lower() for word in others}) == 1 else 0.45
    why = f"its {column} names the control group; were all others addressed ({', '.join(others)})?"
    gaps.put("held_out", "expressions", value, sure, why)


def _key_from_columns(gaps: Gaps) -> None:
    """A missing key of one column: the fewest mapped columns that together tell all rows apart."""
    key = gaps.contract.key[0]
    if len(gaps.contract.key) != 1 or not gaps.wants(key) or gaps.contract.entity in ("customers", "products"):
        return
    identifiers = [name for name, column in gaps.contract.columns.items() if column.identifier]
    useful = [name for name in (*identifiers, main_moment(gaps.contract), "kind") if gaps.columns_behind(name)]
    sounding = [name for name in gaps.sample.facts if likeness(name, gaps.contract.entity, key) >= _NEARLY_ALL]
    candidates = list(dict.fromkeys([*sounding, *gaps.columns_behind(*useful)]))
    for size in (1, 2, 3):
        for columns in combinations(candidates, size):
            if gaps.sample.unique_share(columns) >= _UNIQUE:
                parts = ", ".join(map(identifier, columns))
                value = f"concat_ws('-', {parts})" if size > 1 else f"{parts}::varchar"
                gaps.put(key, "expressions", value, 0.6, "together they tell all rows apart")
                return
    if candidates:
        parts = ", ".join(map(identifier, candidates))
        number = f"row_number() over (partition by {parts} order by source_row)"
        value = f"concat_ws('-', {parts}, {number})"
        gaps.put(key, "expressions", value, COUNTED, "nothing tells equal rows apart: counted")


def text_value(value: str) -> str:
    """A text as a TOML string."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def natural_hint(contract: Contract, name: str) -> str:
    """Where a missing field could come from."""
    if contract.columns[name].type in ("date", "timestamp"):
        return "another table may have it, which a query over two inputs can join; or a constant, where one fits all"
    if name == "customer_id":
        return "without it rows belong to nobody; a query over two inputs can join it from another table"
    return "an expression over other columns, a constant, or a query over two inputs that joins it"


_RULES: Sequence[Callable[[Gaps], None]] = (
    moments.moment_of_parts,
    order_lines.total_from_price,
    _discounts,
    order_lines.customer_by_email,
    order_lines.order_without_number,
    order_lines.customer_of_several_orders,
    order_lines.total_of_the_order,
    order_lines.tiny_amounts,
    order_lines.said_once_an_order,
    order_lines.lines,
    order_lines.units_of_nothing,
    _order_constants,
    _currency,
    _subscription_of_customer,
    _birth_year,
    _region,
    _kind_of_event,
    _held_out,
    _key_from_columns,
)
