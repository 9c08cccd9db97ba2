"""The table of proposals that the settings name, and how much of a page it may have."""

from collections.abc import Callable, Mapping
from typing import Final

from keyart.models.decide.index import ServingIndex
from keyart.schemas.errors import SettingsError
from keyart.services.api.advisor import Advisor
from keyart.services.wiring.experiment import pairs
from keyart.services.wiring.models import tables_of
from keyart.services.wiring.places import table_dir
from keyart.services.wiring.settings import Settings

ELSEWHERE: Final = "*"


def advisor_of(settings: Settings, index: Callable[[], ServingIndex]) -> Advisor:
    """Return what proposals are made from: the table that is set, else the registry's champion.

    Without a champion it is the table in the data folder.
    """
    folder = table_dir(settings)
    if settings.serendipity_table:
        return Advisor(folder, index)
    tables = tables_of(settings)
    return Advisor(folder, index, champion=tables.champion)


def doses_of(settings: Settings) -> Mapping[str, float]:
    """Return the share of places that are proposals, by surface; `*` is every other one.

    Raises
    ------
    SettingsError
        A share is none.
    """
    shares = pairs(settings.serendipity_dose, "KEYART_SERENDIPITY_DOSE")
    if not all(0.0 <= share <= 1.0 for share in shares.values()):
        raise SettingsError("KEYART_SERENDIPITY_DOSE: shares must be from 0 to 1")
    return {ELSEWHERE: 1.0, **shares}
