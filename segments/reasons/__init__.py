"""Why a customer stands where they stand, in words."""
