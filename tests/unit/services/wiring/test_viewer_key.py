"""The viewer key: written whole or not at all, one a folder, and never a short one."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.schemas.errors import SettingsError
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.viewer_key import FILE, PREVIOUS_FILE, check_keys, find_keys
from tests.opened import Opened

MAKE = """
import sys
from pathlib import Path
from keyart.services.wiring.viewer_key import find_keys
sys.stdin.readline()
print(find_keys("", "", Path(sys.argv[1]), make=True).current.hex())
"""


def test_it_is_made_once_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    made = find_keys("", "", tmp_path, make=True)
    assert len(made.current) == 32 and made.previous is None
    assert find_keys("", "", tmp_path, make=True) == made
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == [FILE]
    assert made.current.hex() not in repr(made) and repr(made.current) not in repr(made)


def test_of_many_processes_that_begin_at_once_one_makes_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE, str(tmp_path)]
    pipe = subprocess.PIPE
    started = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(8)]
    with ThreadPoolExecutor(len(started)) as together:
        said = list(together.map(lambda each: each.communicate("go\n", timeout=60)[0], started))
    assert all(each.returncode == 0 for each in started)
    assert len(set(said)) == 1
    assert said[0].strip() == (tmp_path / FILE).read_bytes().hex()
    assert os.listdir(tmp_path) == [FILE]


@given(held=st.binary(max_size=15) | st.binary(min_size=65, max_size=80))
def test_a_file_that_is_no_whole_key_is_refused_and_left(
    tmp_path_factory: pytest.TempPathFactory, held: bytes
) -> None:
    path = tmp_path_factory.mktemp("key") / FILE
    path.write_bytes(held)
    with pytest.raises(SettingsError, match="restore it from a backup") as said:
        find_keys("", "", path.parent, make=True)
    assert "\n" not in str(said.value)
    assert path.read_bytes() == held


def test_a_disk_that_is_full_leaves_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="No space left on device"):
        find_keys("", "", tmp_path, make=True)
    assert os.listdir(tmp_path) == []


def test_one_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"k" * 32)
    (tmp_path / FILE).chmod(0o644)
    assert find_keys("", "", tmp_path, make=True).current == b"k" * 32
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


# characters of one and two bytes: 16 to 64 of them together
@given(key=st.text(st.characters(max_codepoint=0x7FF), min_size=16, max_size=32))
def test_a_given_one_of_the_right_length_is_taken_as_it_is(key: str) -> None:
    folder = Path("there-is-none")
    assert find_keys(key, "", folder, make=False).current == key.encode()
    check_keys(key, "", folder, make=False)


@given(
    key=st.one_of(
        st.text(min_size=1, max_size=3),
        st.text(min_size=65, max_size=80),
        st.sampled_from(["k" * 15, "k" * 65, "é" * 7, "é" * 33]),
    )
)
def test_a_given_one_of_a_wrong_length_is_refused_as_it_is_or_as_the_one_before(key: str) -> None:
    folder = Path("there-is-none")
    for wrong in (
        lambda: find_keys(key, "", folder, make=False),
        lambda: find_keys("k" * 16, key, folder, make=False),
        lambda: check_keys(key, "", folder, make=True),
    ):
        with pytest.raises(SettingsError, match="16 to 64 bytes"):
            wrong()


def test_without_one_and_without_a_file_to_keep_it_in_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KEYART_VIEWER_KEY must be set"):
        find_keys("", "", tmp_path, make=False)


def test_the_check_makes_nothing(tmp_path: Path) -> None:
    check_keys("", "", tmp_path, make=True)
    assert os.listdir(tmp_path) == []


def test_the_one_before_comes_from_a_setting_or_from_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / PREVIOUS_FILE).write_bytes(b"p" * 32)
    keys = find_keys("", "", tmp_path, make=True)
    assert keys.previous == b"p" * 32 != keys.current
    assert find_keys("", "q" * 16, tmp_path, make=True).previous == b"q" * 16
    assert find_keys("k" * 16, "", tmp_path, make=True).previous is None
    with pytest.raises(SettingsError, match="are the same"):
        find_keys("k" * 16, "k" * 16, tmp_path, make=True)


def test_no_pseudonym_is_ever_a_plain_hash(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    with pytest.raises(SettingsError):
        _ = Opened(Settings(data_dir=str(tmp_path))).viewer_key
    (tmp_path / FILE).unlink()
    key = Opened(Settings(data_dir=str(tmp_path))).viewer_key
    plain = hashlib.blake2b(b"ada", digest_size=16).digest()
    assert hashlib.blake2b(b"ada", digest_size=16, key=key).digest() != plain
