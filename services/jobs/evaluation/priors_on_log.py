"""What a prior would have meant for the choices of keyart's own training log."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from keyart.models.bandits.protocol import Policy
from keyart.models.ope.gate.loss import LEAST_ROWS, loss_between
from keyart.models.ope.gate.rules import MARGIN, Loss
from keyart.models.ope.reward_model import folds_of
from keyart.models.ope.rows import Array
from keyart.schemas.priors import Opinion
from keyart.services.jobs.evaluation.own_log import OwnLog, explored, propensities, title_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """A prior's opinions of the log's titles.

    Parameters
    ----------
    relative
        (T, K) log relative takes, centred within each title; 0 where nothing is said.
    strength
        (T,) what they are worth, in impressions.
    said
        Titles with an opinion.
    """

    relative: Array
    strength: Array
    said: int


def opinions_on(log: OwnLog, said: Iterable[Opinion]) -> Opinions:
    """Return what a prior says to everybody of the artworks in the log."""
    numbers = {name: at for at, name in enumerate(log.titles)}
    width = log.logged.shape[1]
    relative, strength = np.zeros((len(numbers), width)), np.zeros(len(numbers))
    found = 0
    for each in said:
        at = numbers.get(each.title)
        if at is None or each.segment:
            continue
        places = log.artworks[at]
        pairs = [
            (places[name], value)
            for name, value in zip(each.artworks, each.relative, strict=True)
            if name in places and np.isfinite(value)
        ]
        if not pairs:
            continue
        columns, values = np.array([at for at, _ in pairs]), np.array([value for _, value in pairs])
        relative[at, columns] = values - values.mean()
        strength[at] = each.strength
        found += 1
    return Opinions(relative=relative, strength=strength, said=found)


def loss_of(
    log: OwnLog,
    candidate: Opinions,
    champion: Opinions,
    policy: Policy,
    *,
    explore_share: float,
    margin: float = MARGIN,
    seed: int = 0,
) -> Loss | None:
    """Return what the policy would take more with one prior than with another; None: too few rows.

    Doubly robust, the two on the same rows (Delta-OPE), with a bootstrap over viewers. Both see
    what each viewer's taste did to every candidate, as far as it was logged.
    """
    rows = log.rows
    if len(rows) < LEAST_ROWS:
        return None
    ours, theirs = (
        explored(
            propensities(log, policy, relative=each.relative, strength=each.strength),
            rows.allowed,
            explore_share,
        )
        for each in (candidate, champion)
    )
    model = title_model(log, folds_of(rows, seed=seed))
    return loss_between(
        rows, ours, theirs, model=model, margin=margin, counts=log.counts, seed=seed
    )
