"""The examples of docs/sources.md are settings that can be read."""

import re
import tomllib
from pathlib import Path

import pytest

from data_contracts.contracts import core_contract
from data_contracts.inputs import FORMAT_OF_SUFFIX, InputSpec
from data_contracts.mapping import EPOCH_FORMATS, CurrencyConversion, SourceMapping

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
EXAMPLES = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)]


def examples(section):
    return [(name, content) for example in EXAMPLES for name, content in example.get(section, {}).items()]


@pytest.mark.parametrize(("name", "content"), examples("inputs"))
def test_inputs_can_be_read(name, content):
    InputSpec.model_validate(content)


def test_the_source_can_be_read_and_feeds_every_required_column():
    (orders,) = [content for name, content in examples("sources") if name == "orders"]
    mapping = SourceMapping.model_validate(orders)
    assert set(core_contract("orders").required_columns()) <= set(mapping.mapped_columns())


def test_the_pieces_fit_the_same_source():
    orders = dict(examples("sources"))["orders"]
    pieces = [content for name, content in examples("sources") if name == "web"]
    assert len(pieces) == 2
    for piece in pieces:
        SourceMapping.model_validate({**orders, **piece})
    assert CurrencyConversion.model_validate(pieces[0]["conversion"]).on == "ordered_at"


def test_every_setting_and_ending_is_told():
    settings = set(SourceMapping.model_fields) | set(InputSpec.model_fields)
    missing = [
        name for name in settings - {"keep", "format"} if f"`{name}`" not in DOCUMENT and f"{name} = " not in DOCUMENT
    ]
    assert not missing
    assert all(f"`{name}`" in DOCUMENT for name in (*FORMAT_OF_SUFFIX, *EPOCH_FORMATS))
