"""Which nights' scores count: those that were published, and are what readers were left with; the rest is kept."""

from datetime import date

import polars as pl

from warehouse.publishing.kept_scores import KeptNight, keep, published_nights
from warehouse.publishing.write_audit_publish import PublishOptions, rollback

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
SCORES = pl.DataFrame({"customer_id": ["canary-4711", "b"], "churn_probability": [0.5, 0.1]})


def kept(place, root, *, before=date.max):
    with place.open(read_only=True) as warehouse:
        return list(published_nights(warehouse, root, before=before))


def file_of(root, publication):
    return KeptNight(root=root, as_of=publication.as_of, run_key=publication.run_key, attempt=publication.attempt)


def test_only_what_was_published_and_stands_counts(night, place, tmp_path):
    monday = file_of(tmp_path, night.publish_night(place, MONDAY).publication)
    tuesday = file_of(tmp_path, night.publish_night(place, TUESDAY).publication)
    assert kept(place, tmp_path) == []  # no scores were kept then
    keep(SCORES, monday.file)
    keep(SCORES, tuesday.file)
    never = KeptNight(root=tmp_path, as_of=WEDNESDAY, run_key=tuesday.run_key, attempt=9)
    keep(SCORES, never.file)
    assert kept(place, tmp_path) == [monday, tuesday]
    assert kept(place, tmp_path, before=TUESDAY) == [monday]

    again = file_of(tmp_path, night.publish_night(place, MONDAY, options=PublishOptions(force=True)).publication)
    keep(SCORES, again.file)
    assert again.file != monday.file
    assert kept(place, tmp_path) == [again, tuesday]
    with place.open().lock(run_key="rollback", now=night.NOW, wait_seconds=10), place.open() as warehouse:
        rollback(warehouse, now=night.NOW)
    assert kept(place, tmp_path) == [again]
    assert pl.read_parquet(tuesday.file).equals(SCORES)  # what was said is not unsaid
