"""The Kubernetes manifests: valid by the strict schemas, and true to the settings they set."""

import copy
import json
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyart.schemas.topics import DECISIONS, EVENTS, REWARDS
from keyart.services.processes.retrainer import wants_retraining
from keyart.services.wiring.settings import Settings, read_settings

ROOT = Path(__file__).resolve().parents[3] / "infra" / "kubernetes"
BASE = ROOT / "base"
RETRAIN = ROOT / "components" / "retrain"
BUCKET = ROOT / "components" / "bucket"
KUSTOMIZATIONS = (BASE, ROOT / "overlays" / "example")
VERSIONS = ("1.30", "1.34")
KEDA = {
    path.stem: json.loads(path.read_text())
    for path in (Path(__file__).parent / "keda").glob("*.json")
}
Manifest = dict[str, Any]


def documents(path: Path) -> list[Manifest]:
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def manifests_of(folder: Path) -> list[Manifest]:
    listed = documents(folder / "kustomization.yaml")[0]["resources"]
    return [each for name in listed for each in documents(folder / name)]


def base_manifests() -> list[Manifest]:
    return manifests_of(BASE)


def ours() -> list[Manifest]:
    return base_manifests() + manifests_of(RETRAIN) + manifests_of(BUCKET)


def pod_of(manifest: Manifest) -> Manifest:
    """Return a workload's template of pods."""
    spec: Manifest = manifest["spec"]
    template: Manifest = spec.get("jobTemplate", {}).get("spec", spec)["template"]
    return template


def one(kind: str, name: str) -> Manifest:
    found = [m for m in ours() if m["kind"] == kind and m["metadata"]["name"] == name]
    assert len(found) == 1, f"{kind} {name}"
    return found[0]


def pods() -> dict[str, Manifest]:
    return {
        manifest["metadata"]["name"]: pod_of(manifest)["spec"]
        for manifest in ours()
        if manifest["kind"] in ("Deployment", "Job", "CronJob")
    }


def environ_of(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def base_environ() -> dict[str, str]:
    return environ_of(BASE / "settings.env")


def check(manifest: Manifest) -> None:
    """Validate strictly: an unknown field is a fault. KEDA's kinds by KEDA's own schema."""
    import jsonschema
    import kubernetes_validate

    if manifest["apiVersion"].startswith("keda.sh/"):
        jsonschema.validate(manifest, KEDA[manifest["kind"].lower()])
        return
    for version in VERSIONS:
        assert kubernetes_validate.validate(manifest, version, strict=True) == version


@pytest.mark.parametrize("manifest", ours(), ids=lambda m: f"{m['kind']}-{m['metadata']['name']}")
def test_every_manifest_is_valid(manifest: Manifest) -> None:
    check(manifest)


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("Deployment", "keyart-api", ("spec", "template", "spec", "containers", 0)),
        ("HorizontalPodAutoscaler", "keyart-api", ("spec",)),
        ("ScaledObject", "keyart-worker", ("spec",)),
        ("CronJob", "keyart-retrain", ("spec", "jobTemplate", "spec")),
    ],
)
def test_a_misspelt_field_is_caught(kind: str, name: str, path: tuple[str | int, ...]) -> None:
    import jsonschema

    manifest = copy.deepcopy(one(kind, name))
    node: Any = manifest
    for step in path:
        node = node[step]
    node["misspelt"] = 1
    with pytest.raises(jsonschema.ValidationError, match="misspelt"):
        check(manifest)


@pytest.mark.parametrize("folder", (*KUSTOMIZATIONS, RETRAIN, BUCKET), ids=lambda path: path.name)
def test_each_kustomization_names_files_that_are_there(folder: Path) -> None:
    (kustomization,) = documents(folder / "kustomization.yaml")
    named = [*kustomization["resources"], *(p["path"] for p in kustomization.get("patches", ()))]
    made = kustomization.get("configMapGenerator", ())
    named += [env for each in made for env in each.get("envs", ())]
    assert named
    for name in named:
        assert (folder / name).exists(), name
    used = {(folder / name).resolve() for name in named}
    unused = {path.resolve() for path in folder.glob("*.*")} - used
    assert unused == {(folder / "kustomization.yaml").resolve()}


def test_each_patch_of_the_example_meets_a_manifest_of_the_base() -> None:
    folder = ROOT / "overlays" / "example"
    (kustomization,) = documents(folder / "kustomization.yaml")
    there = {(m["kind"], m["metadata"]["name"]) for m in base_manifests()}
    for patch in kustomization["patches"]:
        for manifest in documents(folder / patch["path"]):
            assert (manifest["kind"], manifest["metadata"]["name"]) in there


@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=lambda path: path.name)
def test_what_kustomize_builds_is_valid(folder: Path) -> None:
    """Where kustomize is, alone or in kubectl, its output is checked; else what it would get."""
    commands = (("kustomize", "build"), ("kubectl", "kustomize"))
    if command := next((each for each in commands if shutil.which(each[0])), None):
        built = subprocess.run(
            [*command, str(folder)], check=True, capture_output=True, text=True, timeout=60
        ).stdout
        manifests = [each for each in yaml.safe_load_all(built) if each]
        assert len(manifests) > len(base_manifests())
    else:
        (kustomization,) = documents(folder / "kustomization.yaml")
        files = [name for name in kustomization["resources"] if name.endswith(".yaml")]
        manifests = [each for name in files for each in documents(folder / name)]
    for manifest in manifests:
        check(manifest)


def test_the_settings_are_settings() -> None:
    settings = read_settings(base_environ()).settings
    assert settings.log == "kafka"
    (example,) = documents(ROOT / "overlays" / "example" / "kustomization.yaml")
    merged = base_environ() | dict(
        line.split("=", 1) for line in example["configMapGenerator"][0]["literals"]
    )
    assert read_settings(merged).settings.kafka_security == "SASL_SSL"


@pytest.mark.parametrize(("name", "pod"), pods().items(), ids=pods().keys())
def test_every_pod_is_locked_down(name: str, pod: Manifest) -> None:
    assert pod["enableServiceLinks"] is False, (
        "KEYART_API_PORT=tcp://... would be read as a setting"
    )
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"memory"} <= container["resources"]["limits"].keys()
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp"}


@pytest.mark.parametrize(("name", "pod"), pods().items(), ids=pods().keys())
def test_secrets_are_references_and_every_secret_setting_is_one(name: str, pod: Manifest) -> None:
    secret = {f"KEYART_{f.name.upper()}" for f in fields(Settings) if f.metadata["secret"]}
    known = {f"KEYART_{f.name.upper()}" for f in fields(Settings)}
    known |= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}  # of a registry in a bucket
    assert not secret & base_environ().keys()
    for container in pod["containers"]:
        for variable in container["env"]:
            assert variable["name"] in known
            assert "value" not in variable
            assert variable["valueFrom"]["secretKeyRef"]["name"] == "keyart-secrets"
    given = {variable["name"] for c in pod["containers"] for variable in c["env"]}
    # the servers' secrets everywhere; callers' and viewers' keys in the api alone
    edge = {"KEYART_API_KEYS", "KEYART_VIEWER_KEY"}
    assert given & edge == (edge if name == "keyart-api" else set())
    assert given >= {"KEYART_REDIS_URL", "KEYART_KAFKA_PASSWORD"}


def test_ports_and_probes_agree_with_the_settings() -> None:
    settings = read_settings(base_environ()).settings
    ports = {"keyart-api": settings.api_port, "keyart-worker": settings.worker_web_port}
    live, ready = "/health/live", "/health/ready"
    # the api's figures need a key on the port where callers come in
    scraped = ports | {"keyart-api": settings.metrics_port}
    for name, port in ports.items():
        template = one("Deployment", name)["spec"]["template"]
        (container,) = template["spec"]["containers"]
        assert template["metadata"]["annotations"]["prometheus.io/port"] == str(scraped[name])
        declared, *more = container["ports"]
        assert declared["containerPort"] == port
        assert [each["containerPort"] for each in more] == [scraped[name]] * (scraped[name] != port)
        for probe, path in (("startup", live), ("liveness", live), ("readiness", ready)):
            assert container[f"{probe}Probe"]["httpGet"] == {"path": path, "port": declared["name"]}
        policy = one("NetworkPolicy", name)["spec"]
        assert policy["ingress"][0]["ports"] == [{"protocol": "TCP", "port": port}]


def test_workers_follow_the_lag_of_the_topics_they_read() -> None:
    settings = read_settings(base_environ()).settings
    spec = one("ScaledObject", "keyart-worker")["spec"]
    watched = {trigger["metadata"]["topic"] for trigger in spec["triggers"]}
    assert watched == {settings.topic_prefix + name for name in (EVENTS, DECISIONS, REWARDS)}
    for trigger in spec["triggers"]:
        assert trigger["metadata"]["consumerGroup"] == settings.kafka_group
        assert trigger["metadata"]["bootstrapServers"] == settings.kafka_bootstrap
    assert spec["idleReplicaCount"] == 0
    assert spec["maxReplicaCount"] <= settings.partitions
    assert spec["cooldownPeriod"] > settings.reward_window_s + settings.lateness_s


def test_what_keda_and_the_autoscaler_own_is_not_set_elsewhere() -> None:
    for name in ("keyart-api", "keyart-worker"):
        assert "replicas" not in one("Deployment", name)["spec"]
        budget = one("PodDisruptionBudget", name)["spec"]
        selector = one("Deployment", name)["spec"]["selector"]
        assert budget["selector"] == selector
        template = one("Deployment", name)["spec"]["template"]
        assert selector["matchLabels"].items() <= template["metadata"]["labels"].items()


def test_a_retraining_is_where_the_training_log_is_one_at_a_time_and_bounded() -> None:
    cron = one("CronJob", "keyart-retrain")["spec"]
    assert cron["concurrencyPolicy"] == "Forbid"
    given = read_settings(base_environ() | environ_of(RETRAIN / "retrain.env"))
    assert wants_retraining(given.settings)
    assert cron["jobTemplate"]["spec"]["activeDeadlineSeconds"] > given.settings.retrain_most_s
    pods_of = {name: pods()[name] for name in ("keyart-retrain", "keyart-housekeeping")}
    disks = {
        name: [v["persistentVolumeClaim"] for v in pod["volumes"] if v["name"] == "data"]
        for name, pod in pods_of.items()
    }
    assert disks["keyart-retrain"] == disks["keyart-housekeeping"] != []
    near = pods_of["keyart-retrain"]["affinity"]["podAffinity"]
    (rule,) = near["requiredDuringSchedulingIgnoredDuringExecution"]
    labels = pod_of(one("Deployment", "keyart-housekeeping"))["metadata"]["labels"]
    assert rule["labelSelector"]["matchLabels"].items() <= labels.items()


def test_who_has_the_key_of_the_bucket_gets_out_to_it_and_nobody_else() -> None:
    keys = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    signed = set()
    for manifest in ours():
        if manifest["kind"] in ("Deployment", "Job", "CronJob"):
            pod = pod_of(manifest)
            names = {each["name"] for c in pod["spec"]["containers"] for each in c["env"]}
            assert names & keys in (set(), keys)
            if names & keys:
                signed.add(pod["metadata"]["labels"]["app.kubernetes.io/component"])
    (which,) = one("NetworkPolicy", "keyart-bucket")["spec"]["podSelector"]["matchExpressions"]
    assert signed == set(which["values"]) == {"api", "housekeeping", "retrain"}


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_a_retraining_has_the_image_that_reads_the_log_and_the_way_out(tmp_path: Path) -> None:
    """As an overlay of one's own builds it."""
    shutil.copytree(ROOT, tmp_path / "kubernetes")
    own = tmp_path / "kubernetes" / "overlays" / "own"
    own.mkdir()
    (own / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        "resources: [../../base]\ncomponents: [../../components/retrain, ../../components/bucket]\n"
        "images: [{name: keyart, newName: example.com/keyart, newTag: small}]\n"
    )
    built = subprocess.run(
        ["kubectl", "kustomize", str(own)], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    manifests = [each for each in yaml.safe_load_all(built) if each]
    for manifest in manifests:
        check(manifest)
    by_name = {(m["kind"], m["metadata"]["name"]): m for m in manifests}
    template = pod_of(by_name["CronJob", "keyart-retrain"])
    images = {
        name: pod_of(by_name[kind, f"keyart-{name}"])["spec"]["containers"][0]["image"]
        for kind, name in (
            ("CronJob", "retrain"),
            ("Deployment", "housekeeping"),
            ("Deployment", "api"),
        )
    }
    loop, small = "keyart-loop:base", "example.com/keyart:small"
    assert images == {"retrain": loop, "housekeeping": loop, "api": small}
    outward = by_name["NetworkPolicy", "keyart-outward"]["spec"]["podSelector"]
    labels = template["metadata"]["labels"]
    assert outward.get("matchLabels", {}).items() <= labels.items()
    (which,) = outward["matchExpressions"]
    assert labels[which["key"]] in which["values"]
