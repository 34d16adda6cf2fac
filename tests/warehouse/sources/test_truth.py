import pytest

from warehouse.sources.truth import control_words, meaning_of_truth


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["oui", "non"], {"oui": True, "non": False}),
        (["Oui ", "NON", "oui"], {"Oui ": True, "NON": False, "oui": True}),
        (["O", "N"], {"O": True, "N": False}),
        (["ja"], {"ja": True}),
        (["no", "sí"], {"no": False, "sí": True}),
        (["нет", "да"], {"нет": False, "да": True}),
        (["J"], {}),  # may mean anything
        (["ja", "non"], {}),  # two languages
        (["ja", "nein", "vielleicht"], {}),
        ([], {}),
    ],
)
def test_words_are_understood_together_in_one_language(words, meant):
    assert dict(meaning_of_truth(words)) == meant


def test_a_value_that_only_speaks_of_control_names_no_control_group():
    named = ["B - Control", "ControlGroup", "Groupe témoin", "Hold-out", "Kontrollgruppe", "held_out"]
    others = ["Pest control week", "no control", "treatment", "uncontrolled", "A"]
    assert control_words([*others, *named]) == tuple(sorted(named))
