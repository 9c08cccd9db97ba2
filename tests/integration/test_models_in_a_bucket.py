"""The registry in a bucket: fit, promote and roll back as from a folder, and from two machines."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from keyart.schemas.errors import ModelRejected
from keyart.services.cli.main import app
from keyart.services.page.models import marks_of
from keyart.services.wiring.models import registry_of, tables_of
from keyart.services.wiring.settings import Settings
from keyart.streams.registry.s3 import Place, client_of
from tests import buckets
from tests.integration.prior_site import titles
from tests.integration.test_priors import learn, reward
from tests.opened import Opened

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """Yield the address of an S3 server with a bucket, credentials in the environment."""
    with pytest.MonkeyPatch.context() as patch, buckets.moto() as url:
        patch.setenv("AWS_ACCESS_KEY_ID", buckets.ACCESS)
        patch.setenv("AWS_SECRET_ACCESS_KEY", buckets.SECRET)
        buckets.opened(url)
        yield url


@pytest.fixture
def settings(bucket: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    url = f"s3://{buckets.BUCKET}/{data_dir.name}?endpoint={bucket}&region={buckets.REGION}"
    monkeypatch.setenv("KEYART_DATA_DIR", str(data_dir))
    monkeypatch.setenv("KEYART_MODELS_URL", url)
    return Settings(data_dir=str(data_dir), models_url=url)


@pytest.fixture
def two(settings: Settings) -> tuple[str, str]:
    """Return two fitted versions in the bucket, of which none serves."""
    rng = random.Random(5)
    with Opened(settings) as parts:
        parts.catalogue.put(titles(), now_ms=1_700_000_000_000)
        learn(parts, [reward(at, rng) for at in range(2000)])
        first = parts.fitting.fit(encoders="space").version
        learn(parts, [reward(at, rng) for at in range(2000, 3000)])
        return first, parts.fitting.fit(encoders="space").version


def ran(*words: str) -> Any:
    result = CliRunner().invoke(app, [*words, "--json", "-"])
    assert result.exit_code == 0, f"{words}: {result.output} {result.exception}"
    return json.loads(result.stdout)


def test_versions_are_listed_promoted_and_rolled_back(
    two: tuple[str, str], settings: Settings, tmp_path: Path
) -> None:
    first, second = two
    assert not (Path(settings.data_dir) / "models").exists(), "nothing is in the folder"
    assert {each["name"] for each in ran("models", "list")["versions"]} == {first, second}
    ran("models", "promote", first)
    ran("models", "promote", second, "--why", "newer")
    assert ran("models", "compare", first, second)["first"]["name"] == first
    elsewhere = replace(settings, data_dir=str(tmp_path / "api"))
    assert registry_of(elsewhere).aliases().named() == {"champion": second, "previous": first}
    assert [each.words.split()[0] for each in marks_of(registry_of(elsewhere))] == [first, second]
    back = ran("models", "rollback", "--why", "it was worse")
    assert back["aliases"]["champion"] == first
    assert registry_of(elsewhere).aliases().champion == first
    held = ran("models", "list")
    assert held["serves"] == first
    moves = ran("models", "show", second)["moves"]
    assert [(each["act"], each["why"]) for each in moves] == [("promote", "newer")]


def test_what_somebody_changed_in_the_bucket_is_refused(
    two: tuple[str, str], settings: Settings, bucket: str, tmp_path: Path
) -> None:
    elsewhere = replace(settings, data_dir=str(tmp_path / "api"))
    registry = registry_of(elsewhere)
    mark = registry.version(two[0]).files["ridge.safetensors"]
    client = client_of(Place(buckets.BUCKET, "", bucket, buckets.REGION))
    key = f"{Path(settings.data_dir).name}/blobs/{mark.sha256}"
    client.put_object(Bucket=buckets.BUCKET, Key=key, Body=b"x" * mark.size)
    with pytest.raises(ModelRejected, match=r"ridge\.safetensors is not the file that was kept"):
        registry.fetch(two[0], tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()
    assert registry.fetch(two[1], tmp_path / "fetched").name == two[1]


def test_a_store_that_is_away_takes_no_page_with_it(settings: Settings, tmp_path: Path) -> None:
    away = replace(settings, models_url="s3://keyart/away?endpoint=http://127.0.0.1:9&region=x-1")
    assert marks_of(registry_of(away)) == ()


def test_tables_have_a_registry_of_their_own_in_it(settings: Settings) -> None:
    assert tables_of(settings).registry.versions() == []
    assert tables_of(settings).registry is not registry_of(settings)
