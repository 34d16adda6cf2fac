"""Looking at features and proving them: on a tiny hand-made company, and on the simulated one."""

import json
from datetime import UTC, date, datetime, timedelta
from random import Random

import polars as pl
import pytest
from typer.testing import CliRunner

import features
from config.errors import CommandUnknownNameError
from data_contracts.contracts import core_contract
from flows.command_line import app
from flows.core_tables import CoreTables
from flows.errors import AsOfBeforeDataError, NothingLoadedError
from flows.feature_attacks import ATTACKS, CHANGED, poisoned
from flows.feature_comparing import WHO_HAS_A_ROW, differences
from flows.feature_errors import CustomerUnknownError, CustomerWithoutFeaturesError, StoredFeaturesUnreadableError
from flows.feature_proofs import Request, _of_stored_nights, prove
from flows.featuring import customer_features, list_features
from flows.stored_features import stored_nights
from tests.flows.conftest import LATER, TRAINED
from tests.flows.test_command_line import SETTINGS
from warehouse.lake_errors import CoreFileDamagedError
from warehouse.ledger import Load, RunResult, finish_run, record_load, start_run

NOW = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
DAY = date(2025, 12, 1)
ZONE = "Europe/London"
DTYPES = {
    "text": pl.String,
    "integer": pl.Int32,
    "number": pl.Float64,
    "money": pl.Int64,
    "date": pl.Date,
    "timestamp": pl.Datetime("us", "UTC"),
    "boolean": pl.Boolean,
}


def frame(entity, rows, *, versions=False):
    """Rows of a core table, whatever they don't say null."""
    schema = {name: DTYPES[column.type] for name, column in core_contract(entity).columns.items()}
    if versions:
        schema["superseded_at"] = DTYPES["timestamp"]
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema)


def company(customers=24):
    """A company with something in every table, late rows and rows after the date, and a version superseded."""
    random = Random(5)  # noqa: S311 - repeatable test data, no secret
    tables = {entity: [] for entity in ("orders", "customers", "payments", "contacts", "tickets", "subscriptions")}
    tables |= {"events": [], "products": [], "offers": []}

    def moment():
        return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randint(0, 365 * 24 * 60 - 1))

    def known(happened, entity):
        late = happened + timedelta(days=random.choice([0, 0, 0, 40]))
        ended = late + timedelta(days=random.randint(1, 90)) if random.random() < 0.1 else None
        return {"known_at": late} | ({"superseded_at": ended} if entity == "orders" else {})

    for number in range(5):
        product = {"product_id": f"p{number}", "category": f"c{number % 2}", "list_price": 100 * (number + 1)}
        tables["products"].append(product | {"known_at": datetime(2024, 1, 1, tzinfo=UTC)})
    tables["offers"] = [
        {"offer_id": name, "discount_share": share, "known_at": datetime(2024, 1, 1, tzinfo=UTC)}
        for name, share in (("o1", 0.1), ("o2", None))
    ]
    for number in range(customers):
        own = {"customer_id": f"{number:03d}"}
        created = {"created_at": datetime(2024, 12, 1, tzinfo=UTC), "region": random.choice(["north", "south"])}
        tables["customers"].append(own | created | {"known_at": created["created_at"]})
        for order in range(random.randint(0, 8)):
            at = moment()
            for line in range(random.randint(1, 3)):
                bought = {"product_id": f"p{random.randint(0, 4)}", "quantity": 1.0, "channel": random.choice("ws")}
                keys = {"order_id": f"{number}-{order}", "line_number": line, "ordered_at": at}
                amount = {"amount": random.choice([-50, 40, 200, 900])}
                tables["orders"].append(own | keys | bought | amount | known(at, "orders"))
        for count in range(3):
            at, end = moment(), moment()
            name = f"{number}-{count}"
            due = at.date() + timedelta(days=14)
            paid = end.date() if end > at else None
            tables["payments"].append(
                own
                | {"invoice_id": name, "issued_on": at.date(), "due_on": due, "paid_on": paid, "amount": 300}
                | {"disputed": random.random() < 0.5}
                | known(at, "payments")
            )
            tables["contacts"].append(
                own
                | {"contact_id": name, "offer_id": random.choice(["o1", "o2"]), "sent_at": at, "channel": "email"}
                | {"responded_at": end if end > at else None, "held_out": random.random() < 0.2}
                | known(at, "contacts")
            )
            tables["tickets"].append(
                own
                | {"ticket_id": name, "opened_at": at, "resolved_at": end if end > at else None, "kind": "complaint"}
                | {"satisfaction": 4.0 if end > at else None}
                | known(at, "tickets")
            )
            tables["events"].append(
                own | {"event_id": name, "at": at, "kind": random.choice(["visit", "basket"])} | known(at, "events")
            )
        if number % 3 == 0:
            at, end = moment(), moment()
            contract = {"started_on": at.date(), "ended_on": end.date() if end > at else None, "amount": 500}
            plan = {"subscription_id": str(number), "plan": "basic", "billing_period_months": 1}
            tables["subscriptions"].append(own | contract | plan | known(at, "subscriptions"))
    return {entity: frame(entity, rows, versions=entity == "orders") for entity, rows in tables.items()}


@pytest.fixture(scope="module")
def tables():
    return company()


@pytest.fixture
def loaded(open_at, tmp_path, tables):
    """A context whose last load is the company."""
    context = open_at(tmp_path / "work")
    with_load(context, "one", tables)
    return context


def with_load(context, load_id, tables):
    context.lake.write_load(load_id, tables, buckets=2)
    with context.warehouse() as warehouse:
        record_load(
            warehouse,
            Load(load_id=load_id, source_fingerprint="f", configuration_hash="c", loaded_at=NOW, counts={}),
        )


def with_night(context, day, *, load_id="one", status="done"):
    """A stored night, as scoring leaves it."""
    core = CoreTables.of_load(context, load_id)
    for bucket in core.buckets():
        context.lake.write_bucket("features", day, bucket, core.build_features(bucket, [day]).collect())
    with context.warehouse() as warehouse:
        run = start_run(warehouse, kind="score", as_of=day, configuration_hash="c", now=context.clock(), run_by="tests")
        finish_run(warehouse, run, status=status, now=context.clock(), result=RunResult(load_id=load_id))


def verdicts(found):
    return {one["proof"]: one["verdict"] for one in found["proofs"]}


def proof(found, name):
    return next(one for one in found["proofs"] if one["proof"] == name)


def test_without_settings_the_whole_catalogue_is_listed():
    found = list_features(None)
    assert [one["name"] for one in found["features"]] == [s.name for s in features.catalogue(features.ENTITIES)]
    assert found["left_out"] == []


def test_a_list_can_be_narrowed():
    of_tickets = list_features(None, entity="tickets")["features"]
    assert of_tickets
    assert all("tickets" in one["needs"] for one in of_tickets)
    assert {one["family"] for one in list_features(None, family="timing")["features"]} == {"timing"}


@pytest.mark.parametrize("wrong", [{"entity": "ordres"}, {"family": "timming"}])
def test_a_wrong_name_is_refused_with_the_closest_one(wrong):
    with pytest.raises(CommandUnknownNameError) as caught:
        list_features(None, **wrong)
    assert caught.value.action in {"did you mean 'orders'?", "did you mean 'timing'?"}


def test_what_drops_out_is_listed_with_its_reason(loaded, open_at, tmp_path):
    left_out = {one["name"]: one for one in list_features(loaded)["left_out"]}
    assert left_out["last_survey_satisfaction"]["missing"] == ["surveys"]
    assert "surveys" in left_out["last_survey_satisfaction"]["reason"]
    assert left_out["mean_survey_satisfaction"]["family"] == "service"
    before = list_features(open_at(tmp_path / "nothing"))
    assert "nothing is loaded" in before["made_of"]
    assert "invoice_count_365_days" in {one["name"] for one in before["left_out"]}


def test_a_customer_stands_beside_everybody(loaded, tables):
    found = customer_features(loaded, "003", as_of=DAY)
    built = features.build(
        {entity: rows.lazy() for entity, rows in tables.items()},
        snapshots=[DAY],
        time_zone=ZONE,
        absent_columns=sorted(set(loaded.lake.open_load("one").absent_columns) & set(features.needs())),
    ).collect()
    assert found["customers"] == built.height
    own = built.filter(customer_id="003").row(0, named=True)
    assert {one["name"]: one["value"] for one in found["features"]} == {
        name: own[name] for name in built.columns if name not in {"customer_id", "snapshot_date"}
    }
    by_name = {one["name"]: one for one in found["features"]}
    for label, share in (("low", 0.1), ("median", 0.5), ("high", 0.9)):
        for name in ("purchase_count_life", "days_since_last_order", "mean_days_between_orders"):
            assert by_name[name][label] == pytest.approx(built[name].quantile(share, "linear"))
    assert by_name["region"]["median"] is None


def test_the_nights_own_files_stand_for_everybody_where_they_are_of_that_load(loaded, tables):
    built = customer_features(loaded, "003", as_of=DAY)["features"]
    with_night(loaded, DAY)
    stored = customer_features(loaded, "003", as_of=DAY)
    assert stored["population_from"] == "the night's stored features"
    assert stored["features"] == built
    with_load(loaded, "two", tables)
    assert customer_features(loaded, "003", as_of=DAY)["population_from"] == "features built now"


def test_who_has_no_features_is_told_why(loaded, open_at, tmp_path):
    with pytest.raises(CustomerUnknownError) as unknown:
        customer_features(loaded, "3", as_of=DAY)
    assert unknown.value.exit_code == 2
    with pytest.raises(CustomerWithoutFeaturesError):
        customer_features(loaded, "003", as_of=date(2025, 1, 1))
    with pytest.raises(NothingLoadedError):
        customer_features(open_at(tmp_path / "nothing"), "003", as_of=DAY)


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


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """The command in this process, in a fresh folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRISTMILL_WORKSPACE", str(tmp_path / "work"))
    monkeypatch.delenv("GRISTMILL_CONFIG", raising=False)
    return lambda *arguments: CliRunner().invoke(app, ["features", *map(str, arguments)])


def test_the_command_lists_without_settings(gristmill, invoke):
    done = gristmill("features", "list", "--family", "habits", "--json")
    assert done.returncode == 0, done.stderr
    assert {one["family"] for one in json.loads(done.stdout)["features"]} == {"habits"}
    assert "weekend_share" in invoke("list", "--family", "habits").output
    assert invoke("list", "--entity", "ordres").exit_code == 2
    assert invoke("show", "007").exit_code == 2


def test_the_command_shows_and_proves(invoke, loaded, tmp_path):
    (tmp_path / "gristmill.toml").write_text(SETTINGS)
    assert "left out" in invoke("list", "--family", "service").output
    shown = invoke("show", "003", "--as-of", DAY)
    assert shown.exit_code == 0, shown.output
    assert "days_since_last_order" in shown.output
    one = invoke("show", "003", "--as-of", DAY, "--feature", "net_amount_life", "--json")
    assert [feature["name"] for feature in json.loads(one.stdout)["features"]] == ["net_amount_life"]
    assert invoke("show", "003", "--as-of", DAY, "--feature", "nett").exit_code == 2
    assert invoke("show", "3", "--as-of", DAY).exit_code == 2
    with_night(loaded, DAY)
    proved = invoke("prove", "--as-of", DAY, "--buckets", 1, "--json")
    assert proved.exit_code == 0, proved.output
    assert set(verdicts(json.loads(proved.stdout)).values()) == {"holds"}
    path = loaded.lake.root / "features" / f"as_of={DAY}" / "bucket=001.parquet"
    pl.read_parquet(path).with_columns(pl.col("net_amount_life") + 1).write_parquet(path)
    differing = invoke("prove", "--as-of", DAY, "--buckets", 1)
    assert differing.exit_code == 3
    assert "net_amount_life" in differing.output


@pytest.mark.slow
def test_everything_holds_of_the_simulated_company(workspace, open_at, do):
    context = open_at(workspace)
    do("score", context, as_of=LATER)
    found = prove(context, Request(days=(LATER, TRAINED), sample=60))
    assert set(verdicts(found).values()) == {"holds"}, found
    assert proof(found, "stored nights")["notes"] == []
