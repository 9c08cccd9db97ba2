"""Recent decisions, and why they came out as they did."""

from keyart.models.decide.explain import explain
from keyart.schemas.catalogue import Artwork
from keyart.schemas.decisions import Decision, DecisionPage
from keyart.services.page.decision_views import Candidate, DecisionList, DecisionView
from keyart.services.page.source import Source

PAGES = 40
OF_EACH = 2
"""Decisions shown of one request: a page of forty titles must not fill the list."""
PSEUDONYM_SHOWN = 6


def decisions_of(source: Source, *, limit: int, explore_share: float) -> DecisionList:
    """Return recent decisions, the newest first, `OF_EACH` of each request."""
    found: list[DecisionView] = []
    for page in source.flows.recent(PAGES):
        for decision in page.decisions[:OF_EACH]:
            found.append(_view(source, page, decision, explore_share))
    return DecisionList(now_ms=source.clock(), decisions=tuple(found[:limit]))


def _view(
    source: Source, page: DecisionPage, decision: Decision, explore_share: float
) -> DecisionView:
    stored = source.titles.get(decision.title)
    title_name = stored.name if stored else decision.title
    held = {kept.artwork.id: kept.artwork for kept in stored.artworks} if stored else {}

    def artwork(name: str) -> Artwork:
        return held.get(name) or Artwork(id=name)

    def picture(name: str) -> str:
        return source.pictures.of(title_name, artwork(name))

    candidates = [
        Candidate(
            artwork=name,
            description=artwork(name).description,
            picture=picture(name),
            propensity=propensity,
        )
        for name, propensity in zip(decision.candidates, decision.propensities, strict=True)
    ]
    return DecisionView(
        id=decision.id,
        at_ms=page.decided_at_ms,
        viewer=page.viewer[:PSEUDONYM_SHOWN],
        surface=page.surface,
        title=decision.title,
        title_name=title_name,
        artwork=decision.artwork,
        description=artwork(decision.artwork).description,
        picture=picture(decision.artwork),
        policy=page.policy,
        explored=decision.explored,
        degraded=page.degraded,
        sentence=explain(decision, policy=page.policy, explore_share=explore_share),
        terms=decision.terms,
        candidates=tuple(sorted(candidates, key=lambda each: -each.propensity)),
        versions=page.versions,
    )
