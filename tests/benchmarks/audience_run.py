"""A policy plays visits to a simulated site, in process: engine, taste arithmetic, sums, beliefs.

Everything random in a visit (who comes, which titles, whose luck) depends on the seed alone, so
every policy meets the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Policy
from keyart.models.belief.beliefs import Learned, refresh
from keyart.models.belief.hyper import Hyper
from keyart.models.decide.engine import Decider
from keyart.models.decide.index import IndexedTitle, ServingIndex
from keyart.models.decide.page import DecidedPage
from keyart.models.decide.responses import Responses
from keyart.models.decide.rows import take_over
from keyart.models.decide.weights import Shared, learned_weights
from keyart.models.embed import Concepts, Space
from keyart.models.simulate import Audience, FacetWorld
from keyart.models.sums.arrays import Sums
from keyart.models.sums.responses import add_responses
from keyart.models.sums.shared import add_to_shared
from keyart.models.taste.crossing import NO_SIDE, Usual
from keyart.models.taste.features import FEATURES, taste_vectors
from keyart.models.taste.update import TasteRates, engage
from keyart.schemas.context import Context
from keyart.schemas.decisions import Versions
from keyart.schemas.posterior import SharedSums, TitleSums
from keyart.schemas.rewards import Reward
from keyart.schemas.taste import TASTE_DIMENSIONS, empty_tastes

Array = NDArray[np.float64]

PAGE = 20
GROUP = 100
"""Viewers who come between two refreshes of what is believed."""
DWELL_MS = 21_600_000
START_MS = 1_700_000_000_000
PLAYED = 0.7
"""How much a play says about taste, as the taste step has it for one of a quarter of an hour."""
VERSIONS = Versions(policy="p", prior="neutral", posterior="0", space="s")
NO_WEIGHTS = Shared(
    weights=np.zeros(len(FEATURES), np.float32),
    covariance=np.zeros((len(FEATURES),) * 2, np.float32),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a world is to keyart: vectors of its artworks, and their nearest named interests."""

    world: FacetWorld
    vectors: NDArray[np.float32]
    concepts: NDArray[np.uint16]
    closeness: NDArray[np.float32]
    space: str

    @classmethod
    def of(cls, world: FacetWorld, space: Space) -> "Site":
        """Return the site that has these titles."""
        told = [artwork.description for title in world.titles for artwork in title.artworks]
        vectors = space.encode(told)[:, :TASTE_DIMENSIONS].copy()
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        alike = vectors @ Concepts(space).leading(TASTE_DIMENSIONS).T
        nearest = np.argsort(-alike, axis=1)[:, :3]
        return cls(
            world=world,
            vectors=vectors,
            concepts=nearest.astype(np.uint16),
            closeness=np.take_along_axis(alike, nearest, axis=1),
            space=space.identity,
        )

    @property
    def audience(self) -> Audience:
        """Who looks."""
        return self.world.audience


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """N visits: (N,) viewers, (N, P) titles, (N, P) luck in 0 to 1.

    P is `PAGE`, or all titles where there are fewer.

    What is believed is refreshed between two groups of `group` viewers.
    """

    viewers: NDArray[np.intp]
    titles: NDArray[np.intp]
    luck: Array
    group: int = GROUP

    @classmethod
    def draw(
        cls, audience: Audience, *, impressions: int, seed: int, group: int = GROUP
    ) -> "Visits":
        """Return visits enough for so many impressions: a group holds nobody twice."""
        rng = np.random.default_rng([seed, 3])
        page = min(PAGE, audience.catalogue.titles)
        groups = impressions // (page * group)
        viewers = [rng.permutation(len(audience.takes))[:group] for _ in range(groups)]
        rows = groups * group
        titles = rng.random((rows, audience.catalogue.titles)).argpartition(
            min(page, audience.catalogue.titles - 1), axis=1
        )
        return cls(
            viewers=np.concatenate(viewers),
            titles=titles[:, :page],
            luck=rng.random((rows, page)),
            group=group,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Situations:
    """Where visits are made, and what that does to takes.

    Parameters
    ----------
    contexts
        (N,) what the site knows of each visit.
    factor
        (N, M) what each visit's situation makes of every artwork's take.
    attributes
        (M,) of the artworks.
    told
        Whether the site tells keyart.
    """

    contexts: Sequence[Context]
    factor: Array
    attributes: Sequence[Mapping[str, str]]
    told: bool = True


class Player:
    """One policy on one site.

    Parameters
    ----------
    taste
        Whether taste moves anything; without, every shared weight is 0 and known to be.
    responses_from
        Artworks' own responses to taste are learned of titles shown so often before; None: of none.
    situations
        Where the visits are made that will be played; None for nowhere in particular.
    """

    def __init__(
        self,
        site: Site,
        policy: Policy,
        *,
        taste: bool = True,
        responses_from: int | None = None,
        hyper: Hyper | None = None,
        situations: Situations | None = None,
    ) -> None:
        self._situations, self._usual = situations, Usual()
        self._site, self._taste = site, taste
        self._responses = Responses() if taste and responses_from is not None else None
        self._from = np.inf if responses_from is None else responses_from
        self._sums = {title.id: TitleSums(title=title.id) for title in site.world.titles}
        self._hyper = hyper or Hyper()
        self._decider = Decider(policy=policy, dwell_ms=DWELL_MS)
        self._titles = [title.id for title in site.world.titles]
        self._names = [tuple(a.id for a in title.artworks) for title in site.world.titles]
        self._starts = site.audience.catalogue.starts
        counts = np.diff(self._starts)
        self._mask = np.arange(counts.max()) < counts[:, None]
        self._takes, self._expected = np.zeros(self._mask.shape), np.zeros(self._mask.shape)
        self._shown = np.zeros(len(self._titles), np.intp)
        self._shared = SharedSums()
        self._learned: Learned | None = None
        self._tastes = empty_tastes(len(site.audience.takes), site.space)
        self._index = ServingIndex()
        self._index.put(
            IndexedTitle(
                id=title,
                artworks=names,
                vectors=site.vectors[first : first + len(names)],
                attributes=()
                if situations is None
                else tuple(situations.attributes[first : first + len(names)]),
            )
            for title, names, first in zip(
                self._titles, self._names, self._starts[:-1], strict=True
            )
        )
        self._believe()

    @property
    def _often(self) -> NDArray[np.bool_]:
        return self._shown >= self._from

    @property
    def shared(self) -> SharedSums:
        """The sums of the weights so far."""
        return self._shared

    def play(self, visits: Visits) -> Array:
        """Return (N, P) the true take probability of what was shown."""
        got = np.empty(visits.luck.shape)
        for first in range(0, len(got), visits.group):
            of = slice(first, first + visits.group)
            now = START_MS + first // visits.group * DWELL_MS
            got[of] = self._group(visits, of, now)
            self._believe()
        return got

    def _group(self, visits: Visits, of: slice, now: int) -> Array:
        viewers, titles, luck = visits.viewers[of], visits.titles[of], visits.luck[of]
        where = self._situations
        takes, got, rewards = self._site.audience.takes, np.empty(luck.shape), []
        plays: list[list[int]] = []
        for row, (viewer, page) in enumerate(zip(viewers.tolist(), titles, strict=True)):
            decided = self._decider.decide(
                self._index,
                titles=[self._titles[at] for at in page],
                taste=taste_vectors(self._tastes[viewer], now, TasteRates()),
                surface="home",
                viewer=f"v{viewer}",
                now_ms=now,
                side=NO_SIDE
                if where is None or not where.told
                else self._usual.meet(where.contexts[of.start + row]),
            )
            places = self._starts[page] + decided.chosen
            got[row] = takes[viewer, places]
            if where is not None:
                got[row] = np.minimum(got[row] * where.factor[of.start + row, places], 1.0)
            taken = luck[row] < got[row]
            np.add.at(self._takes, (page, decided.chosen), taken)
            multiplier = decided.chosen_multiplier if self._taste else np.ones(len(page))
            np.add.at(self._expected, (page, decided.chosen), multiplier)
            if self._taste:
                rewards += _rewards(decided, taken, now, self._often[page])
            plays.append(places[taken].tolist())
        if rewards:
            self._shared = add_to_shared(self._shared, rewards, half_life_ms=5e9)
            if self._responses is not None:
                by_title: dict[str, list[tuple[Reward, float]]] = {}
                for reward in [each for each in rewards if each.situation]:
                    by_title.setdefault(reward.title, []).append((reward, 1.0))
                for title, its in by_title.items():
                    sums = self._sums[title]
                    sums.responses = add_responses(sums.responses, its, 1.0)
        self._shown += np.bincount(titles.ravel(), minlength=len(self._shown))
        self._learn_tastes(viewers, plays, now)
        return got

    def _learn_tastes(self, viewers: NDArray[np.intp], plays: list[list[int]], now: int) -> None:
        for turn in range(max(map(len, plays))):
            of = [at for at, its in enumerate(plays) if len(its) > turn]
            rows = np.array([plays[at][turn] for at in of])
            self._tastes[viewers[of]] = engage(
                self._tastes[viewers[of]],
                vectors=self._site.vectors[rows],
                strengths=np.full(len(of), PLAYED, np.float32),
                concepts=self._site.concepts[rows],
                closeness=self._site.closeness[rows],
                occurred_at_ms=np.full(len(of), now + 60_000),
                rates=TasteRates(),
            )

    def _believe(self) -> None:
        sums = Sums.of(
            takes=self._takes,
            expected=self._expected,
            opinion=np.zeros(self._mask.shape),
            mask=self._mask,
        )
        beliefs, self._learned = refresh(
            sums, self._hyper, Learned.start(self._hyper), now=self._learned
        )
        take_over(
            self._index,
            beliefs,
            titles=self._titles,
            artworks=self._names,
            surfaces=("home",),
        )
        self._index.shared = (
            learned_weights([self._shared], prior="neutral") if self._taste else NO_WEIGHTS
        )
        if self._responses is not None:
            for title, names in zip(self._titles, self._names, strict=True):
                self._responses.hold(self._sums[title], names)
            self._responses.take_situations([self._shared])
            self._responses.work_out(self._index, (), together=True)


def _rewards(
    decided: DecidedPage, taken: NDArray[np.bool_], now: int, often: NDArray[np.bool_]
) -> list[Reward]:
    features = decided.features[:, :-1].tolist()
    situation = tuple(decided.responding.situation.tolist())
    return [
        Reward(
            id="r",
            viewer="0" * 32,
            title=title,
            artwork=artwork,
            surface="home",
            value=float(value),
            shown_at_ms=now,
            closed_at_ms=now,
            candidates=("a",),
            propensities=(1.0,),
            explored=False,
            policy="p",
            versions=VERSIONS,
            features=tuple(its),
            multiplier=multiplier,
            expected=expected,
            situation=situation if teaches else (),
            responded=responded if teaches else 0.0,
            response=response,
        )
        for title, artwork, value, its, multiplier, expected, response, responded, teaches in zip(
            decided.titles,
            decided.chosen_artworks,
            taken.tolist(),
            features,
            decided.chosen_multiplier.tolist(),
            decided.chosen_expected.tolist(),
            decided.chosen_response.tolist(),
            decided.responding.centred(decided.chosen, decided.propensities).tolist(),
            often.tolist(),
            strict=True,
        )
    ]
