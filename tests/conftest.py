"""Settings that every test runs under."""

import os

os.environ.update(
    {
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
)

from hypothesis import settings

# the machines are shared and noisy: a slow example is no failure, and the same examples run everywhere
settings.register_profile("gristmill", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("gristmill")
