"""What is installed is what the lock file vouches for; and once it is there, no network is needed."""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import daily
import pytest

ROOT = Path(__file__).parents[2]
NO_NETWORK = ["unshare", "--user", "--map-root-user", "--net"]


def wheel(folder, code):
    """A package of one module, by hand: no build tool, no network."""
    folder.mkdir()
    path = folder / "tinymill-1.0-py3-none-any.whl"
    files = {
        "tinymill.py": code,
        "tinymill-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tinymill\nVersion: 1.0\n",
        "tinymill-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "tinymill-1.0.dist-info/RECORD"
    listed = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},{len(text)}"
        for name, text in files.items()
    ]
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, record: "\n".join([*listed, f"{record},,"])}.items():
            archive.writestr(name, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def install(wheels, requirements, target):
    """As `make setup` does it, from a folder."""
    command = [Path(sys.executable).with_name("uv"), "pip", "install", "--offline", "--no-cache", "--no-index"]
    command += ["--require-hashes", "--find-links", wheels, "--target", target, "-r", requirements]
    return subprocess.run([*map(str, command)], check=False, capture_output=True, text=True)  # noqa: S603 the installer


def test_a_package_with_another_hash_is_not_installed(tmp_path):
    vouched_for = wheel(tmp_path / "wheels", "honest = True\n")
    tampered_with = tmp_path / "tampered"
    assert wheel(tampered_with, "honest = False\n") != vouched_for
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"tinymill==1.0 --hash=sha256:{vouched_for}\n")
    refused = install(tampered_with, lock, tmp_path / "there")
    assert refused.returncode != 0
    assert "Hash mismatch" in refused.stderr
    assert not (tmp_path / "there" / "tinymill.py").exists()
    assert install(tmp_path / "wheels", lock, tmp_path / "there").returncode == 0
    assert (tmp_path / "there" / "tinymill.py").exists()


def test_every_locked_package_has_hashes_and_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    packages = re.split(r"\n(?=[a-z0-9])", lock.replace("\\\n", " ").strip())
    assert len(packages) > 100
    assert [package.split()[0] for package in packages if not re.search(r"--hash=sha256:[0-9a-f]{64}", package)] == []
    assert [package.split()[0] for package in packages if "==" not in package.split()[0]] == []
    assert re.findall(r"https?://|--index-url|--extra-index|git\+| @ ", lock) == []
    assert "--require-hashes" in (ROOT / "Makefile").read_text()


@pytest.mark.slow
def test_a_night_is_published_without_any_network(night, tmp_path):
    if not shutil.which("unshare") or subprocess.call([*NO_NETWORK, "true"], stderr=subprocess.DEVNULL):  # noqa: S603 fixed words
        pytest.skip("this machine lets nobody go without a network")
    daily.Company(tmp_path).write("1.csv", "1,a,2024-05-01 10:00:00,1.00")
    for script in (
        [daily.__file__, tmp_path, "3", "none"],
        [night.__file__, tmp_path / "x.duckdb", "2026-03-02", "none"],
    ):
        ended = subprocess.run(  # noqa: S603 scripts of the tests
            [*NO_NETWORK, sys.executable, *map(str, script)],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            check=False,
            capture_output=True,
            text=True,
            timeout=170,
        )
        assert ended.returncode == 0, ended.stderr
