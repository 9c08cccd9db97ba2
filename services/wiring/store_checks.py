"""What only the store can tell of the settings: its partitions, and its registered priors."""

from contextlib import suppress

from keyart.schemas.errors import SettingsError, StoreError
from keyart.schemas.priors import NEUTRAL
from keyart.services.wiring.bootstrap import Parts
from keyart.streams.site import Note


def check_store(parts: Parts) -> None:
    """Look at the settings that have to fit what the store holds.

    Raises
    ------
    SettingsError
        The store refuses the user or password, the state is of another number of partitions, or
        the prior is not registered.
    StoreAway
        The store does not answer: then nothing is known.
    """
    parts.admin.check_access()
    _check_partitions(parts)
    _check_prior(parts)


def _check_partitions(parts: Parts) -> None:
    given = parts.settings.partitions
    held = parts.register.read(Note.PARTITIONS)
    # a state that is older than the note: its streams tell
    made = int(held) if held else parts.partitions_there()
    if made is not None and made != given:
        raise SettingsError(
            f"KEYART_PARTITIONS is {given}, and the state was made with {made}: set {made}, or "
            "begin in another folder or under another KEYART_TOPIC_PREFIX"
        )
    if held is None:
        # full or read-only: it is noted another time
        with suppress(StoreError):
            parts.register.write_once(Note.PARTITIONS, str(given).encode())


def _check_prior(parts: Parts) -> None:
    name = parts.settings.prior
    if name not in ("auto", NEUTRAL) and not parts.opinions.known(name):
        raise SettingsError(
            f"KEYART_PRIOR is {name!r}, and no prior of that name is registered: use auto, "
            "neutral, or one of `keyart prior list`"
        )
