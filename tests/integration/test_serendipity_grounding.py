"""`POST /v1/serendipity` by factors: of two circles of viewers each gets its own titles."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from keyart.models.artifacts.whole import write_whole
from keyart.models.serendipity.grounds import IALS
from keyart.models.serendipity.table import FACTORS, MANIFEST, read_table
from keyart.services.cli.serendipity import app
from tests.integration.test_api import Client, opened, site, title, within
from tests.integration.test_serendipity import ask, proposed_to, titles_known, watch
from tests.opened import Opened

GROUPS, EACH, VIEWERS = 8, 8, 240
TITLES = [f"t{group}-{at}" for group in range(GROUPS) for at in range(EACH)]
NEW = "t9-0"


def circles(path: Path) -> Path:
    """Write viewers of two circles: one keeps to the even, one to the odd titles of each group."""
    path.mkdir()
    said = [f"{name},tag{name[1]}|also{name[1]}" for name in TITLES]
    (path / "titles.csv").write_text("\n".join(["title,terms", *said]))
    rng = np.random.default_rng(0)
    lines = ["viewer,title,time,value"]
    for viewer in range(VIEWERS):
        for day, group in enumerate(rng.permutation(GROUPS)[:6], 1):
            for at in rng.choice(EACH // 2, 2, replace=False):
                lines.append(f"v{viewer},t{group}-{2 * at + viewer % 2},2026-01-{day:02d},1")
    (path / "events.csv").write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    made = site(tmp_path_factory.mktemp("grounding"), serendipity_explore=0.0)
    made.server.start()
    table = made.data_dir / "serendipity"
    train = circles(tmp_path_factory.mktemp("of") / "train")
    result = CliRunner().invoke(
        app, ["build", str(table), "--train", str(train), "--clusters", str(GROUPS)]
    )
    assert result.exit_code == 0, result.output
    assert read_table(table).manifest.grounds.by == IALS, result.output
    yield made
    made.server.stop()


@pytest.fixture(scope="module")
def client(parts: Opened) -> Iterator[Client]:
    with opened(parts) as found:
        for name in (*TITLES, NEW):
            # to taste all titles are alike
            assert found.put(f"/v1/titles/{name}", json=title("a", "b")).status_code == 200
        within(30, lambda: titles_known(found) == len(TITLES) + 1)
        yield found


@pytest.mark.parametrize("circle", [0, 1])
def test_a_viewer_gets_the_titles_of_their_own_circle(
    client: Client, parts: Opened, circle: int
) -> None:
    viewer = f"of-circle-{circle}"
    watch(client, parts, viewer, *(f"t{group}-{4 + circle}" for group in range(3)))
    answer = ask(client, viewer, count=5)
    assert answer["grounding"] == IALS and len(answer["titles"]) == 5
    assert all(int(each["title"][3:]) % 2 == circle for each in answer["titles"])
    assert all(each["propensity"] == 1.0 for each in answer["titles"])
    within(5, lambda: proposed_to(parts, viewer))
    (logged,) = proposed_to(parts, viewer)
    assert (logged.id, logged.grounding) == (answer["id"], IALS)
    assert [each.title for each in logged.titles] == [each["title"] for each in answer["titles"]]


def test_of_whom_factors_know_nothing_taste_says(client: Client, parts: Opened) -> None:
    watch(client, parts, "newcomer", NEW)
    # it looks like the others, so it is of one of their clusters, but nobody was seen to take it
    answer = ask(client, "newcomer", count=2)
    assert answer["grounding"] == "taste" and len(answer["titles"]) == 2
    within(5, lambda: proposed_to(parts, "newcomer"))
    assert [each.grounding for each in proposed_to(parts, "newcomer")] == ["taste"]


def test_a_table_without_factors_serves_by_taste_and_one_with_them_is_taken_in_again(
    client: Client, parts: Opened
) -> None:
    watch(client, parts, "swapped", "t0-4", "t1-4")
    assert ask(client, "swapped")["grounding"] == IALS
    advisor, folder = client.app.state.advisor, parts.data_dir / "serendipity"
    whole, factors = (folder / MANIFEST).read_bytes(), (folder / FACTORS).read_bytes()
    # as keyart wrote it before there were factors
    before = {
        name: each
        for name, each in msgspec.json.decode(whole).items()
        if name not in ("factors_sha256", "grounds")
    }
    (folder / FACTORS).unlink()
    write_whole(folder / MANIFEST, msgspec.json.encode(before))
    advisor.refresh()
    answer = ask(client, "swapped")
    assert answer["grounding"] == "taste" and answer["titles"]
    (folder / FACTORS).write_bytes(factors)
    write_whole(folder / MANIFEST, whole)
    advisor.refresh()
    assert ask(client, "swapped")["grounding"] == IALS


def test_the_setting_decides(parts: Opened, client: Client) -> None:
    watch(client, parts, "asked", "t0-4", "t1-4")
    with opened(Opened(replace(parts.settings, serendipity_grounding="taste"))) as other:
        within(30, lambda: titles_known(other) == len(TITLES) + 1)
        assert ask(other, "asked")["grounding"] == "taste"
    assert ask(client, "asked")["grounding"] == IALS
