"""The gate on what features of a company's own are shown."""

from data_contracts.contracts import core_contract
from features.required import REQUIRED
from features.visible import OUTCOMES
from flows.featuring.attacks import OUTCOMES as ATTACKED

PLANNED = {"due_on", "valid_from", "valid_to", "launched_on"}
"""Days that are known before they come."""


def test_every_column_of_a_time_is_an_event_an_outcome_or_planned():
    """A new column that tells of later days has to be put behind the gate."""
    for entity in REQUIRED:
        contract = core_contract(entity)
        times = set(contract.columns_of_type("date", "timestamp")) - {"known_at", contract.event_time}
        assert times - PLANNED == set(OUTCOMES.get(entity, {})), entity


def test_proofs_attack_what_the_gate_hides():
    assert {entity: set(columns) for entity, columns in ATTACKED.items()} == {
        entity: set(columns) for entity, columns in OUTCOMES.items()
    }
