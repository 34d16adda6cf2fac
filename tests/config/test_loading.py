import re
import tomllib
from pathlib import Path

import pytest
from pydantic import SecretStr

from config import load_settings
from config.errors import SettingInvalidError, SettingsFileMissingError, SettingsUnreadableError

TEMPLATE = Path(__file__).parents[2] / "config" / "template.toml"
MINIMAL = """
[company]
name = "Test"
currency = "GBP"
time_zone = "Europe/London"

[inputs.orders]
files = "orders.csv"

[sources.orders]
entity = "orders"
input = "orders"
money = "major"
constants = { currency = "GBP" }

[sources.orders.columns]
order_id = "o"
line_number = "l"
customer_id = "c"
ordered_at = "t"
product_id = "p"
quantity = "q"
amount = "a"
known_at = "t"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "gristmill.toml"
    path.write_text(MINIMAL)
    return path


def test_defaults_stand_where_the_file_is_silent(file, tmp_path):
    settings = load_settings(file, environment={})
    assert settings.training.churn_horizon_days is None
    assert settings.data_folder == tmp_path
    assert settings.warehouse_file == tmp_path / "work" / "warehouse.duckdb"
    assert settings.tracking_uri == f"sqlite:///{tmp_path}/work/mlflow.db"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"GRISTMILL__TRAINING__CHURN_HORIZON_DAYS": "60"}, ("training", "churn_horizon_days", 60)),
        ({"GRISTMILL__COMPANY__NAME": "Other"}, ("company", "name", "Other")),
        ({"MLFLOW_TRACKING_URI": "http://models:5000"}, ("registry", "tracking_uri", "http://models:5000")),
        ({"PREFECT_API_URL": "http://127.0.0.1:4200/api"}, ("orchestration", "api_url", "http://127.0.0.1:4200/api")),
        ({"GRISTMILL_WAREHOUSE_URL": "postgresql://w"}, ("warehouse", "url", SecretStr("postgresql://w"))),
        ({"GRISTMILL__SEGMENTS__TIER_SHARES": "[0.1, 0.2, 0.3]"}, ("segments", "tier_shares", (0.1, 0.2, 0.3))),
    ],
)
def test_the_environment_overrides_the_file(file, environment, expected):
    section, key, value = expected
    assert getattr(getattr(load_settings(file, environment=environment), section), key) == value


def test_the_data_folder_of_the_command_line_wins(file, tmp_path):
    settings = load_settings(file, data=tmp_path / "elsewhere", environment={"GRISTMILL_DATA": str(tmp_path / "env")})
    assert settings.data_folder == tmp_path / "elsewhere"


def test_a_path_in_the_environment_starts_where_the_command_runs(file, monkeypatch, tmp_path):
    (tmp_path / "shell").mkdir()
    monkeypatch.chdir(tmp_path / "shell")
    assert load_settings(file, environment={"GRISTMILL_DATA": "raw"}).data_folder == tmp_path / "shell" / "raw"


def test_the_file_may_be_named_by_the_environment(file):
    assert load_settings(environment={"GRISTMILL_CONFIG": str(file)}).company.name == "Test"


def test_a_missing_file_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(SettingsFileMissingError) as caught:
        load_settings(tmp_path / "none.toml", environment={})
    assert str(tmp_path / "none.toml") in caught.value.where
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_toml_says_which_line(tmp_path):
    (tmp_path / "bad.toml").write_text("[company\nname = 1")
    with pytest.raises(SettingsUnreadableError) as caught:
        load_settings(tmp_path / "bad.toml", environment={})
    assert "line 1" in caught.value.got


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('name = "Test"', 'nmae = "Test"'), "company.nmae"),
        (('currency = "GBP"\ntime', 'currency = "pounds"\ntime'), "company.currency"),
        (('"Europe/London"', '"Europe/Londinium"'), "not an IANA time zone"),
        (("[company]", "[population]\nactive_within_days = 0\n[company]"), "population.active_within_days"),
        (("[company]", "[segments]\ntier_shares = [0.5, 0.4, 0.3]\n[company]"), "sum to 1 or more"),
        (("[company]", "[segments]\nchurn_risk_bands = [0.5, 0.4, 0.3]\n[company]"), "churn_risk_bands must rise"),
        (('input = "orders"', 'input = "sales"'), "there is no [inputs.sales]"),
        (('entity = "orders"', 'entity = "customers"'), "sources.orders"),
        (('amount = "a"', ""), "amount"),
        (('money = "major"', ""), "money"),
    ],
)
def test_a_wrong_setting_is_named(file, change, told):
    file.write_text(MINIMAL.replace(*change))
    with pytest.raises(SettingInvalidError) as caught:
        load_settings(file, environment={})
    assert told in caught.value.got


def test_the_configuration_hash_follows_what_can_change_a_result(file, tmp_path):
    plain = load_settings(file, environment={}).configuration_hash
    moved = load_settings(file, data=tmp_path / "other", environment={"GRISTMILL__COMPUTE__THREADS": "1"})
    assert moved.configuration_hash == plain
    other = load_settings(file, environment={"GRISTMILL__TRAINING__SEED": "1"})
    assert other.configuration_hash != plain


def test_passwords_in_addresses_are_not_shown(file):
    address = "postgresql://mlflow:hunter2@db/mlflow"
    settings = load_settings(file, environment={"MLFLOW_TRACKING_URI": address})
    assert settings.tracking_uri == address
    assert settings.redacted()["registry"]["tracking_uri"] == "postgresql://***@db/mlflow"
    assert "hunter2" not in settings.redacted_tracking_uri


@pytest.mark.parametrize("address", ["postgresql://mill:hunter2@db/shop", "postgresql://db/shop?password=hunter2"])
def test_the_warehouses_password_is_shown_nowhere(file, address):
    settings = load_settings(file, environment={"GRISTMILL_WAREHOUSE_URL": address})
    assert settings.warehouse_address == address
    shown = [
        repr(settings),
        str(settings),
        str(settings.redacted()),
        settings.model_dump_json(),
        repr(settings.warehouse),
    ]
    assert not any("hunter2" in text for text in shown)
    assert "db/shop" in settings.redacted()["warehouse"]["url"]


def test_a_password_in_the_settings_file_is_refused_unseen(file):
    file.write_text(MINIMAL + '[warehouse]\nurl = "postgresql://mill:hunter2@db/shop"\n')
    with pytest.raises(SettingInvalidError) as caught:
        load_settings(file, environment={})
    assert "GRISTMILL_WAREHOUSE_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    file.write_text(MINIMAL + '[warehouse]\nurl = "postgresql://mill@db/shop"\n')
    assert load_settings(file, environment={}).redacted()["warehouse"]["url"] == "postgresql://***@db/shop"


@pytest.mark.parametrize("wrong", ["postgres:/mill:hunter2@db", "mysql://mill:hunter2@db/shop"])
def test_an_address_that_is_none_is_not_repeated(file, wrong):
    with pytest.raises(SettingInvalidError) as caught:
        load_settings(file, environment={"GRISTMILL_WAREHOUSE_URL": wrong})
    assert "warehouse.url" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_where_the_warehouse_is_changes_no_result(file):
    plain = load_settings(file, environment={})
    moved = load_settings(file, environment={"GRISTMILL_WAREHOUSE_URL": "postgresql://w"})
    assert moved.configuration_hash == plain.configuration_hash


def test_a_folder_stands_for_the_file_in_it(file, tmp_path):
    assert load_settings(tmp_path, environment={}) == load_settings(file, environment={})
    assert load_settings(environment={"GRISTMILL_CONFIG": str(tmp_path)}).company.name == "Test"
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsFileMissingError) as caught:
        load_settings(tmp_path / "empty", environment={})
    assert "empty/gristmill.toml" in caught.value.where


def test_settings_without_a_source_say_how_to_come_by_one(tmp_path):
    (tmp_path / "gristmill.toml").write_text(TEMPLATE.read_text())
    with pytest.raises(SettingInvalidError) as caught:
        load_settings(tmp_path, environment={})
    assert "gristmill source draft" in caught.value.got


@pytest.fixture
def template(tmp_path):
    """The template with a mapping added at its end, as a draft is."""
    (tmp_path / "gristmill.toml").write_text(TEMPLATE.read_text() + MINIMAL[MINIMAL.index("[inputs") :])
    return load_settings(tmp_path, environment={})


def test_the_templates_example_of_inputs_and_sources_is_valid(tmp_path):
    text = TEMPLATE.read_text()
    start, end = text.index("# [inputs.orders]"), text.index("#\n# Of customers, columns that no contract has")
    shown = re.sub(r"(?m)^# ?", "", text[start:end])
    assert "where" in tomllib.loads(shown)["sources"]["orders"]
    (tmp_path / "gristmill.toml").write_text(text[:start] + shown + text[end:])
    assert set(load_settings(tmp_path, environment={}).sources) == {"orders", "customers"}


@pytest.mark.parametrize("name", ["gristmill.toml", "examples/online_retail/gristmill.toml"])
def test_the_settings_that_come_with_the_product_are_valid(name):
    assert load_settings(Path(__file__).parents[2] / name, environment={}).inputs


def test_the_template_names_every_setting(template):
    text, settings = TEMPLATE.read_text(), template
    for section in (
        "company",
        "paths",
        "population",
        "training",
        "segments",
        "gates",
        "lake",
        "warehouse",
        "compute",
        "registry",
    ):
        for key in getattr(settings, section).model_dump():
            assert f"{key} =" in text, f"{section}.{key}"


def test_the_template_shows_the_defaults(template):
    text = TEMPLATE.read_text()
    settings_part = text[text.index("[population]") :]
    shown = re.sub(r"(?m)^# (\w+ = )", r"\1", settings_part)
    in_force = template.model_dump(mode="json")
    told = tomllib.loads(shown)
    for section in ("population", "training", "segments", "gates", "lake", "warehouse", "compute", "registry"):
        defaults = {key: value for key, value in in_force[section].items() if value is not None}
        assert {key: told[section][key] for key in told[section] if key in defaults} == defaults, section
