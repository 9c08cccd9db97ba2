"""A prior just fitted, and what is told of it."""

from dataclasses import dataclass

from keyart.models.likelihood.groups import GroupWorth
from keyart.models.priors.ridge import RidgeFit


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A prior just fitted.

    Parameters
    ----------
    version, encoders
        What it is called, and what reads the texts.
    report
        What cross-validation said.
    titles, artworks, impressions
        What it was fitted on; impressions are the rewards of the log, one each.
    unknown
        Impressions of artworks that the catalogue no longer knows, left out.
    held, bounded
        Impressions left out as bursts that serving held back; and of all others, what does not
        count because of the bounds on a viewer, an hour, and an hour's new viewers.
    groups
        Title groups for which the opinions are worth something else.
    gains
        Held-out gain in nats of every encoder that was compared, on some of the artworks, and
        of the stack of them.
    shares
        What each encoder's ridge weighs in the opinion; of one alone, 1.
    licences
        Of the weights that read the texts, as they state it themselves.
    """

    version: str
    encoders: str
    report: RidgeFit
    titles: int
    artworks: int
    impressions: int
    unknown: int
    held: int
    bounded: float
    groups: dict[str, GroupWorth]
    gains: dict[str, float]
    shares: dict[str, float]
    licences: dict[str, str]
