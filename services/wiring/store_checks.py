"""What only the store can tell of the settings: its partitions, and its registered priors."""

from contextlib import suppress
from typing import Any

from keyart.schemas.errors import SettingsError, StoreError
from keyart.schemas.priors import NEUTRAL
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import admin_of, opinions_of, partitions_there, register_of
from keyart.streams.site import Note, Opinions, Register


def check_store(settings: Settings, client: Any) -> None:
    """Look at the settings that have to fit what the store holds.

    Raises
    ------
    SettingsError
        The store refuses the user or password, the state is of another number of partitions, or
        the prior is not registered.
    StoreAway
        The store does not answer: then nothing is known.
    """
    admin_of(client).check_access()
    _check_partitions(
        settings.partitions, register_of(settings, client), partitions_there(settings, client)
    )
    _check_prior(settings.prior, opinions_of(settings, client))


def _check_partitions(given: int, register: Register, there: int | None) -> None:
    held = register.read(Note.PARTITIONS)
    # a state that is older than the note: its streams tell
    made = int(held) if held else there
    if made is not None and made != given:
        raise SettingsError(
            f"KEYART_PARTITIONS is {given}, and the state was made with {made}: set {made}, or "
            "begin in another folder or under another KEYART_TOPIC_PREFIX"
        )
    if held is None:
        # full or read-only: it is noted another time
        with suppress(StoreError):
            register.write_once(Note.PARTITIONS, str(given).encode())


def _check_prior(name: str, opinions: Opinions) -> None:
    if name not in ("auto", NEUTRAL) and not opinions.known(name):
        raise SettingsError(
            f"KEYART_PRIOR is {name!r}, and no prior of that name is registered: use auto, "
            "neutral, or one of `keyart prior list`"
        )
