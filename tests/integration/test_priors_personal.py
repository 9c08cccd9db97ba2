"""What a prior says to single viewers, from the store to the features that decide."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from keyart.models.bandits.registry import build_policy
from keyart.models.dataset.segments import Segment, write_segments
from keyart.models.decide.engine import Decider
from keyart.models.decide.page import DecidedPage
from keyart.models.embed.protocol import unit_rows
from keyart.models.priors.dual.export import export_dual
from keyart.models.priors.dual.network import DualNetwork
from keyart.models.priors.dual.report import DistillReport, DistillSettings
from keyart.models.priors.dual.vectors import VIEWER_WIDTH
from keyart.models.taste.features import PERSONAL, TasteVectors
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.priors import PriorCard, SegmentCentre
from keyart.schemas.taste import INTERESTS, TASTE_DIMENSIONS
from keyart.services.jobs.priors.taking import Taken, take_prior, take_table
from keyart.services.wiring.clock import now_ms
from tests.integration.prior_site import opened, said, written
from tests.opened import Opened


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    with opened(data_dir) as made:
        yield made


def test_opinions_by_segment_reach_the_viewers_of_the_segment(
    parts: Opened, tmp_path: Path
) -> None:
    space = parts.space
    centres = space.encode(["rockets, planets, astronauts", "tax forms and office printers"])
    segments = [Segment(name="", viewers=9)] + [
        Segment(name=name, viewers=4, centre=tuple(centre.tolist()), space=space.identity)
        for name, centre in zip(("s0", "s1"), centres, strict=True)
    ]
    write_segments(tmp_path / "table.segments.json", segments)
    opinions = [
        said("llm-1", 0.1),
        said("llm-1", 0.4, segment="s0"),
        said("llm-1", -0.5, segment="s1"),
    ]
    table = written(tmp_path / "table.jsonl", opinions)
    assert take_prior(parts.deployment, table) == Taken("llm-1", 3, 2)
    snapshots = Opened(parts.settings).snapshots()
    snapshots.refresh()
    decider = Decider(policy=build_policy(), explore_share=0.0)

    def decide(text: str) -> DecidedPage:
        rows = np.zeros((3 + INTERESTS, TASTE_DIMENSIONS), np.float32)
        if text:
            rows[:2] = 0.7 * unit_rows(space.encode([text])[:, :TASTE_DIMENSIONS])
        return decider.decide(
            snapshots.index,
            titles=["t1", "t2"],
            taste=TasteVectors(directions=rows),
            surface="home",
            viewer="v",
            now_ms=now_ms(),
        )

    stranger, pilot, clerk = decide(""), decide("a rocket to a planet"), decide("tax forms")
    assert [page.segment for page in (stranger, pilot, clerk)] == ["", "s0", "s1"]
    lifts = [8.0 * lift for lift in (0.0, 0.4 - 0.1, -0.5 - 0.1)]
    for page, lift in zip((stranger, pilot, clerk), lifts, strict=True):
        column = page.page.features[:, :, PERSONAL]  # (T, K), centred
        np.testing.assert_allclose(column, [[lift, -lift], [0.0, 0.0]], atol=1e-5)
    more = written(tmp_path / "more.jsonl", [said("llm-1", 0.2, title="t2", segment="s1")])
    take_table(parts.deployment, more, tmp_path / "table.segments.json")
    snapshots.refresh()
    column = decide("tax forms").page.features[:, :, PERSONAL]
    np.testing.assert_allclose(column, [[lifts[2], -lifts[2]], [1.6, -1.6]], atol=1e-5)
    parts.opinions.make_current("neutral")
    snapshots.refresh()
    assert decide("tax forms").segment == ""
    assert not decide("tax forms").page.features[:, :, PERSONAL].any()


def test_a_dual_encoder_serves_any_viewer_and_artwork(parts: Opened, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = DualNetwork(
        viewer=VIEWER_WIDTH, artwork=parts.space.dimensions, shared=TASTE_DIMENSIONS
    ).eval()
    report = DistillReport(
        settings=DistillSettings(),
        examples=0,
        with_answer=0,
        with_soft_label=0,
        parameters=0,
        best_epoch=0,
        held_out=[],
        seconds=0.0,
    )
    export_dual(network, report, tmp_path, name="dual-1", space=parts.space.identity)
    assert take_prior(parts.deployment, tmp_path) == Taken("dual-1")
    snapshots = Opened(parts.settings).snapshots()
    snapshots.refresh()
    new = Title(id="new", artworks=(Artwork(id="x", description="a rocket"), Artwork(id="y")))
    parts.catalogue.put([new], now_ms=now_ms())
    snapshots.refresh()
    assert snapshots.prior == "dual-1"
    rows = np.zeros((3 + INTERESTS, TASTE_DIMENSIONS), np.float32)
    rows[:2] = unit_rows(parts.space.encode(["rockets"])[:, :TASTE_DIMENSIONS]) * [[0.5], [0.2]]
    decided = Decider(policy=build_policy()).decide(
        snapshots.index,
        titles=["new"],
        taste=TasteVectors(directions=rows),
        surface="home",
        viewer="v",
        now_ms=now_ms(),
    )
    viewer = np.concatenate([rows[0] / 0.5, rows[1] / 0.2, [1.0]]).astype(np.float32)
    both = torch.from_numpy(np.stack([viewer, np.zeros_like(viewer)]))
    words = torch.from_numpy(parts.space.encode(["a rocket", ""]))
    with torch.no_grad():
        mine, stranger = network(both, words).numpy()
    lift = 8.0 * (mine - stranger)
    column = decided.page.features[0, :, PERSONAL]
    np.testing.assert_allclose(column, lift - lift.mean(), atol=1e-3)
    prior = snapshots.index.arrays.beliefs["home"][snapshots.index.arrays.rows("new")][:, 1]
    assert (prior[0] > prior[1]) == (stranger[0] > stranger[1])


def test_a_prior_that_cannot_serve_is_none(parts: Opened, caplog: pytest.LogCaptureFixture) -> None:
    parts.opinions.put_card(
        PriorCard(prior="bad", space=parts.space.identity, viewer_graph=b"no", artwork_graph=b"no")
    )
    parts.opinions.put_card(
        PriorCard(
            prior="elsewhere",
            space="another",
            segments=(SegmentCentre(name="s0", centre=(1.0,) + (0.0,) * 63),),
        )
    )
    snapshots = Opened(parts.settings).snapshots()
    for name, reason in (("bad", "not those that its card"), ("elsewhere", "in space another")):
        parts.opinions.make_current(name)
        snapshots.refresh()
        snapshots.refresh()
        assert snapshots.prior == "neutral"
        assert sum(reason in record.getMessage() for record in caplog.records) == 1
