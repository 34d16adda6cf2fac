"""What proposed sources are called."""

from warehouse.drafting.draft import Draft
from warehouse.drafting.folder_sources import FolderSource, named_after_tables


def source(name, entity):
    empty = {"proposals": {}, "missing": (), "unmapped": {}, "formats": {}, "doubtful_formats": {}}
    return FolderSource(name=name, draft=Draft(entity=entity, score=1.0, money=None, rows=1, **empty))


def test_a_source_is_called_after_what_it_feeds_alone_and_no_two_have_one_name():
    found = [
        source("lines", "orders"),
        source("campaign_descriptions", "campaigns"),
        source("campaigns", "contacts"),
        source("letters", "contacts"),
    ]
    assert [each.called for each in named_after_tables(found)] == [
        "orders",
        "campaigns",
        "campaigns_contacts",
        "letters",
    ]
