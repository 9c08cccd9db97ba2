"""A site as tests look at it: each thing opened as a process opens it, when first asked for."""

from functools import cached_property
from pathlib import Path
from types import TracebackType

from litestar import Litestar

from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.priors import NEUTRAL
from keyart.services.api.snapshots import Snapshots
from keyart.services.jobs.deploy import Deployment
from keyart.services.jobs.erasure import Erasures
from keyart.services.jobs.gate import Gate
from keyart.services.jobs.priors.fitting import Fitting
from keyart.services.jobs.rebuild import Rebuilding
from keyart.services.jobs.retrain.due import Due
from keyart.services.jobs.retrain.run import Retraining
from keyart.services.wiring.api import app_of, snapshots_of
from keyart.services.wiring.bootstrap import Parts
from keyart.services.wiring.erasing import erasures_of
from keyart.services.wiring.logs import history_of
from keyart.services.wiring.priors import deployment_of, due_of, fitting_of, gate_of, retraining_of
from keyart.services.wiring.rebuilding import rebuilding_of
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.services.wiring.titles import current_titles
from keyart.streams.catalogue.current import recalled_from
from keyart.streams.registry.registry import Registry


class Opened(Parts):
    """What a site keeps, by its settings; entered, its embedded server is up meanwhile."""

    @cached_property
    def deployment(self) -> Deployment:
        """What moves the prior that serves."""
        return deployment_of(self.settings, self.client)

    @property
    def registry(self) -> Registry:
        """Versions of models, and their aliases."""
        return self.deployment.registry

    @property
    def fitting(self) -> Fitting:
        """What fits priors."""
        return fitting_of(self.settings, self.deployment)

    @property
    def gate(self) -> Gate:
        """What judges versions."""
        return gate_of(self.settings, self.deployment)

    @property
    def retraining(self) -> Retraining:
        """What fits, judges and deploys."""
        return retraining_of(self.settings, self.client, self.deployment)

    @property
    def due(self) -> Due:
        """What knows when to retrain."""
        return due_of(self.settings, self.deployment)

    def prior_folder(self, version: str) -> Path:
        """Return the folder of a fitted prior."""
        return self.deployment.scoring.folder / version

    def serve_without_registry(self, version: str) -> int:
        """Score all titles with a fitted prior and let it serve, as keyart did at first."""
        if version == NEUTRAL:
            self.opinions.make_current(NEUTRAL)
            return 0
        scoring = self.deployment.scoring
        done = scoring.score(scoring.fitted(version), scoring.choosable())
        self.opinions.make_current(version)
        return done

    def app(self) -> Litestar:
        """Return an api over it, of a process of its own."""
        return app_of(self.settings, self.client)

    def snapshots(self) -> Snapshots:
        """Return what an api would know, in a view of its own; nothing has been read yet."""
        titles = current_titles(self.settings, self.client)
        return snapshots_of(self.settings, self.client, titles, ApiMetrics())

    @property
    def erasures(self) -> Erasures:
        """What erases viewers."""
        return erasures_of(self.settings, self.client)

    @property
    def rebuilding(self) -> Rebuilding:
        """What rebuilds and compares its state."""
        return rebuilding_of(self.settings, self.client, self.space)

    def past(self, title: str) -> StoredTitle | None:
        """Return a title with its whole past, from the catalogue's log."""
        recall = recalled_from(
            lambda: history_of(self.settings, self.client), self.settings.partitions
        )
        return recall(title)

    def close(self) -> None:
        """Close its connection."""
        if "client" in self.__dict__:
            self.client.close()

    def __enter__(self) -> "Opened":
        self.server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        self.server.stop()
