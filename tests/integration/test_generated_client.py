"""A client that is generated from the document of a running api, used against that api."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from keyart.schemas.topics import EVENTS
from tests.integration.live import answering, free_port, stored

NAME = "generated_site_client"


def generated(url: str, folder: Path) -> Path:
    """Generate the package from the document; no warning may say that something is missing."""
    tool = pytest.importorskip("openapi_python_client", reason="made by make test")
    config = importlib.import_module("openapi_python_client.config")
    source = folder / "openapi.json"
    source.write_bytes(httpx.get(f"{url}/docs/openapi.json").content)
    wanted = config.Config.from_sources(
        config_file=config.ConfigFile(post_hooks=[], literal_enums=True),
        meta_type=config.MetaType.NONE,
        document_source=source,
        file_encoding="utf-8",
        overwrite=True,
        output_path=folder / NAME,
    )
    assert not tool.generate(config=wanted)
    return source


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str, Any]]:
    folder = tmp_path_factory.mktemp("generated")
    with stored(tmp_path_factory.mktemp("site")) as parts, answering(parts, free_port()) as url:
        source = generated(url, folder)
        sys.path.insert(0, str(folder))
        try:
            yield parts, url, json.loads(source.read_bytes())
        finally:
            sys.path.remove(str(folder))
            for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
                del sys.modules[name]


def call(name: str) -> Any:
    return importlib.import_module(f"{NAME}.api.{name}").sync_detailed


def test_every_operation_has_a_function(site: Any) -> None:
    _, _, document = site
    found = {
        (operation["tags"][0], operation["operationId"])
        for item in document["paths"].values()
        for operation in item.values()
    }
    assert len(found) >= 18
    for tag, name in found:
        assert callable(call(f"{tag}.{name}"))


def test_it_decides_and_tells_what_viewers_did(site: Any) -> None:
    parts, url, _ = site
    models = importlib.import_module(f"{NAME}.models")
    with importlib.import_module(NAME).Client(base_url=url) as client:
        artworks = [models.Artwork(id=name, description=name) for name in ("face", "wide")]
        title = models.Title(id="t 1", name="A title", artworks=artworks)
        stored_title = call("titles.put_title")("t 1", client=client, body=title).parsed
        assert [each.artwork.id for each in stored_title.artworks] == ["face", "wide"]
        context = models.DecisionsRequestContext()
        context["device"], context["hour"] = "tv", 21
        body = models.DecisionsRequest(viewer="ada", titles=["t 1", "?"], context=context)
        page = call("decisions.choose_artworks")(client=client, body=body).parsed
        (choice,) = page.decisions
        assert choice.artwork in ("face", "wide") and page.unknown == ["?"]
        seen = models.Impression(
            id="e1", viewer="ada", title="t 1", decision=choice.id, type_="impression"
        )
        played = models.Play(
            id="e2", viewer="ada", title="t 1", decision=choice.id, minutes=3.5, type_="play"
        )
        events = models.EventsRequest(events=[seen, played])
        answer = call("events.send_events")(client=client, body=events)
        assert answer.status_code == 202 and answer.parsed.accepted == 2
        corrected = models.CorrectionRequest(reset=True)
        assert call("viewers.correct_viewer")("ada", client=client, body=corrected).parsed.note
        assert call("titles.list_titles")(client=client, limit=5).parsed.titles[0].id == "t 1"
        assert call("insight.insight_overview")(client=client).parsed.titles == 1
        assert call("health.ready")(client=client).parsed.ready
    logged = [record.value for record in parts.log.read(EVENTS, 0, after=None, count=100)]
    assert [json.loads(value)["type"] for value in logged] == ["impression", "play", "correction"]


def test_it_reads_what_was_wrong(site: Any) -> None:
    _, url, _ = site
    models = importlib.import_module(f"{NAME}.models")
    with importlib.import_module(NAME).Client(base_url=url) as client:
        body = models.DecisionsRequest(viewer="ada", titles=["t", "t"])
        refused = call("decisions.choose_artworks")(client=client, body=body)
        assert refused.status_code == 400
        assert [fault.where for fault in refused.parsed.faults] == ["$.titles"]
        nobody = call("titles.get_title")("nobody's", client=client)
        assert nobody.status_code == 404 and isinstance(nobody.parsed, models.Problem)
