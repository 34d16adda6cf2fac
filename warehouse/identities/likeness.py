"""Matching by likeness: how probable it is that two unequal records are one customer (Splink, on DuckDB).

Belongs here: training on the records themselves, and links from the probability on that the settings ask for. Does not:
how columns are compared and which pairs are looked at (`comparing.py`), which links are followed
(`groups.py`). The only place that imports Splink beside `comparing.py`.

The model is that of Fellegi and Sunter (A Theory for Record Linkage, JASA 1969): each compared column adds log2(m / u)
to the weight of a pair, m being how often two records of one customer agree so well in it (found by expectation
maximisation), u how often two records at random do (counted on random pairs). A trained model is kept and used again,
so that probabilities stay what they were, until the settings change or there are twice as many records.
"""

import importlib.util
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from data_contracts.identity import IdentitySettings, Probabilistic
from warehouse.errors_identity import SplinkMissingError
from warehouse.identities.comparing import Plan, compared_records, plan_of
from warehouse.identities.matching import LINK_SCHEMA

if TYPE_CHECKING:
    from splink import Linker

_RECALL = 0.7
_FEWEST_RECORDS = 20
_GROWN = 2.0
_DIGITS = 6


def no_links() -> pl.DataFrame:
    """No links at all."""
    return pl.DataFrame(schema=LINK_SCHEMA)


def probable_links(
    records: pl.DataFrame, settings: IdentitySettings, *, model: Mapping[str, Any] | None
) -> tuple[pl.DataFrame, Mapping[str, Any] | None]:
    """Pairs of records that are one customer with at least the probability of the settings.

    Args:
        records: `id` and the compared columns.
        settings: with `probabilistic` enabled.
        model: a model trained at an earlier load, as returned then.

    Returns:
        As `matching.LINK_SCHEMA`; `rule` names the columns that agree well enough to speak for the pair,
        `weight` is the log2 of the odds. And the model; None where there are too few records to learn from.

    Raises:
        SplinkMissingError: the extra `identity` is not installed.
    """
    if importlib.util.find_spec("splink") is None:
        raise SplinkMissingError
    chosen = settings.probabilistic
    if records.height < _FEWEST_RECORDS:
        return no_links(), model
    logging.getLogger("splink").setLevel(logging.ERROR)
    with duckdb.connect() as connection:
        connection.register("given", compared_records(records, settings))
        connection.execute("create table compared as from given order by unique_id")
        plan = plan_of(connection, chosen)
        if not plan.rules:
            return no_links(), model
        if model is None or not _still_fits(model, chosen, records.height):
            model = _trained(connection, plan, chosen, records.height)
        return _predicted(connection, model, chosen), model


def _still_fits(model: Mapping[str, Any], chosen: Probabilistic, records: int) -> bool:
    return bool(model["made_of"] == _made_of(chosen) and records < _GROWN * model["records"])


def _made_of(chosen: Probabilistic) -> dict[str, Any]:
    return {"compare": dict(chosen.comparisons()), "seed": chosen.seed, "most_pairs": chosen.most_pairs}


def _trained(
    connection: duckdb.DuckDBPyConnection, plan: Plan, chosen: Probabilistic, records: int
) -> Mapping[str, Any]:
    """Learn the weights. One thread: random pairs are drawn the same each time."""
    from splink import SettingsCreator  # noqa: PLC0415 seconds of import that most loads don't need

    threads = connection.execute("select current_setting('threads')").fetchall()[0][0]
    connection.execute("set threads = 1")
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=plan.comparisons,
        blocking_rules_to_generate_predictions=plan.rules,
        probability_two_random_records_match=1 / records,
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=True,
        linker_uid="gristmill",
    )
    linker = _linker(connection, settings)
    _learn(linker, plan, chosen)
    connection.execute(f"set threads = {threads:d}")
    learnt: dict[str, Any] = linker.misc.save_model_to_json(out_path=None)
    return {"made_of": _made_of(chosen), "records": records, "splink": _rounded(learnt)}


def _linker(connection: duckdb.DuckDBPyConnection, settings: Any) -> "Linker":  # noqa: ANN401  # Splink's settings, or the same as JSON
    from splink import DuckDBAPI, Linker  # noqa: PLC0415 as above

    api = DuckDBAPI(connection)
    return Linker(api.register("compared"), settings, log_level=None)


def _learn(linker: "Linker", plan: Plan, chosen: Probabilistic) -> None:
    from splink.internals.exceptions import SplinkException  # noqa: PLC0415 as above

    with suppress(SplinkException, ValueError, ZeroDivisionError):  # no certain pair to start from: 1 / records stands
        linker.training.estimate_probability_two_random_records_match(plan.certain, recall=_RECALL)
    linker.training.estimate_u_using_random_sampling(max_pairs=chosen.most_pairs, seed=chosen.seed)
    for rule in plan.training:
        with suppress(SplinkException):  # no two records agree in these columns: the next ones teach
            linker.training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=chosen.most_pairs)


def _predicted(connection: duckdb.DuckDBPyConnection, model: Mapping[str, Any], chosen: Probabilistic) -> pl.DataFrame:
    linker = _linker(connection, dict(model["splink"]))
    found = linker.inference.predict(threshold_match_probability=chosen.threshold, warning_mode="never")
    pairs: pl.DataFrame = connection.sql(f"select * from {found.physical_name}").pl()  # noqa: S608  # a name of Splink's
    alike = [pl.when(pl.col(f"mw_{column}") > 0).then(pl.lit(column)) for column in chosen.comparisons()]
    return (
        pairs.select(
            pl.min_horizontal("unique_id_l", "unique_id_r").alias("left_id"),
            pl.max_horizontal("unique_id_l", "unique_id_r").alias("right_id"),
            pl.lit("probabilistic").alias("method"),
            ("alike in " + pl.concat_list(alike).list.drop_nulls().list.join(", ")).alias("rule"),
            pl.col("match_probability").round(_DIGITS).alias("probability"),
            pl.col("match_weight").round(_DIGITS).alias("weight"),
        )
        .sort("left_id", "right_id")
        .with_row_index("evidence")
        .select(pl.col(name).cast(dtype) for name, dtype in LINK_SCHEMA.items())
    )


def _rounded(value: Any) -> Any:  # noqa: ANN401  # any JSON value, in and out
    """Learnt figures to a dozen digits: the last ones depend on the order of additions."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value
