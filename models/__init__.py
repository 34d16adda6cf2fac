"""Labels, splits, models, calibration, evaluation. Only `registry` imports MLflow."""
