from pathlib import Path

import features

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == features.catalogue_markdown()


def test_every_feature_is_on_the_page():
    page = features.catalogue_markdown()
    assert [spec.name for spec in features.catalogue(features.ENTITIES) if f"`{spec.name}`" not in page] == []
