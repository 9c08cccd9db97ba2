"""Bounds of options: a value beyond them is one line that names the option."""

from typing import Final

from keyart.schemas.errors import SettingsError

MAX_SEED: Final = 2**63 - 1


def within(option: str, value: float, low: float, high: float) -> None:
    """Raise SettingsError unless low <= value <= high."""
    if not low <= value <= high:
        raise SettingsError(f"{option} must be {_said(low)} to {_said(high)}, is {value}")


def check_seed(seed: int) -> None:
    """Raise SettingsError unless the seed is at least 0, and fits 63 bits."""
    if seed < 0:
        raise SettingsError(f"--seed must be at least 0, is {seed}")
    if seed > MAX_SEED:
        raise SettingsError(f"--seed must be at most {MAX_SEED}, is {seed}")


def check_share(option: str, share: float) -> None:
    """Raise SettingsError unless 0 < share < 1."""
    if not 0.0 < share < 1.0:
        raise SettingsError(f"{option} must be between 0 and 1, is {share}")


def _said(bound: float) -> str:
    return f"{int(bound)}" if bound == int(bound) else f"{bound}"
