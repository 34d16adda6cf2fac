import polars as pl
import pytest

from segments.errors import PhraseTemplateError
from segments.money import Currency
from segments.reasons.main import Phrasebook, main_reasons, strongest_causes

PHRASES = {
    "silence": "silent for {silence_days} days, usually orders every {rhythm_days} days",
    "silence_ratio": "silent for {silence_days} days, usually orders every {rhythm_days} days",
    "spend": "spent {spend_amount} in the last year",
    "returns": "returns {return_share} of what they buy",
    "season": "time of the year",
}
UNKNOWN = {"silence": "bought once, {silence_days} days ago", "spend": "has a short history"}
BOOK = Phrasebook(phrases=PHRASES, phrases_when_unknown=UNKNOWN)
UNKNOWN_SENTENCE = "too little history to say more; last bought 45 days ago"
CAUSES = {"up": ["up"], "other": ["other"], "pair": ["half", "other_half", "absent"]}
FIGURES = {"silence_days": 45, "rhythm_days": 20.4, "spend_amount": 123456, "return_share": 0.126, "return_text": "x"}


def _strongest(band, **contributions):
    columns = {"up": 0.0, "other": 0.0, "half": 0.0, "other_half": 0.0} | contributions
    frame = pl.DataFrame({"customer_id": ["a"]} | {name: [value] for name, value in columns.items()})
    bands = pl.DataFrame({"customer_id": ["a"], "churn_risk_band": [band]})
    chosen = strongest_causes(frame, bands, causes=CAUSES)
    return chosen["feature"].to_list()


@pytest.mark.parametrize(
    ("band", "contributions", "expected"),
    [
        ("critical", {"up": 0.5, "other": -2.0}, ["up"]),
        ("high", {"up": 0.5, "other": 0.6}, ["other"]),
        ("low", {"up": 0.5, "other": -0.1}, ["other"]),
        ("medium", {"up": 0.5, "other": -0.6}, ["other"]),
        ("critical", {"up": 0.5, "half": 0.3, "other_half": 0.3}, ["pair"]),
        ("critical", {"up": 0.5, "half": 0.9, "other_half": -0.9}, ["up"]),
        ("high", {"up": 0.5, "other": 0.5}, ["up"]),
        ("high", {"up": -0.5}, [None]),
        ("low", {"up": 0.5}, [None]),
        ("high", {"up": float("nan"), "other": 0.1}, ["other"]),
        ("high", {"up": None, "other": 0.1}, ["other"]),
        ("not scored", {"up": 0.5}, []),
    ],
)
def test_the_cause_that_explains_the_band_is_chosen(band, contributions, expected):
    assert _strongest(band, **contributions) == expected


def test_causes_are_words_with_figures():
    assert BOOK.causes() == {"silence": ("silence", "silence_ratio"), "spend": ("spend",), "returns": ("returns",)}


def _reason(status="active", band="high", days=45, contributions=None, book=BOOK, **figures):
    customers = pl.DataFrame(
        {"customer_id": ["a"], "customer_status": [status], "churn_risk_band": [band], "days_since_last_order": [days]},
        schema_overrides={"days_since_last_order": pl.Int32},
    )
    features = pl.DataFrame({"customer_id": ["a"]} | {name: [value] for name, value in (FIGURES | figures).items()})
    pushes = pl.DataFrame({"customer_id": ["a"]} | {name: [value] for name, value in (contributions or {}).items()})
    said = main_reasons(
        customers,
        features,
        None if contributions is None else pushes,
        phrasebook=book,
        currency=Currency(code="GBP", exponent=2),
    )
    return said.item()


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({"contributions": {"silence": 1.0}}, "silent for 45 days, usually orders every 20 days"),
        ({"contributions": {"spend": 1.0}}, "spent £1,235 in the last year"),
        ({"contributions": {"returns": 1.0}}, "returns 13% of what they buy"),
        ({"contributions": {"silence": 1.0}, "rhythm_days": None}, "bought once, 45 days ago"),
        ({"contributions": {"spend": 1.0}, "spend_amount": None}, "has a short history"),
        ({"contributions": {"returns": 1.0}, "return_share": None}, UNKNOWN_SENTENCE),
        ({"contributions": {"season": 9.0}}, "nothing unusual; last bought 45 days ago"),
        ({"contributions": {"silence": -1.0}}, "nothing unusual; last bought 45 days ago"),
        ({"contributions": {}}, "nothing unusual; last bought 45 days ago"),
        ({}, "nothing unusual; last bought 45 days ago"),
        ({"days": 1}, "nothing unusual; last bought 1 day ago"),
        ({"status": "lapsed", "band": "not scored", "days": 1400}, "no purchase for 1400 days"),
        ({"status": "prospect", "band": "not scored", "days": None}, "no purchase yet"),
        ({"contributions": {"silence": 1.0}, "book": Phrasebook()}, "nothing unusual; last bought 45 days ago"),
    ],
)  # fmt: skip
def test_reasons_in_words(case, expected):
    assert _reason(**case) == expected


def test_without_words_for_the_unknown_the_known_part_is_said():
    book = Phrasebook(phrases=PHRASES)
    assert _reason(contributions={"silence": 1.0}, book=book, rhythm_days=None) == "silent for 45 days"


def test_units_of_the_catalogue_win_over_names():
    book = Phrasebook(phrases={"x": "{silence_days} in all"}, units={"silence_days": "minor units"})
    assert _reason(contributions={"x": 1.0}, book=book) == "£0.45 in all"


def test_an_unreadable_phrase_is_refused():
    with pytest.raises(PhraseTemplateError, match="can't be read"):
        _reason(contributions={"x": 1.0}, book=Phrasebook(phrases={"x": "{a.b}"}))
