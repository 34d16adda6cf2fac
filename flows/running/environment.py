"""What the environment must hold before a heavy library is imported: telemetry off, quiet, offline, few threads."""

import os
from pathlib import Path

QUIET = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "OPENBLAS_NUM_THREADS": "1",  # more of them spin against Polars and LightGBM on a small machine
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}

TELEMETRY = ("DO_NOT_TRACK", "GX_ANALYTICS_ENABLED", "MLFLOW_DISABLE_TELEMETRY", "PREFECT_SERVER_ANALYTICS_ENABLED")


def quieten() -> None:
    """Set what is not set yet; whoever set something else wants it so (except telemetry, which stays off)."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.environ.update({name: QUIET[name] for name in TELEMETRY})


def use_orchestrator_home(folder: Path) -> None:
    """Keep the orchestrator's own files in `folder` unless the environment already names a place."""
    os.environ.setdefault("PREFECT_HOME", str(folder))
