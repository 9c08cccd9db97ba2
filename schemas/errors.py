"""Every error keyart raises.

KeyartError
├── InvalidRecord        a record or request breaks its schema or bounds
│   └── UnknownVersion   written by a newer keyart than this one
├── UnknownName          a policy, reward, prior or surface nobody registered
├── NotFound             a title, artwork, viewer or decision that is not there
├── Contended            too many writers change the same thing at once; nothing was written
├── SettingsError        a setting that cannot be used
├── MissingExtra         needs an optional dependency that is not installed
├── SpaceMismatch        vectors of two embedding spaces would be mixed
├── ModelRejected        a model file failed its digest, parity or gate
├── StoreError           the state store refused or failed
│   ├── StoreAway        could not be reached; retriable
│   ├── Fenced           another owner holds this partition
│   └── OffsetMismatch   the partition's offset is not the expected one
└── LogError             the event log refused or failed
    └── LogAway          could not be reached; retriable
"""

from typing import ClassVar


class KeyartError(Exception):
    """Anything keyart raises on purpose. `retriable` says whether trying again can help."""

    retriable: ClassVar[bool] = False


class InvalidRecord(KeyartError):
    """A record or request breaks its schema or bounds.

    Parameters
    ----------
    message
        What is wrong, for a person.
    path
        Where, as a JSON path (`$.artworks[3].id`); empty when the whole is meant.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(f"{message} - at {path}" if path else message)
        self.message = message
        self.path = path


class UnknownVersion(InvalidRecord):
    """Written by a newer keyart. Operator action: upgrade this process first."""


class UnknownName(KeyartError):
    """A policy, reward, prior or surface nobody registered."""


class NotFound(KeyartError):
    """A title, artwork, viewer or decision that is not there."""


class Contended(KeyartError):
    """Others changed the same thing each time this writer tried; nothing of it was written."""


class SettingsError(KeyartError):
    """A setting that cannot be used. Operator action: correct the setting it names."""


class MissingExtra(KeyartError):
    """An optional dependency is not installed. Operator action: install the extra it names.

    Parameters
    ----------
    extra
        The extra that has it, or EXTRAS of the image.
    needed_for
        What would be done.
    needs
        What is not there and what has it; "": the extra, and how it is installed.
    """

    def __init__(self, extra: str, needed_for: str, needs: str = "") -> None:
        named = needs or f"keyart[{extra}]: pip install 'keyart[{extra}]'"
        super().__init__(f"{needed_for} needs {named}")
        self.extra = extra


class SpaceMismatch(KeyartError):
    """Vectors of two spaces would be mixed. Operator action: `keyart replay` rebuilds taste."""


class ModelRejected(KeyartError):
    """A model file failed its digest, its parity with torch, or its gate; it does not serve."""


class StoreError(KeyartError):
    """The state store refused or failed."""


class StoreAway(StoreError):
    """The state store could not be reached."""

    retriable = True


class Fenced(StoreError):
    """Another owner holds this partition; this one must stop writing and forget its state."""


class OffsetMismatch(StoreError):
    """The partition's committed offset is not the one this writer started from."""


class LogError(KeyartError):
    """The event log refused or failed."""


class LogAway(LogError):
    """The event log could not be reached."""

    retriable = True
