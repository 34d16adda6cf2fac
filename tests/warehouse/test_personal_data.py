"""The key, the keyed hashes, and contact data kept apart."""

import ast
import hashlib
import hmac
import stat
from pathlib import Path

import polars as pl
import pytest

from data_contracts.errors import UsageError
from warehouse.errors_personal_data import PersonalDataKeyWeakError
from warehouse.personal_data import PersonalDataKey, contact_keys, make_restricted, new_key

ROOT = Path(__file__).parents[2]
KEY = PersonalDataKey(bytes(range(32)))
MAY_NAME_CONTACT_DETAILS = {
    "warehouse/personal_data.py",  # names them
    "warehouse/privacy/contact_separation.py",  # cuts them off
    "warehouse/exports/contacts.py",  # hands them to those who contact customers
    "warehouse/privacy/erasing_search.py",  # finds whom an address names, to erase them
    "warehouse/identities/keeping.py",  # joins records by them
    "warehouse/lake.py",  # says where they lie
    "warehouse/loads/writing.py",  # keeps them with a load
}


def test_a_hash_is_hmac_sha_256_of_kind_and_value():
    expected = hmac.new(bytes(range(32)), b"email\x1fjane@example.org", hashlib.sha256).hexdigest()
    assert KEY.digest("email", "jane@example.org") == expected
    assert KEY.digests("email", ["jane@example.org", "x"])[0] == expected
    assert KEY.digest("customer_id", "jane@example.org") != expected


@pytest.mark.parametrize("length", [32, 64, 65, 200])
def test_many_hashes_at_once_are_those_of_one_at_a_time(length):
    key = PersonalDataKey(bytes(range(length)))
    values = ["", "42", "Zoë 🦜", "x" * 500]
    assert key.digests("phone", values) == [key.digest("phone", value) for value in values]


def test_another_key_gives_another_hash_and_another_fingerprint():
    other = PersonalDataKey(bytes(range(1, 33)))
    assert other.digest("email", "a@example.org") != KEY.digest("email", "a@example.org")
    assert other.fingerprint != KEY.fingerprint


def test_a_new_key_can_be_read_and_is_never_the_same():
    made = {new_key() for _ in range(20)}
    assert len(made) == 20
    assert all(len(PersonalDataKey.read(text).secret) == 32 for text in made)


@pytest.mark.parametrize(
    "text", [bytes(range(40)).hex(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", f" {bytes(range(32)).hex()}\n"]
)
def test_keys_may_be_hexadecimal_or_base64(text):
    assert len(PersonalDataKey.read(text).secret) >= 32


@pytest.mark.parametrize(
    "text",
    [
        "",
        "swordfish",
        "correct horse battery staple",
        "ab" * 32,
        "passwordpassword" * 4,
        "00" * 64,
        "0123456789abcdef" * 3,
    ],
)
def test_a_weak_key_is_refused_without_being_shown(text):
    with pytest.raises(PersonalDataKeyWeakError) as caught:
        PersonalDataKey.read(text)
    assert isinstance(caught.value, UsageError)
    assert "gristmill key" in str(caught.value)
    if text:
        assert text not in str(caught.value)


def test_a_key_is_not_in_what_is_printed_of_it():
    assert "\\x00" not in repr(KEY)
    assert bytes(range(32)).hex() not in repr(KEY)


def test_spellings_of_one_address_or_number_have_one_hash():
    emails = pl.Series(["Jane@Example.org ", None, "jane@example.org", "not an address"])
    keys = contact_keys(emails, "email", key=KEY, country=None)
    assert keys.to_list() == [
        KEY.digest("email", "jane@example.org"),
        None,
        KEY.digest("email", "jane@example.org"),
        None,
    ]
    phones = contact_keys(pl.Series(["020 7946 0000", "+44 20 7946 0000"]), "phone", key=KEY, country="GB")
    assert phones.to_list() == [KEY.digest("phone", "+442079460000")] * 2
    assert contact_keys(pl.Series([], dtype=pl.String), "email", key=KEY, country=None).to_list() == []


def test_a_restricted_folder_is_closed_to_others(tmp_path):
    folder = tmp_path / "restricted"
    (folder / "contact_details").mkdir(parents=True)
    (folder / "contact_details" / "bucket=000.parquet").write_bytes(b"x")
    make_restricted(folder)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert modes == {"restricted": 0o700, "contact_details": 0o700, "bucket=000.parquet": 0o600}


def test_nothing_but_the_allowed_modules_names_contact_details():
    packages = ("config", "data_contracts", "features", "flows", "models", "segments", "simulation", "warehouse")
    naming = set()
    for path in (path for package in packages for path in sorted((ROOT / package).rglob("*.py"))):
        code = path.read_text(encoding="utf-8")
        if "contact_details" not in code.lower():
            continue
        tree = ast.parse(code)
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
        if any(id(node) not in docstrings and "contact_details" in node.value for node in texts):
            naming.add(str(path.relative_to(ROOT)))
        if any(
            isinstance(node, ast.ImportFrom) and "CONTACT_DETAILS" in {name.name for name in node.names}
            for node in ast.walk(tree)
        ):
            naming.add(str(path.relative_to(ROOT)))
    assert naming <= MAY_NAME_CONTACT_DETAILS
    assert "warehouse/personal_data.py" in naming
