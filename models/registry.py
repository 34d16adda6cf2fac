"""The model registry: bundles in, verified bundles out, and the `champion` alias. The only place that imports MLflow.

Registering never promotes, promoting only moves the alias, and nothing that was downloaded is parsed before its
digest matched what the caller (the warehouse's ledger, or the version's tag) remembers. No customer's data goes in:
figures, parameters and the bundle's files only. Belongs here: MLflow. Does not: what is in a bundle (`bundle`),
whether it may be promoted (`gate`).
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.bundle import Bundle, open_bundle
from models.errors import BundleCorruptError, ChampionChangedError, RegistryDownError, VersionUnknownError
from models.registry_files import (
    ATTACHED,
    BESIDE,
    FOLDER,
    log_bundle,
    log_files,
    make_folder,
    read_folder,
    registered_name,
    without_password,
)

CHAMPION = "champion"
EXPERIMENT = "gristmill"
DIGEST_TAG = "manifest_sha256"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
LEDGER_TAG = "ledger"


@dataclass(frozen=True, kw_only=True)
class Version:
    """A registered version of a model.

    Attributes:
        name: the model's name (`churn`, `value`, `next_offer`).
        version: its number, from 1.
        digest: SHA-256 of its manifest.
        run_id: MLflow's run that logged it.
        is_champion: whether the alias points to it.
        tags: what was noted when registering.
    """

    name: str
    version: int
    digest: str
    run_id: str
    is_champion: bool
    tags: Mapping[str, str]


class Registry:
    """Models in MLflow, named `gristmill-<name>`.

    Args:
        tracking_uri: `sqlite:///…/mlflow.db`, or a server's `http(s)://…`.
        artifact_root: where a new experiment keeps its files (a folder or a URL); a server with a store of its own: "".
    """

    def __init__(self, tracking_uri: str, artifact_root: str) -> None:
        self._tracking_uri = tracking_uri
        self._artifact_root = artifact_root
        self._connected: Any = None

    def register(
        self,
        bundle: Bundle,
        *,
        run_name: str,
        tags: Mapping[str, str] | None = None,
        attached: Mapping[str, bytes] | None = None,
    ) -> int:
        """Log a bundle (parameters, figures, files) as a run and make it a version. The alias stays where it is.

        Registering the same bundle again returns the version it already has, so that an interrupted run can be
        repeated.

        Args:
            bundle: what to register, the model as it was graded with it.
            run_name: of MLflow's run.
            tags: of the run and of the version.
            attached: files for people and for repeating the run (model card, provenance), by name; none of them is
                ever read back.

        Returns:
            The version's number.

        Raises:
            RegistryDownError: the registry did not answer.
        """
        known = [one for one in self.versions(bundle.name) if one.digest == bundle.digest()]
        if known:
            return known[-1].version
        with self._answering() as client:
            run = client.create_run(self._experiment(client), run_name=run_name, tags=dict(tags or {}))
            run_id = run.info.run_id
            log_bundle(client, run_id, bundle)
            log_files(client, run_id, ATTACHED, attached or {})
            _ensure_model(client, registered_name(bundle.name))
            made = client.create_model_version(
                registered_name(bundle.name),
                source=f"{run.info.artifact_uri}/{FOLDER}",
                run_id=run_id,
                tags={**(tags or {}), DIGEST_TAG: bundle.digest()},
            )
            client.set_terminated(run_id)
            return int(made.version)

    def promote(self, name: str, version: int, *, expected_current: int | None) -> None:
        """Move the alias `champion`, and nothing else.

        MLflow can't compare and set in one step: runs that promote hold the warehouse's lock, and this check is for
        those who promote by hand.

        Args:
            name: the model's name.
            version: the new champion.
            expected_current: the champion the decision was made against; None: there was none.

        Raises:
            ChampionChangedError: somebody else moved the alias since.
            VersionUnknownError: there is no such version.
            RegistryDownError: the registry did not answer.
        """
        known = self.versions(name)
        if version not in {one.version for one in known}:
            raise VersionUnknownError(model=name, version=version, known=[one.version for one in known])
        found = next((one.version for one in known if one.is_champion), None)
        if found == version:
            return
        if found != expected_current:
            raise ChampionChangedError(model=name, expected=expected_current, found=found)
        with self._answering() as client:
            client.set_registered_model_alias(registered_name(name), CHAMPION, str(version))

    def champion(self, name: str) -> tuple[int, str] | None:
        """Version and digest of the champion; None where there is none.

        Raises:
            RegistryDownError: the registry did not answer.
        """
        return next(((one.version, one.digest) for one in self.versions(name) if one.is_champion), None)

    def versions(self, name: str) -> list[Version]:
        """All versions, oldest first.

        Raises:
            RegistryDownError: the registry did not answer.
        """
        with self._answering() as client:
            registered = f"name = '{registered_name(name)}'"
            models = client.search_registered_models(filter_string=registered)
            champion = str(models[0].aliases.get(CHAMPION, "")) if models else ""
            found = [
                Version(
                    name=name,
                    version=int(one.version),
                    digest=one.tags.get(DIGEST_TAG, ""),
                    run_id=one.run_id or "",
                    is_champion=str(one.version) == champion,
                    tags=dict(one.tags),
                )
                for one in _all_pages(client, registered)
            ]
        return sorted(found, key=lambda one: one.version)

    def load(self, name: str, version: int, *, digest: str) -> Bundle:
        """Download a version and verify it before anything is parsed.

        Args:
            name: the model's name.
            version: its number.
            digest: SHA-256 of its manifest, as remembered.

        Raises:
            BundleCorruptError: a file is missing, surplus, a link, or not what it was.
            VersionUnknownError: there is no such version.
            RegistryDownError: the registry did not answer.
        """
        return self._fetch(self._version(name, version), FOLDER, digest=digest)

    def load_graded(self, bundle: Bundle, version: int) -> Bundle | None:
        """The model as it was graded, verified by its bundle's manifest; None where none was kept.

        Args:
            bundle: from `load`.
            version: its number.

        Raises:
            BundleCorruptError: a file is missing, surplus, a link, or not what it was.
            RegistryDownError: the registry did not answer.
        """
        if not bundle.graded_digest:
            return None
        return self._fetch(self._version(bundle.name, version), BESIDE, digest=bundle.graded_digest)

    def discard_unfinished(self, ledger: str) -> int:
        """Mark as failed the runs that a process left unfinished: what they logged was never made a version.

        Args:
            ledger: the tag `ledger` of the runs that are ours; the caller holds that warehouse's lock.

        Returns:
            How many there were.

        Raises:
            RegistryDownError: the registry did not answer.
        """
        with self._answering() as client:
            ours = f"attributes.status = 'RUNNING' and tags.{LEDGER_TAG} = '{ledger}'"
            left = client.search_runs([self._experiment(client)], filter_string=ours)
            for run in left:
                client.set_terminated(run.info.run_id, status="FAILED")
            return len(left)

    def _version(self, name: str, version: int) -> Version:
        known = self.versions(name)
        wanted = next((one for one in known if one.version == version), None)
        if wanted is None:
            raise VersionUnknownError(model=name, version=version, known=[one.version for one in known])
        return wanted

    def _fetch(self, wanted: Version, kept_in: str, *, digest: str) -> Bundle:
        with tempfile.TemporaryDirectory(prefix="gristmill-model-") as folder:
            with self._answering() as client:
                if not client.list_artifacts(wanted.run_id, kept_in):
                    raise BundleCorruptError(file=kept_in, got="no files", expected=f"a bundle with SHA-256 {digest}")
                _download(client, wanted.run_id, kept_in, folder)
            return open_bundle(read_folder(Path(folder) / kept_in), digest=digest)

    def _experiment(self, client: Any) -> str:  # noqa: ANN401 - MLflow is untyped
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        return str(client.create_experiment(EXPERIMENT, artifact_location=self._artifact_root or None))

    @contextmanager
    def _answering(self) -> Iterator[Any]:
        """The client; its failures to reach the registry become ours."""
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient  # noqa: PLC0415 - heavy: imported when used
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 - heavy: imported when used
        from requests.exceptions import RequestException  # noqa: PLC0415 - comes with MLflow
        from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - comes with MLflow

        try:
            if self._connected is None:
                make_folder(self._tracking_uri)
                self._connected = MlflowClient(tracking_uri=self._tracking_uri, registry_uri=self._tracking_uri)
            yield self._connected
        except (RequestException, OperationalError, TimeoutError) as error:
            raise RegistryDownError(where=without_password(self._tracking_uri), reason=type(error).__name__) from error
        except MlflowException as error:
            if not _is_outage(error):
                raise
            raise RegistryDownError(where=without_password(self._tracking_uri), reason=error.error_code) from error


def _ensure_model(client: Any, registered: str) -> None:  # noqa: ANN401 - MLflow is untyped
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - heavy: imported when used

    try:
        client.create_registered_model(registered)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _all_pages(client: Any, registered: str) -> Iterator[Any]:  # noqa: ANN401 - MLflow is untyped
    token = None
    while True:
        page = client.search_model_versions(filter_string=registered, max_results=500, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _download(client: Any, run_id: str, kept_in: str, folder: str) -> None:  # noqa: ANN401 - MLflow is untyped
    """Files that are listed but can't be fetched are a broken bundle (MLflow refuses links here)."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - heavy: imported when used

    try:
        client.download_artifacts(run_id, kept_in, folder)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise BundleCorruptError(file=kept_in, got="files that can't be fetched", expected="plain files") from error


def _is_outage(error: Any) -> bool:  # noqa: ANN401 - MLflow is untyped
    text = str(error)
    return error.error_code in {"TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"} or "API request to" in text
