"""How versions are let out, by the settings."""

from typing import Final

from keyart.models.ope.canary import CanaryRules
from keyart.schemas.errors import SettingsError
from keyart.services.wiring.settings import Settings

HOUR_MS: Final = 3_600_000


def rules_of(settings: Settings) -> CanaryRules:
    """Return the rules that the settings ask for.

    Raises
    ------
    SettingsError
        The shares are not numbers above 0 and below 1 that grow.
    """
    text = settings.canary_shares
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError:
        shares = ()
    grows = all(low < high for low, high in zip(shares, shares[1:], strict=False))
    if not shares or not grows or shares[0] <= 0.0 or shares[-1] >= 1.0:
        raise SettingsError(
            f"KEYART_CANARY_SHARES is {text!r}: shares of viewers that grow, above 0 and below 1, "
            "comma-separated"
        )
    return CanaryRules(
        shares=shares,
        step_ms=round(settings.canary_step_s * 1000),
        least=settings.canary_least_rewards,
        most_ms=round(settings.canary_most_hours * HOUR_MS),
        silence_ms=round(settings.canary_silence_hours * HOUR_MS),
        slower_ms=settings.canary_slower_ms,
        kept=settings.canary_kept,
        watch_ms=round(settings.canary_watch_hours * HOUR_MS),
    )
