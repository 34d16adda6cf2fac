"""The data dictionary of the published tables, made from their contracts.

Belongs here: the contracts as Markdown. Does not: the contracts (`contracts.py`).
"""

from collections.abc import Iterator

from data_contracts.published import OutputColumn, OutputContract
from segments.contracts import published_contracts
from segments.money import Currency

INTRODUCTION = """# The segment tables

What marketing reads, in the schema `segments` of the warehouse. The views always show one complete night. The meanings
are also kept as comments in the warehouse. Made from the contracts by `segments.dictionary`; a test keeps this page
current.
"""


def dictionary_markdown() -> str:
    """The whole page; amounts are shown with two decimals, as for most currencies."""
    contracts = published_contracts(Currency(code="GBP"))
    return "\n".join([INTRODUCTION, *(line for contract in contracts for line in _table(contract))]) + "\n"


def _table(contract: OutputContract) -> Iterator[str]:
    yield f"## segments.{contract.table}\n"
    yield f"{contract.meaning} Key: {', '.join(f'`{name}`' for name in contract.key)}.\n"
    yield "| column | type | may be empty | meaning |"
    yield "|---|---|---|---|"
    for column in contract.columns:
        yield f"| `{column.name}` | {column.dtype} | {'yes' if column.nullable else ''} | {_meaning(column)} |"
    yield ""


def _meaning(column: OutputColumn) -> str:
    listed = column.allowed if column.name != "currency" else None  # the company's own, whichever it is
    allowed = f" One of: {', '.join(listed)}." if listed else ""
    return f"{column.meaning}{allowed}".replace("|", "\\|")
