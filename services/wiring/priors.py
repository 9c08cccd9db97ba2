"""Versions of models, priors in service, and what fits, judges and deploys them."""

from pathlib import Path
from typing import Any, Final, TypedDict

from keyart.models.bandits.registry import build_policy
from keyart.models.dataset.influence import Bounds
from keyart.models.llm.training.settings import Method, TrainSettings
from keyart.services.jobs.canary import Canaries
from keyart.services.jobs.deploy import DUAL, LANGUAGE, RIDGE, Deployment
from keyart.services.jobs.gate import Gate
from keyart.services.jobs.priors.dual_fitting import DualFitting
from keyart.services.jobs.priors.fitting import Fitting
from keyart.services.jobs.priors.language_fitting import KINDS, LanguageFitting
from keyart.services.jobs.priors.refreshing import Refreshing
from keyart.services.jobs.priors.serving import SPACE, Scoring
from keyart.services.jobs.retrain.due import Due
from keyart.services.jobs.retrain.run import Retraining
from keyart.services.jobs.retrain.stages import Jobs
from keyart.services.wiring.canary_rules import rules_of
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.experiment import options_of
from keyart.services.wiring.models import registry_of
from keyart.services.wiring.places import archive_dir, priors_dir, retrain_dir
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import lease_of, opinions_of, register_of
from keyart.services.wiring.titles import current_titles
from keyart.streams.ports import Clock
from keyart.streams.registry.registry import Registry

STEP: Final = 8
"""Prompts of a step in the training of a language model, where as many fit at once or fewer."""


def scoring_of(settings: Settings, client: Any) -> Scoring:
    """Return what lets priors give their opinions of titles."""
    return Scoring(
        folder=priors_dir(settings),
        titles=current_titles(settings, client),
        opinions=opinions_of(settings, client),
    )


def deployment_of(settings: Settings, client: Any) -> Deployment:
    """Return what moves the prior that serves."""
    return Deployment(
        registry=registry_of(settings), scoring=scoring_of(settings, client), clock=now_ms
    )


def bounds_of(settings: Settings) -> Bounds:
    """Return what of the training log may teach."""
    return Bounds(
        viewer_share=settings.training_viewer_share,
        hour_share=settings.training_hour_share,
        hold_bursts=settings.hold_bursts,
        half_life_ms=settings.posterior_half_life_days * 86_400_000.0,
        most=settings.training_most_rewards,
        positions=settings.position_effect,
    )


class _Ports(TypedDict):
    """What `Learning` takes."""

    registry: Registry
    scoring: Scoring
    archive: Path
    bounds: Bounds
    clock: Clock


def _ports(settings: Settings, deployment: Deployment) -> _Ports:
    return _Ports(
        registry=deployment.registry,
        scoring=deployment.scoring,
        archive=archive_dir(settings),
        bounds=bounds_of(settings),
        clock=deployment.clock,
    )


def fitting_of(settings: Settings, deployment: Deployment, *, retrained: str = SPACE) -> Fitting:
    """Return what fits priors; `retrained` is what reads the texts where it retrains."""
    return Fitting(**_ports(settings, deployment), space=settings.space, retrained=retrained)


def refreshing_of(settings: Settings, deployment: Deployment) -> Refreshing:
    """Return what measures anew what serves."""
    return Refreshing(**_ports(settings, deployment), ask_s=settings.retrain_llm_refresh_s)


def dual_fitting_of(settings: Settings, deployment: Deployment) -> DualFitting:
    """Return what trains dual encoders."""
    return DualFitting(**_ports(settings, deployment))


def language_fitting_of(
    settings: Settings, deployment: Deployment, method: Method
) -> LanguageFitting:
    """Return what trains language models by one of `KINDS`."""
    return LanguageFitting(
        **_ports(settings, deployment),
        settings=TrainSettings(
            model=settings.retrain_llm_model,
            template=settings.retrain_llm_template,
            method=method,
            epochs=settings.retrain_llm_epochs,
            max_examples=settings.retrain_llm_takes,
            batch=settings.retrain_llm_batch,
            accumulate=max(1, STEP // settings.retrain_llm_batch),
        ),
        graph=settings.retrain_llm_graph,
        disk_mb=settings.retrain_llm_disk_mb,
    )


def gate_of(settings: Settings, deployment: Deployment) -> Gate:
    """Return what judges versions, with the policy that serves."""
    return Gate(
        deployment=deployment,
        archive=archive_dir(settings),
        policy=lambda: build_policy(settings.policy, **options_of(settings.policy_options)),
        explore_share=settings.explore_share,
        bounds=bounds_of(settings),
        clock=now_ms,
        artwork_s={
            **dict.fromkeys((RIDGE, DUAL), settings.gate_artwork_ms / 1000.0),
            LANGUAGE: settings.gate_llm_artwork_ms / 1000.0,
        },
    )


def retraining_of(
    settings: Settings, client: Any, deployment: Deployment, *, encoders: str = SPACE
) -> Retraining:
    """Return what fits, asks the gate, and deploys or proposes; `encoders` are of a ridge."""
    return Retraining(
        jobs=Jobs(retrain_dir(settings)),
        lease=lambda owner: lease_of(settings, client, "retrain", owner),
        trainers={
            RIDGE: fitting_of(settings, deployment, retrained=encoders),
            DUAL: dual_fitting_of(settings, deployment),
            **{kind: language_fitting_of(settings, deployment, kind) for kind in KINDS},
        },
        refreshing=refreshing_of(settings, deployment),
        gate=gate_of(settings, deployment),
        deployment=deployment,
        canaries=canaries_of(settings, client, deployment),
        clock=now_ms,
    )


def canaries_of(settings: Settings, client: Any, deployment: Deployment) -> Canaries:
    """Return what lets versions out, and looks how they do."""
    return Canaries(
        deployment=deployment,
        register=register_of(settings, client),
        archive=archive_dir(settings),
        rules=rules_of(settings),
        bounds=bounds_of(settings),
        clock=now_ms,
    )


def due_of(settings: Settings, deployment: Deployment) -> Due:
    """Return what knows when to retrain."""
    return Due(
        jobs=Jobs(retrain_dir(settings)),
        archive=archive_dir(settings),
        titles=deployment.scoring.titles,
        opinions=deployment.scoring.opinions,
        least_rewards=settings.retrain_least_rewards,
        rewards=settings.retrain_rewards,
        hours=settings.retrain_hours,
        drift=settings.retrain_drift,
        refresh_hours=settings.retrain_refresh_hours,
        refreshable=deployment.refreshable,
        bounds=bounds_of(settings),
    )
