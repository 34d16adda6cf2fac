"""What the ledger says of the last runs, the schedule, the champions, and what to do about it."""
