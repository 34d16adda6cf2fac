"""Proofs of features: on a tiny hand-made company, and on the simulated one."""

from datetime import date

import polars as pl
import pytest

import features
from flows.buckets.core_tables import CoreTables
from flows.errors import AsOfBeforeDataError
from flows.featuring.attacks import ATTACKS, CHANGED, poisoned
from flows.featuring.comparing import WHO_HAS_A_ROW, differences
from flows.featuring.errors import StoredFeaturesUnreadableError
from flows.featuring.looking import customer_features
from flows.featuring.proofs import Request, _of_stored_nights, prove
from flows.featuring.stored_features import stored_nights
from tests.flows.conftest import LATER, TRAINED
from tests.flows.feature_company import DAY, ZONE, proof, verdicts, with_load, with_night
from warehouse.lake_errors import CoreFileDamagedError


def test_everything_holds_of_the_engine(loaded, tables):
    with_night(loaded, date(2025, 11, 1))
    found = prove(loaded, Request(days=(DAY, date(2025, 9, 1)), sample=99))
    assert [one for one in found["proofs"] if one["verdict"] != "holds"] == []
    assert found["holds"]
    ids = pl.concat([tables["orders"]["customer_id"], tables["subscriptions"]["customer_id"]])
    assert proof(found, "slow definition")["rows_compared"] == ids.n_unique()


def bad(entities, *, snapshots, **given):
    """Features of somebody's own, each wrong in its way.

    `spent` looks at all rows, `paid` takes an outcome for known before its day, `first` goes by the order of rows and
    by who else is in the bucket, and purchases are counted wrong the same way every time.
    """
    built = features.build(entities, snapshots=snapshots, **given).collect()
    spent = entities["orders"].group_by("customer_id").agg(pl.col("amount").sum().alias("spent")).collect()
    paid = entities["payments"].group_by("customer_id").agg(pl.col("paid_on").max().alias("paid")).collect()
    first = entities["customers"].select(pl.col("customer_id").first()).collect().item()
    for more in (spent, paid):
        built = built.join(more, on="customer_id", how="left", maintain_order="left")
    return built.with_columns(pl.lit(first).alias("first"), pl.col("purchase_count_life") + 1).lazy()


def test_what_is_wrong_is_caught_by_name(loaded):
    """`threads` is always held against the engine itself; a stored night knows nothing of features added since."""
    with_night(loaded, DAY)
    found = prove(loaded, Request(days=(DAY,), sample=24, buckets=1), build=bad)
    assert not found["holds"]
    assert {one["proof"]: sorted(one["differing"]) for one in found["proofs"]} == {
        "nothing of later": ["paid", "spent"],
        "order of rows": ["first"],
        "threads": ["first", "paid", "purchase_count_life", "spent"],
        "buckets": ["first"],
        "slow definition": ["purchase_count_life"],
        "stored nights": ["purchase_count_life"],
    }
    assert all(attack in proof(found, "nothing of later")["notes"][0] for attack in ATTACKS)
    assert "first, paid, spent" in proof(found, "stored nights")["notes"][0]


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_kind_of_row_moves_a_feature_that_looks_at_it(tables, attack):
    """Each kind is there, and changes what a feature without a gate would see."""
    spoilt = poisoned(tables, DAY, time_zone=ZONE, attacks=[attack])
    entity, column = ("payments", "paid_on") if attack == CHANGED else ("orders", "amount")
    assert (
        spoilt[entity].select(pl.col(column).cast(pl.Int64).sum()).collect().item()
        != tables[entity][column].cast(pl.Int64).sum()
    )


def test_stored_nights_that_cannot_be_made_again_are_told(loaded, tables):
    with_load(loaded, "two", tables)
    with_night(loaded, date(2025, 10, 1), load_id="one")
    with_night(loaded, date(2025, 11, 1), load_id="two")
    with_night(loaded, date(2025, 11, 2), load_id="two", status="failed")
    folder = loaded.lake.root / "core" / "load=one"
    folder.rename(folder.with_name(".collected"))
    missing = {night.day: night.missing for night in stored_nights(loaded, until=DAY)}
    assert "cleared away" in missing[date(2025, 10, 1)]
    assert missing[date(2025, 11, 1)] == ""
    assert "is done" in missing[date(2025, 11, 2)]
    again = _of_stored_nights(loaded, features.build, until=DAY, nights=3)
    assert again.verdict == "holds"
    assert len(again.notes) == 2


def test_without_a_stored_night_that_proof_is_skipped(loaded):
    nothing = _of_stored_nights(loaded, features.build, until=DAY, nights=3)
    assert (nothing.verdict, nothing.notes) == ("skipped", ["no night is stored up to that date"])


def test_a_stored_file_cut_short_is_told(loaded):
    with_night(loaded, DAY)
    path = loaded.lake.root / "features" / f"as_of={DAY}" / "bucket=001.parquet"
    path.write_bytes(path.read_bytes()[:-200])
    for look in (
        lambda: _of_stored_nights(loaded, features.build, until=DAY, nights=1),
        lambda: customer_features(loaded, "003", as_of=DAY),
    ):
        with pytest.raises(StoredFeaturesUnreadableError) as caught:
            look()
        assert str(path) in caught.value.facts()["where"]


@pytest.mark.parametrize(("keep", "told"), [(-200, "cut short"), (0, "no Parquet file"), (None, "No such file")])
def test_a_bucket_file_cut_short_is_told(loaded, keep, told):
    path = loaded.lake.open_load("one").files("orders", 1)[0]
    if keep is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:keep])
    for look in (
        lambda: prove(loaded, Request(days=(DAY,), sample=1)),
        lambda: customer_features(loaded, "003", as_of=DAY),
        lambda: CoreTables.latest(loaded).span,
    ):
        with pytest.raises(CoreFileDamagedError) as caught:
            look()
        assert (caught.value.where, caught.value.exit_code) == (str(path), 3)
        assert told in caught.value.got


def test_a_bucket_file_damaged_inside_is_told(loaded):
    core = CoreTables.latest(loaded)
    path = core.load.files("orders", 1)[0]
    content = bytearray(path.read_bytes())
    content[4:400] = b"U" * 396
    path.write_bytes(content)
    with pytest.raises(CoreFileDamagedError) as caught:
        core.build_features(1, [DAY])
    assert caught.value.where == str(path)
    assert core.build_features(0, [DAY]).collect().height > 0


def test_a_date_before_the_first_row_is_refused(loaded):
    with pytest.raises(AsOfBeforeDataError):
        prove(loaded, Request(days=(date(2024, 1, 1),), sample=1))


def test_differences_are_named_and_counted():
    one = pl.DataFrame({"customer_id": ["a", "b"], "snapshot_date": [DAY, DAY], "x": [1.0, None], "y": [1, 2]})
    assert differences(one, one) == {}
    assert differences(one, one.with_columns(x=pl.Series([1.0, 0.0]))) == {"x": 1}
    assert differences(one, one.with_columns(pl.col("y").cast(pl.Float64))) == {"y": 2}
    assert differences(one, one.drop("y")) == {"y": 2}
    assert differences(one, one.head(1)) == {WHO_HAS_A_ROW: 1}


@pytest.mark.slow
def test_everything_holds_of_the_simulated_company(workspace, open_at, do):
    context = open_at(workspace)
    do("score", context, as_of=LATER)
    found = prove(context, Request(days=(LATER, TRAINED), sample=60))
    assert set(verdicts(found).values()) == {"holds"}, found
    assert proof(found, "stored nights")["notes"] == []
