"""Callers' keys: their lists and file, what may be wrong with them, how wrong ones are slowed."""

import hashlib
import os
from pathlib import Path

import pytest

from keyart.schemas.errors import SettingsError
from keyart.services.api.auth import BURST, MAX_ADDRESSES, MAX_WAIT_S, Slowdown
from keyart.services.api.keys import LOOK_EVERY_S, SCOPES, Caller, KeyRing, digest_of, listed_keys

ONE, TWO = "one key of sixteen characters", "another key, no, with: and = in it".replace(",", "")


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bare_key_may_do_all_and_a_named_one_what_it_says() -> None:
    found = listed_keys(f" {TWO} , web:decide+events={ONE}")
    assert found[digest_of(TWO)].scopes == set(SCOPES)
    assert found[digest_of(ONE)] == Caller("web", frozenset({"decide", "events"}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (" , ", "no key"),
        (",", "no key"),
        ("short", "16 characters"),
        ("web:decide=short", "16 characters"),
        (f"web:decid={ONE}", "scopes of web are some of"),
        (f"{ONE},{ONE}", "the same key"),
        (f"a:page={ONE},b:admin={ONE}", "a and b have the same key"),
        ("x" * 5000, "1024 at most"),
    ],
)
def test_a_list_that_cannot_be_used_is_an_error(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as wrong:
        listed_keys(text)
    assert ONE not in str(wrong.value)


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    # the next change has another time, however coarse the file system's clock is
    os.utime(path, ns=(0, written.count))  # type: ignore[attr-defined]
    written.count += 1  # type: ignore[attr-defined]
    return path


written.count = 1  # type: ignore[attr-defined]


def entry(name: str, key: str, *scopes: str) -> str:
    listed = ", ".join(f'"{scope}"' for scope in scopes)
    return f'[[keys]]\nname = "{name}"\nscopes = [{listed}]\nkey = "{key}"\n'


def test_keys_are_added_and_revoked_while_it_runs(tmp_path: Path) -> None:
    clock = Clock()
    path = written(tmp_path / "keys.toml", entry("web", ONE, "decide"))
    keys = KeyRing({}, path, clock=clock)
    assert keys and keys.caller(digest_of(ONE)) == Caller("web", frozenset({"decide"}))
    assert keys.caller(digest_of(TWO)) is None
    digest = hashlib.sha256(TWO.encode()).hexdigest()
    written(path, f'[[keys]]\nname = "app"\nscopes = ["events"]\nsha256 = "{digest}"\n')
    clock.now += LOOK_EVERY_S
    assert keys.caller(digest_of(ONE)) is None
    assert keys.caller(digest_of(TWO)) == Caller("app", frozenset({"events"}))


@pytest.mark.parametrize("text", ["", "[[keys]", "keys = []", entry("web", "short", "decide")])
def test_a_file_that_went_wrong_locks_nobody_out(tmp_path: Path, text: str) -> None:
    clock = Clock()
    path = written(tmp_path / "keys.toml", entry("web", ONE, "decide"))
    keys = KeyRing({}, path, clock=clock)
    written(path, text)
    clock.now += LOOK_EVERY_S
    assert keys.caller(digest_of(ONE)) is not None
    path.unlink()
    clock.now += LOOK_EVERY_S
    assert keys.caller(digest_of(ONE)) is not None
    written(path, entry("web", TWO, "decide"))
    clock.now += LOOK_EVERY_S
    assert keys.caller(digest_of(ONE)) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no key"),
        ("keys = []", "holds no key"),
        ("# nothing\n", "holds no key"),
        (f'key = "{ONE}"', "unknown field key"),
        (f'[[keys]]\nname = "w"\nscopes = ["page"]\nkey = "{ONE}\nx = 1', "no TOML at line"),
        (entry("w", ONE), "scopes of w"),
        (entry("w", ONE, "all"), "scopes of w"),
        (entry("a name", ONE, "page"), "a name is of"),
        (entry("w", "short", "page"), "16 characters"),
        ('[[keys]]\nname = "w"\nscopes = ["page"]\n', "either key or sha256"),
        ('[[keys]]\nname = "w"\nscopes = ["page"]\nsha256 = "00"\n', "64 small hex"),
        (entry("w", ONE, "page") + entry("x", ONE, "page"), "the same key"),
        ("keys = 7", "array"),
        ("\x00", "no TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=says) as wrong:
        KeyRing({}, path)
    assert ONE not in str(wrong.value) and "\n" not in str(wrong.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        KeyRing({}, tmp_path / "none.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        KeyRing({}, tmp_path)


def test_a_key_stands_in_the_setting_or_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "keys.toml", entry("web", ONE, "decide"))
    with pytest.raises(SettingsError, match="the same key"):
        KeyRing(listed_keys(ONE), path)


def test_wrong_keys_are_slowed_and_then_not_looked_at() -> None:
    clock = Clock()
    slow = Slowdown(clock)
    waits = [slow.wrong("a") for _ in range(BURST + int(MAX_WAIT_S))]
    assert waits == [0.0] * BURST + [1.0, 2.0, 3.0, 4.0, 5.0]
    assert slow.over("a", "guess") and not slow.over("b", "guess")
    clock.now += 1.0
    assert not slow.over("a", "guess")
    # an hour of guesses at any rate: one a second is looked at
    looked = 0
    for _ in range(3600 * 4):
        clock.now += 0.25
        if not slow.over("a", "guess"):
            slow.wrong("a")
            looked += 1
    assert looked == pytest.approx(3600, abs=2)


def test_who_was_right_before_is_not_shut_out_by_a_neighbour() -> None:
    slow = Slowdown(Clock())
    slow.right("proxy", "known")
    for _ in range(100):
        slow.wrong("proxy")
    assert not slow.over("proxy", "known")
    assert slow.over("proxy", "other")
    assert not slow.over("elsewhere", "other")


def test_what_is_kept_of_addresses_is_bounded() -> None:
    slow = Slowdown(Clock())
    for at in range(2 * MAX_ADDRESSES):
        slow.wrong(f"a{at}")
        slow.right(f"a{at}", "digest")
    assert len(slow._free_at) == len(slow._right) == MAX_ADDRESSES
