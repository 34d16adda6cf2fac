"""Features of a company's own: what they see, what they are refused, and that they are what they say."""

from datetime import date

import polars as pl
import pytest
from pydantic import ValidationError

import features
from data_contracts.contracts import Column
from data_contracts.own_features import OwnFeature
from features import Additions
from features.own_errors import (
    FeatureNameTakenError,
    OwnFeatureColumnError,
    OwnFeatureEntityError,
    OwnFeatureTextError,
    OwnFeatureTypeError,
    OwnFeatureValuesError,
    OwnFunctionFailedError,
    OwnFunctionMissingError,
)

DAY = date(2024, 3, 1)
MODULE = """
import math

import polars as pl


def _of(frames, value):
    return frames["orders"].group_by("customer_id").agg(value.alias("value"))


def latest(frames, snapshot):
    assert frames["orders"].collect()["ordered_at"].max() < snapshot.instant
    return _of(frames, pl.col("amount").last())


def several(frames, snapshot):
    return frames["orders"].select("customer_id", value="amount")


def wrong(frames, snapshot):
    return _of(frames, pl.col("product_id").last())


def endless(frames, snapshot):
    return _of(frames, pl.lit(math.inf))


def fails(frames, snapshot):
    raise ValueError("the secret of somebody")


def shapeless(frames, snapshot):
    return frames["orders"].select("customer_id")


DATA = 1
"""


def made(name="mine", **said):
    if not set(said) & {"sql", "polars", "python", "expression"}:
        said = {"sql": "count(*)"} | said
    if set(said) & {"sql", "polars"}:
        said = {"entity": "orders"} | said
    if "python" in said:
        said = {"entities": ["orders"]} | said
    return OwnFeature(name=name, meaning="What we made.", unit="things", **said)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a module of somebody's own."""
    place = tmp_path_factory.mktemp("own")
    (place / "ours.py").write_text(MODULE)
    return str(place)


@pytest.fixture(scope="module")
def history(orders_of, rows_of):
    """Three orders of `a` that count; one on the date, one announced, one known late, one superseded; one of `b`."""
    return {
        "orders": orders_of(
            {"at": "2024-01-10", "amount": 100, "quantity": 0.1},
            {"at": "2024-02-10", "amount": 300, "quantity": 0.2, "discount_amount": 5},
            {"at": "2024-02-29 23:59", "amount": 200, "quantity": 0.3},
            {"at": "2024-03-01 00:00", "amount": 7_000},
            {"at": "2024-03-05", "known": "2024-02-15", "amount": 30_000},
            {"at": "2024-02-20", "known": "2024-03-01", "amount": 9_000},
            {"at": "2024-02-21", "superseded": "2024-02-28", "amount": 50_000},
            {"at": "2024-02-01", "customer_id": "b", "amount": 40, "quantity": 1.0},
        ).reverse(),
        "payments": rows_of(
            "payments", {"invoice_id": "1", "issued_on": "2024-01-01", "paid_on": "2024-03-01", "due_on": "2024-02-01"}
        ),
        "tickets": rows_of(
            "tickets", {"ticket_id": "1", "opened_at": "2024-01-01 10:00", "resolved_at": "2024-04-01 10:00",
                        "satisfaction": 5.0, "severity": 2}
        ),
    }  # fmt: skip


def built(history, *specs, folder="", days=(DAY,), attributes=()):
    frames = {entity: frame.lazy() for entity, frame in history.items()}
    additions = Additions(own=specs, folder=folder, attributes=attributes)
    return features.build(frames, snapshots=days, time_zone="UTC", additions=additions).collect()


CASES = [
    ({"sql": "sum(amount)", "type": "integer"}, 600, 40),
    ({"sql": "last(amount)"}, 200.0, 40.0),
    ({"sql": "sum(amount) filter (where age_days <= 20)", "when_null": 0}, 500.0, 0.0),
    ({"sql": "sum(quantity)"}, 0.1 + 0.2 + 0.3, 1.0),
    ({"sql": "max(event_date) = snapshot_date - 1", "type": "boolean"}, 1, 0),
    ({"sql": "max(order_id)", "type": "text"}, "o2", "o7"),
    ({"sql": "sum(discount_amount) / (count(*) - count(*))"}, None, None),
    ({"sql": "count(*)", "entity": "payments", "when_null": 0.0}, 1.0, 0.0),
    ({"sql": "max(paid_on - due_on)", "entity": "payments"}, None, None),
    ({"sql": "max(satisfaction)", "entity": "tickets"}, None, None),
    ({"polars": 'pl.col("amount").filter(pl.col("age_days") <= 20).sum()', "type": "integer"}, 500, 0),
    ({"polars": 'pl.col("quantity").sum()'}, 0.1 + 0.2 + 0.3, 1.0),
    ({"polars": 'pl.when(pl.col("amount").mean() > 100).then(1).otherwise(0)'}, 1.0, 0.0),
    ({"python": "ours:latest"}, 200.0, 40.0),
    ({"expression": "net_amount_life / purchase_count_life"}, 200.0, 40.0),
]


@pytest.fixture(scope="module")
def all_made(history, folder):
    """All cases built at once, with what the catalogue says of them."""
    specs = tuple(made(f"mine_{place}", **said) for place, (said, _, _) in enumerate(CASES))
    described = features.catalogue(history, additions=Additions(own=specs, folder=folder))[-len(specs) :]
    return built(history, *specs, folder=folder), described


@pytest.mark.parametrize("place", range(len(CASES)), ids=[" ".join(map(str, said.values())) for said, _, _ in CASES])
def test_a_feature_is_made_of_what_was_known(all_made, place):
    (found, described), (_, a, b) = all_made, CASES[place]
    name = f"mine_{place}"
    assert found[name].to_list() == [pytest.approx(a, rel=1e-15) if isinstance(a, float) else a, b]
    assert found.columns[-len(CASES) + place] == name
    assert (described[place].family, described[place].dtype) == ("own", found.schema[name])


def test_several_dates_at_once_are_as_each_by_itself(history, folder):
    specs = (
        made("a", sql="sum(amount)"),
        made("b", polars='pl.col("amount").last()'),
        made("c", python="ours:latest"),
        made("d", expression="a + 2 * b"),
        made("e", sql="count(*)", entity="tickets"),
    )
    days = (date(2024, 2, 15), date(2024, 5, 1))
    together = built(history, *specs, folder=folder, days=days)
    assert together.equals(
        pl.concat([built(history, *specs, folder=folder, days=[day]) for day in days]).sort(
            "customer_id", "snapshot_date"
        )
    )


@pytest.mark.parametrize(
    ("said", "error", "told"),
    [
        ({"sql": "sum(amuont)"}, OwnFeatureColumnError, "amuont"),
        ({"sql": "max(superseded_at::date - snapshot_date)"}, OwnFeatureColumnError, "superseded_at"),
        ({"sql": "max(email)", "entity": "customers"}, OwnFeatureColumnError, "email"),
        ({"sql": "count(*)", "entity": "referrals"}, OwnFeatureEntityError, "referrals"),
        ({"python": "ours:latest", "entities": ["campaigns"]}, OwnFeatureEntityError, "campaigns"),
        ({"sql": "amount"}, OwnFeatureTextError, "GROUP BY"),
        ({"sql": "sum(amount"}, OwnFeatureTextError, "syntax error"),
        ({"sql": "sum(amount) as x"}, OwnFeatureTextError, "alias"),
        ({"sql": "sum(amount) over ()"}, OwnFeatureTextError, "window"),
        ({"sql": "(select 1)"}, OwnFeatureTextError, "subquery"),
        ({"sql": "random()"}, OwnFeatureTextError, "random()"),
        ({"sql": "max(age_days) + epoch(now())"}, OwnFeatureTextError, "now()"),
        ({"sql": "max(epoch(age(event_date)))"}, OwnFeatureTextError, "age() does not depend"),
        ({"sql": "max(epoch(ago(age_days)))"}, OwnFeatureTextError, "ago()"),
        ({"sql": "max(getenv('HOME'))"}, OwnFeatureTextError, "getenv()"),
        ({"sql": "count(*) from read_text('/etc/passwd')"}, OwnFeatureTextError, "more than one expression"),
        ({"sql": "1) from shown; drop table shown; select (1"}, OwnFeatureTextError, "syntax error"),
        ({"sql": "max(product_id)"}, OwnFeatureTypeError, "String"),
        ({"sql": "sum(quantity)", "type": "integer"}, OwnFeatureTypeError, "Float64"),
        ({"polars": 'pl.col("amount") * 2'}, OwnFeatureTextError, "every row"),
        ({"polars": 'pl.col("amuont").sum()'}, OwnFeatureColumnError, "amuont"),
        ({"polars": 'pl.read_csv("x")'}, OwnFeatureTextError, "pl.read_csv"),
        ({"polars": 'pl.col("amount").map_elements(print)'}, OwnFeatureTextError, ".map_elements"),
        ({"polars": "__import__('os').system('true')"}, OwnFeatureTextError, "__import__"),
        ({"polars": 'pl.col("amount").sum().__class__'}, OwnFeatureTextError, "__class__"),
        ({"polars": '"{0.__class__}".format(pl.len())'}, OwnFeatureTextError, "plain value"),
        ({"expression": "sum(net_amount_life)"}, OwnFeatureTextError, "aggregates over customers"),
        ({"expression": "nett"}, OwnFeatureColumnError, "nett"),
        ({"expression": "mine + 1"}, OwnFeatureColumnError, "mine"),
        ({"python": "theirs:latest"}, OwnFunctionMissingError, "no such file"),
        ({"python": "ours:latets"}, OwnFunctionMissingError, "latets"),
        ({"python": "ours:DATA"}, OwnFunctionMissingError, "DATA"),
    ],
)
def test_what_cannot_be_made_is_told_before_any_row_is_read(folder, said, error, told):
    with pytest.raises(error) as caught:
        features.catalogue(["orders"], additions=Additions(own=(made(**said),), folder=folder))
    assert told in caught.value.got
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("function", "error", "told"),
    [
        ("several", OwnFeatureValuesError, "2 values too many"),
        ("wrong", OwnFeatureTypeError, "String"),
        ("endless", OwnFeatureValuesError, "2 values that are infinite"),
        ("fails", OwnFunctionFailedError, "ValueError, ours.py line"),
        ("shapeless", OwnFunctionFailedError, "ColumnNotFoundError"),
    ],
)
def test_what_a_function_may_not_return_is_told_without_its_values(history, folder, function, error, told):
    with pytest.raises(error) as caught:
        built(history, made(python=f"ours:{function}"), folder=folder)
    assert told in caught.value.got
    assert "secret" not in str(caught.value)


def test_a_failing_value_is_told_without_the_value(history):
    with pytest.raises(OwnFeatureTextError) as caught:
        built(history, made(sql="max(product_id::int)"))
    assert caught.value.got == "Conversion Error"


def test_names_are_taken_once(history):
    with pytest.raises(FeatureNameTakenError):
        built(history, made("net_amount_life"))
    with pytest.raises(FeatureNameTakenError):
        built(history, made("x"), made("x"))
    with pytest.raises(FeatureNameTakenError):
        built(history, attributes=(("weekend_share", Column(type="number", meaning="x")),))


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ({"sql": "count(*)", "entity": "events"}, ("events",)),
        ({"sql": "sum(cost_amount)"}, ("orders.cost_amount",)),
        ({"python": "ours:latest", "entities": ["orders", "offers"]}, ("offers",)),
        ({"expression": "event_count_7_days + purchase_count_life"}, ("events",)),
    ],
)
def test_features_of_what_is_absent_drop_out(history, folder, said, missing):
    additions = Additions(own=(made(**said),), folder=folder)
    there = {"absent_columns": ["orders.cost_amount"], "additions": additions}
    gap = next(gap for gap in features.left_out(history, **there) if gap.name == "mine")
    assert (gap.family, gap.missing) == ("own", missing)
    frames = {entity: frame.lazy() for entity, frame in history.items()}
    assert "mine" not in features.build(frames, snapshots=[DAY], time_zone="UTC", **there).collect().columns


@pytest.mark.parametrize(
    "said",
    [
        {"sql": "count(*)", "polars": "pl.len()"},
        {"name": "Mine", "sql": "count(*)"},
        {"sql": "count(*)", "entity": None},
        {"expression": "1", "entity": "orders"},
        {"python": "ours:latest", "entities": []},
        {"python": "ours"},
        {"sql": "count(*)", "when_null": "none"},
        {"sql": "count(*)", "when_null": float("nan")},
        {"expression": "1", "when_null": 0},
        {"sql": "count(*)", "colour": "red"},
    ],
)
def test_declarations_that_mean_nothing_are_refused(said):
    with pytest.raises(ValidationError):
        made(**said)


def test_attributes_are_features_by_their_type_as_the_record_was(history, rows_of):
    values = {
        "loyalty_level": (pl.String, "gold", "silver"),
        "household": (pl.Float64, 2.0, 3.0),
        "has_app": (pl.Boolean, False, True),
        "joined_club": (pl.Date, date(2024, 2, 1), date(2024, 3, 5)),
        "nickname": (pl.String, "Bo", "Al"),
    }
    kinds = dict(zip(values, ("text", "number", "boolean", "date", "text"), strict=True))
    attributes = tuple(
        (name, Column(type=kind, meaning="kept", personal=name == "nickname", kept=True))
        for name, kind in kinds.items()
    )
    records = rows_of(
        "customers",
        {"customer_id": "a", "known": "2024-01-01", "superseded": "2024-03-10"},
        {"customer_id": "a", "known": "2024-03-10"},
    ).with_columns(pl.Series(name, [old, new], dtype=dtype) for name, (dtype, old, new) in values.items())
    days = (DAY, date(2024, 3, 11))
    found = built(history | {"customers": records}, days=days, attributes=attributes).filter(customer_id="a")
    shown = ["loyalty_level", "household", "has_app", "days_since_joined_club"]
    assert found.select(shown).rows() == [("gold", 2.0, 0, 29), ("silver", 3.0, 1, 6)]
    assert "nickname" not in found.columns
    gaps = features.left_out(["orders", "customers"], additions=Additions(attributes=attributes))
    assert "personal = false" in next(gap.reason for gap in gaps if gap.name == "nickname")


def test_additions_survive_the_way_to_another_process(folder):
    additions = Additions(
        own=(made(sql="count(*)", when_null=0), made("y", python="ours:latest")),
        attributes=(("level", Column(type="text", meaning="kept")),),
        folder=folder,
    )
    assert Additions.from_described(additions.described()) == additions
