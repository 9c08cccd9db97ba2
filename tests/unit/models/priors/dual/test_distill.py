"""The dual encoder: it learns from both teachers, agrees as ONNX, and names what it sees."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from keyart.models.dataset.examples import Choice, Entry, Example
from keyart.models.priors.dual.dual import DualEncoder, TasteWords
from keyart.models.priors.dual.export import export_dual
from keyart.models.priors.dual.held_out import viewer_gain
from keyart.models.priors.dual.manifest import ARTWORK_GRAPH
from keyart.models.priors.dual.network import DualNetwork
from keyart.models.priors.dual.probes import PROBES_FILE, parity_with_torch, save_probes
from keyart.models.priors.dual.report import DistillSettings
from keyart.models.priors.dual.train import train_dual
from keyart.models.priors.dual.vectors import (
    VIEWER_WIDTH,
    Floats,
    encode_all,
    texts_of,
    viewer_of_history,
    viewer_of_taste,
)
from keyart.models.taste.features import taste_vectors
from keyart.models.taste.update import TasteRates
from keyart.schemas.errors import InvalidRecord, ModelRejected, NotFound, SpaceMismatch
from keyart.schemas.taste import TASTE_DIMENSIONS, empty_tastes

TOPICS = 6
WIDTH = 128
SPACE = "0123456789abcdef"


def vectors() -> dict[str, Floats]:
    """Eight texts around each of six directions that do not meet."""
    rng = np.random.default_rng(0)
    found = {}
    for topic in range(TOPICS):
        for at in range(8):
            vector = rng.normal(0, 0.03, WIDTH)
            vector[topic * 5] += 1
            found[f"{topic} {at}"] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return found


def examples(count: int, *, answered: bool, seed: int = 1) -> list[Example]:
    """Viewers like one topic; of three options the one with their topic works."""
    rng = np.random.default_rng(seed)
    made = []
    for at in range(count):
        topics = rng.permutation(TOPICS)[:3]
        answer = int(rng.integers(3))
        liked = topics[answer]
        options = tuple(
            Choice(artwork=str(place), description=f"{topic} {rng.integers(8)}")
            for place, topic in enumerate(topics)
        )
        made.append(
            Example(
                id=f"{seed}-{at}",
                pair=f"{at}",
                title=f"t{at}",
                history=tuple(
                    Entry(title="x", description=f"{liked} {rng.integers(8)}") for _ in range(3)
                ),
                options=options,
                propensities=(1 / 3,) * 3,
                impressions=(0.0,) * 3,
                rewards=(0.0,) * 3,
                answer=answer if answered else -1,
                weight=1.0 if answered else 0.0,
                reason=str(answer),
            )
        )
    return made


def accuracy(dual: DualEncoder, made: list[Example], known: dict[str, Floats]) -> float:
    found = dual.probabilities(made, known)
    return float(
        np.mean([one.argmax() == int(e.reason) for one, e in zip(found, made, strict=True)])
    )


@pytest.mark.parametrize("teacher", ["log", "soft labels"])
def test_either_teacher_alone_teaches_taste(teacher: str, tmp_path: Path) -> None:
    log = teacher == "log"
    train, valid = examples(400, answered=log), examples(80, answered=log, seed=2)
    soft = {e.id: np.eye(3)[int(e.reason)] * 0.9 + 0.1 / 3 for e in [*train, *valid]}
    network, report = train_dual(
        train,
        valid,
        {} if log else soft,
        vectors(),
        DistillSettings(share=0.0 if log else 1.0, epochs=20),
    )
    assert report.held_out[report.best_epoch] == min(report.held_out)
    export_dual(network, report, tmp_path, name="d", space=SPACE)
    dual = DualEncoder(tmp_path, space=SPACE)
    assert accuracy(dual, examples(200, answered=True, seed=3), vectors()) > 0.9


def test_the_same_examples_make_the_same_network() -> None:
    """Whoever is killed before a version is noted makes it again, and it is kept once."""
    made, known = examples(30, answered=True), vectors()
    networks = [
        train_dual(made, made[:9], {}, known, DistillSettings(share=0.0, epochs=2, seed=seed))[0]
        for seed in (0, 0, 1)
    ]
    first, again, other = ([each.clone() for each in n.state_dict().values()] for n in networks)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not all(torch.equal(one, two) for one, two in zip(first, other, strict=True))


def test_onnx_is_torch_for_any_number_of_viewers_and_artworks(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = DualNetwork(viewer=VIEWER_WIDTH, artwork=WIDTH, shared=TASTE_DIMENSIONS).eval()
    _, report = train_dual(
        examples(20, answered=True),
        examples(9, answered=True),
        {},
        vectors(),
        DistillSettings(epochs=1),
    )
    manifest = export_dual(network, report, tmp_path, name="d", space=SPACE)
    assert manifest.largest_difference <= manifest.bound
    dual = DualEncoder(tmp_path, space=SPACE)
    rng = np.random.default_rng(0)
    for viewers, artworks in ((1, 1), (1, 40), (9, 3)):
        v = rng.normal(size=(viewers, VIEWER_WIDTH)).astype(np.float32)
        a = rng.normal(size=(artworks, WIDTH)).astype(np.float32)
        with torch.no_grad():
            expected = network(torch.from_numpy(v), torch.from_numpy(a)).numpy()
        np.testing.assert_allclose(dual.scores(v, a), expected, atol=1e-4)
        assert np.abs(dual.relative(v, a).sum(axis=1)).max() < 1e-3
    with pytest.raises(SpaceMismatch):
        DualEncoder(tmp_path, space="another")
    (tmp_path / ARTWORK_GRAPH).write_bytes(b"changed")
    with pytest.raises(ModelRejected):
        DualEncoder(tmp_path, space=SPACE)
    with pytest.raises(NotFound):
        DualEncoder(tmp_path / "nowhere", space=SPACE)


def test_parity_is_looked_at_without_torch(tmp_path: Path) -> None:
    torch.manual_seed(1)
    made = examples(20, answered=True)
    network, report = train_dual(made, made, {}, vectors(), DistillSettings(epochs=1))
    export_dual(network, report, tmp_path, name="d", space=SPACE)
    sides = DualEncoder(tmp_path, space=SPACE).sides
    largest, scale = parity_with_torch(tmp_path, sides)
    assert largest is not None and largest <= 1e-4 < scale
    rng = np.random.default_rng(4)
    viewers = rng.normal(size=(3, VIEWER_WIDTH)).astype(np.float32)
    artworks = rng.normal(size=(2, WIDTH)).astype(np.float32)
    with torch.no_grad():
        said = network(torch.from_numpy(viewers), torch.from_numpy(artworks)).numpy()
    said[2, 1] += 0.5
    save_probes(tmp_path, viewers, artworks, said)
    far, _ = parity_with_torch(tmp_path, sides)
    assert far == pytest.approx(0.5, abs=1e-4), "one number of six is another"
    (tmp_path / PROBES_FILE).write_bytes(b"half")
    with pytest.raises(ModelRejected):
        parity_with_torch(tmp_path, sides)
    (tmp_path / PROBES_FILE).unlink()
    assert parity_with_torch(tmp_path, sides) == (None, 0.0)


def test_a_history_gains_where_taste_was_learned_and_costs_where_it_is_turned() -> None:
    known = vectors()
    made = [
        msgspec.structs.replace(each, viewer=f"v{at % 50}")
        for at, each in enumerate(examples(200, answered=True, seed=3))
    ]
    network, _ = train_dual(
        examples(400, answered=True),
        examples(80, answered=True, seed=2),
        {},
        known,
        DistillSettings(share=0.0, epochs=8),
    )
    found = viewer_gain(network, made, known)
    assert found is not None and found.takes == 200
    assert found.value > 4 * found.error > 0.0
    expected = []
    stranger = torch.zeros(1, VIEWER_WIDTH)
    for each in made:
        viewer = torch.from_numpy(viewer_of_history(each.history, known))[None]
        words = torch.from_numpy(np.stack([known[option.description] for option in each.options]))
        with torch.no_grad():
            mine, nobody = (network(v, words)[0].log_softmax(0) for v in (viewer, stranger))
        expected.append(float(mine[each.answer] - nobody[each.answer]))
    assert found.value == pytest.approx(np.mean(expected), abs=1e-5)
    turned = [
        msgspec.structs.replace(each, answer=(each.answer + 1) % 3, viewer=each.viewer)
        for each in made
    ]
    worse = viewer_gain(network, turned, known)
    assert worse is not None and worse.value + 4 * worse.error < 0.0
    assert viewer_gain(network, made[:1], known) is None


def test_rows_are_the_diagonal_of_all_against_all() -> None:
    network = DualNetwork(viewer=5, artwork=4, shared=2, hidden=8, joint=3).eval()
    viewers, artworks = torch.randn(6, 5), torch.randn(6, 2, 4)
    found = network.rows(viewers, artworks)
    for at in range(6):
        torch.testing.assert_close(found[at], network(viewers[at : at + 1], artworks[at])[0])


def test_words_name_what_the_viewer_likes(tmp_path: Path) -> None:
    network, report = train_dual(
        examples(400, answered=True),
        examples(80, answered=True, seed=2),
        {},
        vectors(),
        DistillSettings(share=0.0, epochs=20),
    )
    export_dual(network, report, tmp_path, name="d", space=SPACE)
    known = vectors()
    names = [f"topic {topic}" for topic in range(TOPICS)]
    concepts = np.stack([known[f"{topic} 0"] for topic in range(TOPICS)])
    words = TasteWords(DualEncoder(tmp_path, space=SPACE), names, concepts)
    for topic in range(TOPICS):
        viewer = viewer_of_history([Entry(title="x", description=f"{topic} 3")] * 3, known)
        assert words.words(viewer, most=1) == f"topic {topic}"
    assert words.words(viewer_of_history([], known)) == ""


def test_a_taste_record_is_the_viewer_that_its_history_is() -> None:
    tastes = empty_tastes(2, SPACE)
    rng = np.random.default_rng(3)
    direction = rng.normal(size=TASTE_DIMENSIONS)
    direction /= np.linalg.norm(direction)
    tastes["events"][0] = 3
    tastes["interests"][0, 0] = direction
    tastes["interest_weights"][0, 0] = 2.5
    tastes["short"][0], tastes["short_weight"][0] = direction, 0.7
    found = [viewer_of_taste(taste_vectors(each, 0, TasteRates())) for each in tastes]
    vector = np.zeros(WIDTH, np.float32)
    vector[:TASTE_DIMENSIONS] = direction
    same = viewer_of_history([Entry(title="x", description="d")], {"d": vector})
    np.testing.assert_allclose(found[0], same, atol=2e-3)
    assert not found[1].any()


def test_texts_and_blocks() -> None:
    made = examples(5, answered=True)
    texts = texts_of(made)
    assert len(texts) == len(set(texts))
    seen: list[int] = []

    def encode(part: object) -> np.ndarray:
        assert isinstance(part, list)
        seen.append(len(part))
        return np.ones((len(part), 2))

    found = encode_all(texts, encode, block=4)
    assert set(found) == set(texts)
    assert max(seen) == 4


def test_nothing_to_learn_from() -> None:
    with pytest.raises(InvalidRecord):
        train_dual([], [], {}, vectors(), DistillSettings())
