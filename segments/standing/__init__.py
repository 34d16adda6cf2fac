"""Where each customer stands beyond tonight's scores: value, loyalty, stage, fate, moves, and sums of them."""
