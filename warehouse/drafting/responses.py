"""Responses in a table of their own (coupons redeemed, calls answered), as what came of another table's contacts.

Belongs here: which table of contacts a table of responses belongs to, and the query that joins them. Does not: which
tables are about contacts at all (`folder.py`).

By themselves they would be contacts that were all answered, which makes every campaign look perfect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from warehouse.drafting.folder_sources import FolderSource
from warehouse.drafting.gaps import Proposal
from warehouse.drafting.profile import ColumnFacts
from warehouse.sources.values import plain_identifier as identifier

RESPONDED, WHOSE = "responded_at", ("customer_id", "campaign_id")
_SURE = 0.8

Facts = Mapping[str, Mapping[str, ColumnFacts]]


def with_responses(sources: Sequence[FolderSource], facts: Facts) -> tuple[list[FolderSource], dict[str, str]]:
    """The sources, with each table of responses joined to the contacts it answers; and by input why it feeds nothing.

    Args:
        sources: what is proposed for each table.
        facts: by table, by column.
    """
    left, unused = list(sources), {}
    for answers in [each for each in sources if _holds_but_responses(each, facts)]:
        sent = [each for each in left if each.draft.entity == "contacts" and _is_answered_by(each, answers)]
        if len(sent) == 1:
            left[left.index(sent[0])] = _joined(sent[0], answers)
            left.remove(answers)
            unused[answers.name] = f"its rows say who answered the contacts of {sent[0].name}, which looks them up"
    return left, unused


def _holds_but_responses(source: FolderSource, facts: Facts) -> bool:
    """Whether all rows are answered, on days that sort as they are written, and none says itself when it was sent."""
    columns = _columns(source)
    there = facts.get(source.name, {})
    if source.draft.entity != "contacts" or not {RESPONDED, *WHOSE} <= columns.keys():
        return False
    if not {columns[name] for name in (RESPONDED, *WHOSE)} <= there.keys() or columns.get("sent_at") in there:
        return False
    day = there[columns[RESPONDED]]
    return day.filled == day.rows and day.date_formats[:1] == ("",)


def _is_answered_by(source: FolderSource, answers: FolderSource) -> bool:
    columns = _columns(source)
    return source is not answers and set(WHOSE) <= columns.keys() and RESPONDED not in source.draft.proposals


def _joined(sent: FolderSource, answers: FolderSource) -> FolderSource:
    """The contacts, each with the first answer of its customer to its campaign."""
    rows = f"({sent.query})" if sent.query else identifier(sent.name)
    asked, answered = _columns(sent), {name: identifier(column) for name, column in _columns(answers).items()}
    same = " and ".join(
        f"answers.{answered[name]}::varchar = sent.{identifier(asked[name])}::varchar" for name in WHOSE
    )
    whose, day = ", ".join(answered[name] for name in WHOSE), answered[RESPONDED]
    query = f"""select sent.*, answers.{RESPONDED}
from {rows} as sent
left join (select {whose}, min({day}) as {RESPONDED} from {identifier(answers.name)} group by all) as answers
  on {same}"""  # noqa: S608  # quoted names
    why = f"the first in {answers.name} of the same customer and campaign"
    proposal = Proposal(field=RESPONDED, how="columns", value=RESPONDED, confidence=_SURE, why=why)
    look = f"who answered stands in {answers.name}: a contact has its customer's first answer to its campaign"
    draft = replace(sent.draft, proposals={**sent.draft.proposals, RESPONDED: proposal})
    return replace(sent, draft=draft, query=query, look="; ".join(filter(None, [sent.look or sent.draft.look, look])))


def _columns(source: FolderSource) -> dict[str, str]:
    """By field the column that fills it as it is."""
    return {name: each.value for name, each in source.draft.proposals.items() if each.how == "columns"}
