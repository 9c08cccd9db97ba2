"""The tree of errors that the module draws is the tree that is there."""

import inspect
import re

from keyart.schemas import errors


def drawn() -> dict[str, str]:
    """Return each error's parent, as the docstring draws it: a level is four characters."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"([│├└─ ]*)([A-Z]\w+)", line):
            indent, name = found.groups()
            depth = len(indent) // 4
            path = [*path[:depth], name]
            if len(indent) % 4 == 0 and (depth or name == "KeyartError"):
                parents[name] = path[depth - 1] if depth else "Exception"
    return parents


def test_the_picture_is_the_classes() -> None:
    there = {
        name: kind.__base__.__name__ if kind.__base__ else ""
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.KeyartError)
    }
    assert drawn() == there


def test_only_what_is_away_can_be_tried_again() -> None:
    retriable = {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.KeyartError) and kind.retriable
    }
    assert retriable == {"StoreAway", "LogAway"}
