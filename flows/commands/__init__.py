"""The commands, grouped by what people come for. Heavy imports happen inside them: `--help` answers at once."""
