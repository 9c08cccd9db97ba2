"""Pages as the service makes them, grounded by taste and by factors: which of the two is better.

The table as it was written and read back, what the steps would keep of each viewer, and the very
page that `POST /v1/serendipity` would answer, all places proposals and none of them drawn.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

import numpy as np

from keyart.models.serendipity.advice.atlas import Atlas, atlas_of
from keyart.models.serendipity.advice.grounding import viewer_factors
from keyart.models.serendipity.advice.interests import interests_of
from keyart.models.serendipity.advice.page import Dose, compose
from keyart.models.serendipity.advice.plan import proposals_of
from keyart.models.serendipity.cases import Case, Ways
from keyart.models.serendipity.grounds import IALS, TASTE, Grounds
from keyart.models.serendipity.recommend.pages import PAGE
from keyart.models.serendipity.table import Table
from keyart.models.serendipity.world import Floats, Ints, World
from keyart.models.statistics.bootstrap import ratio_interval
from keyart.models.taste.features import F32, TasteVectors, taste_vectors
from keyart.models.taste.update import TasteRates, engage
from keyart.schemas.explored import TOOK, joined, mark_of
from keyart.schemas.taste import TASTE_DIMENSIONS, empty_tastes

PER: Final = 1000.0


class Pages:
    """Makes the pages of viewers who were cut in time.

    Parameters
    ----------
    table
        As it was read.
    world, ways
        Whose titles are shown, and when they were taken.
    vectors
        (T, D) of the world's titles, of unit length or zeros; D at most that of tastes. The service
        has those of artworks; what is said of titles stands for them here.
    """

    def __init__(self, table: Table, world: World, vectors: Floats, ways: Ways) -> None:
        wide = np.zeros((len(world.titles), TASTE_DIMENSIONS), np.float32)
        wide[:, : vectors.shape[1]] = vectors
        self.atlas: Atlas = atlas_of(table, world.titles, wide)
        self._ways = ways

    def of(self, cases: Sequence[Case], grounding: str, *, share: float = 1.0) -> list[Ints]:
        """Return each case's page of ten titles, in the order of its places.

        `share`: of places that are proposals; the rest are free.
        """
        dose = Dose(share=share, random=0.0)
        return [
            self._page(case, taste, grounding, dose)
            for case, taste in zip(cases, self._tastes(cases), strict=True)
        ]

    def _page(self, case: Case, taste: TasteVectors, grounding: str, dose: Dose) -> Ints:
        atlas = self.atlas
        marks = {mark_of(atlas.titles[title], TOOK): at for at, title in enumerate(case.titles)}
        interests = interests_of(joined({}, marks), atlas)
        page = compose(
            atlas,
            interests,
            proposals_of(atlas.table, interests.explored, interests.depths),
            taste,
            count=PAGE,
            dose=dose,
            drawn=Random(case.viewer),
            factors=viewer_factors(atlas, interests, grounding),
        )
        return np.array([place.row for place in page], np.int64)

    def _tastes(self, cases: Sequence[Case]) -> list[TasteVectors]:
        """Return the cases' tastes at their cut, as the steps would have made them of finishes."""
        records = empty_tastes(len(cases), "")
        rates = TasteRates()
        whole = [self._ways.of(case.viewer) for case in cases]
        for step in range(max((len(case.titles) for case in cases), default=0)):
            its = np.array([at for at, case in enumerate(cases) if len(case.titles) > step])
            vectors: F32 = self.atlas.vectors[[whole[at][0][step] for at in its]]
            none = np.zeros((len(its), 0))
            records[its] = engage(
                records[its],
                vectors=vectors,
                strengths=np.ones(len(its), np.float32),
                concepts=none.astype(np.uint16),
                closeness=none.astype(np.float32),
                occurred_at_ms=np.array([whole[at][1][step] for at in its]).astype(np.int64),
                rates=rates,
            )
        now = [int(at[len(case.titles)]) for (_, at), case in zip(whole, cases, strict=True)]
        return [
            taste_vectors(record, at_ms, rates) for record, at_ms in zip(records, now, strict=True)
        ]


def pairs_on(pages: Sequence[Ints], cases: Sequence[Case], clusters: Ints) -> Floats:
    """Return (N,) the unexplored clusters that each case came to later by titles of its page."""
    found = np.zeros(len(cases))
    for at, (page, case) in enumerate(zip(pages, cases, strict=True)):
        later, known = {*case.later}, {*case.history.order}
        engaged = {int(clusters[title]) for title in page.tolist() if title in later}
        found[at] = len(engaged - known)
    return found


def grounds_of(
    table: Table,
    world: World,
    vectors: Floats,
    ways: Ways,
    cases: Sequence[Case],
    *,
    seed: int = 0,
) -> Grounds:
    """Return by what titles are better taken for these viewers, who taught no factors.

    By factors only where their UEUC is above that of taste beyond noise, by viewer; else by taste,
    which needs nothing that was fitted.
    """
    if table.factors is None or not cases:
        return Grounds()
    makes = Pages(table, world, vectors, ways)
    pages = {by: makes.of(cases, by) for by in (TASTE, IALS)}
    pairs = {by: pairs_on(its, cases, makes.atlas.clusters) for by, its in pages.items()}
    # by whatever its titles are taken, a page has one of each cluster that has any left
    shown = np.array([float(len(page)) for page in pages[TASTE]])
    if not shown.all():
        return Grounds()
    over = ratio_interval(pairs[IALS] - pairs[TASTE], shown, seed=seed)
    return Grounds(
        by=IALS if over.low > 0.0 else TASTE,
        viewers=len(cases),
        taste=PER * float(pairs[TASTE].sum() / shown.sum()),
        ials=PER * float(pairs[IALS].sum() / shown.sum()),
        over=PER * over.estimate,
        low=PER * over.low,
        high=PER * over.high,
    )
