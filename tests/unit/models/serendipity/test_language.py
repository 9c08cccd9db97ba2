"""The language model as a planner: what it is asked, what it learns from, what its answers do."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from keyart.models.dataset.examples import Example
from keyart.models.serendipity.histories import History
from keyart.models.serendipity.language.planner import Language
from keyart.models.serendipity.language.questions import LATEST, OPTIONS, Successors, question
from keyart.models.serendipity.language.rows import OF_A_TARGET, answered_questions
from keyart.models.serendipity.planners.counting import Random
from keyart.models.serendipity.planners.protocol import Planner
from keyart.models.serendipity.vocabulary.vocabulary import Vocabulary, build_vocabulary
from keyart.models.serendipity.world import Floats

CLUSTERS = 30


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    terms = tuple(f"term{at}" for at in range(CLUSTERS))
    titles = np.arange(CLUSTERS * 5)
    made, _, _ = build_vocabulary(
        titles,
        titles % CLUSTERS,
        titles=len(titles),
        terms=terms,
        clusters=CLUSTERS,
        seed=0,
    )
    assert len(made.names) == CLUSTERS
    return made


def ways(count: int, seed: int = 0) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [rng.permutation(CLUSTERS)[: rng.integers(1, 12)].tolist() for _ in range(count)]


class Fixed:
    """A planner that says the same of everybody."""

    name = "fixed"

    def __init__(self, scores: Sequence[float]) -> None:
        self._scores = np.array(scores, np.float64)

    def scores(self, histories: Sequence[History]) -> Floats:
        return np.tile(self._scores, (len(histories), 1))


def test_a_question_tells_the_latest_first_and_offers_names_alone(vocabulary: Vocabulary) -> None:
    order = list(range(12))
    made = question(vocabulary, order, [20, 21, 22], id="q", successor=25, answer=1)
    assert [each.title for each in made.history] == [
        vocabulary.names[at] for at in range(11, 11 - LATEST, -1)
    ]
    assert [each.artwork for each in made.options] == [vocabulary.names[at] for at in (20, 21, 22)]
    assert made.taste == vocabulary.names[25] and made.rewards == (0.0, 1.0, 0.0)


def test_who_is_asked_about_does_not_tell_what_came_next() -> None:
    told = Successors([[1, 2, 3], [1, 2, 3], [1, 2, 4]])
    assert told.top([9, 1, 2]) == 3
    assert told.top([1, 2], but=4) == 3
    assert Successors([[1, 2, 3]]).top([1, 2], but=3) is None
    assert told.top([2]) is None and told.top([5, 6]) is None


def test_rows_ask_what_will_be_asked_and_are_balanced(vocabulary: Vocabulary) -> None:
    orders = ways(400)
    shortlist: Planner = Random(clusters=CLUSTERS, seed=3)
    rows = answered_questions(vocabulary, orders, shortlist)
    steps = Counter(order[at] for order in orders for at in range(2, len(order)))
    most = OF_A_TARGET * np.median(list(steps.values()))
    answers: Counter[str] = Counter()
    for row in rows:
        who, at = map(int, row.id.split("-"))
        told = [vocabulary.names[each] for each in orders[who][:at]]
        names = [each.artwork for each in row.options]
        assert len(set(names)) == OPTIONS and not set(names) & set(told)
        assert names[row.answer] == vocabulary.names[orders[who][at]]
        answers[names[row.answer]] += 1
    assert rows and max(answers.values()) <= most
    # two thirds of the clusters are on a list of 20 of about 25: the others are not put there
    assert len(rows) < sum(steps.values())
    assert [each.id for each in answered_questions(vocabulary, orders, shortlist)] == [
        each.id for each in rows
    ]


def test_answers_rank_the_shortlist_and_the_rest_follows_in_its_order(
    vocabulary: Vocabulary,
) -> None:
    levels = [float(CLUSTERS - at) for at in range(CLUSTERS)]
    asked: list[Example] = []

    def ask(questions: Sequence[Example]) -> list[np.ndarray]:
        asked.extend(questions)
        # the last of the shortlist is the likeliest
        return [np.arange(1, OPTIONS + 1) / (OPTIONS * (OPTIONS + 1) / 2) for _ in questions]

    planner = Language(vocabulary, Fixed(levels), Successors([]), ask)
    scores = planner.scores([History((0, 1), (1, 1)), History((5,), (2,))])
    order = np.argsort(-scores[0], kind="stable").tolist()
    assert order[:OPTIONS] == list(range(OPTIONS + 1, 1, -1))
    rest = [at for at in order[OPTIONS:] if at > 1]
    assert rest == list(range(OPTIONS + 2, CLUSTERS))
    assert scores.shape == (2, CLUSTERS) and np.isfinite(scores).all()
    assert {each.artwork for one in asked for each in one.options} <= set(vocabulary.names)
