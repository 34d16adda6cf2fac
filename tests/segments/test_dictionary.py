from pathlib import Path

from segments.contracts import published_contracts
from segments.dictionary import dictionary_markdown
from segments.money import Currency

PAGE = Path(__file__).parents[2] / "docs" / "segments.md"


def test_the_page_in_the_docs_is_current():
    remedy = "renew it: python -c 'from segments.dictionary import dictionary_markdown as m; print(m(), end=\"\")'"
    assert PAGE.read_text(encoding="utf-8") == dictionary_markdown(), remedy


def test_every_column_has_its_meaning():
    page = dictionary_markdown()
    for contract in published_contracts(Currency(code="GBP")):
        for column in contract.columns:
            assert column.meaning, column.name
            assert f"| `{column.name}` |" in page
