"""The dual encoder in torch."""

import torch
from torch import nn


class DualNetwork(nn.Module):
    """Likeness, two towers, and an appeal.

    score = a long . artwork + b short . artwork + tower(viewer) . tower(artwork) + appeal(artwork),
    where long and short are the viewer's two directions and the artwork is read in the same leading
    dimensions. It starts from likeness alone (the towers start near 0), so that a log of a few
    hundred answers corrects what a taste says, where it could not find taste by itself.

    Parameters
    ----------
    viewer, artwork
        Widths of what goes in.
    shared
        Width of each of the viewer's directions; 0 leaves likeness out.
    hidden, joint
        Widths of the hidden layers and of the space in which both sides meet.
    dropout
        Share of the hidden units left out at each step of training.
    """

    def __init__(
        self,
        *,
        viewer: int,
        artwork: int,
        shared: int = 0,
        hidden: int = 32,
        joint: int = 16,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self._shared = shared
        self.likeness = nn.Parameter(torch.tensor([2.0, 1.0]))
        self.viewer = nn.Sequential(
            nn.Linear(viewer, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, joint, bias=False),
        )
        self.artwork = nn.Sequential(
            nn.Linear(artwork, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, joint, bias=False),
        )
        self.appeal = nn.Linear(artwork, 1, bias=False)
        for layer in (self.viewer[-1], self.artwork[-1], self.appeal):
            for weight in layer.parameters():
                weight.data.mul_(0.1)

    def _direction(self, viewers: torch.Tensor) -> torch.Tensor:
        """Return the direction that likeness looks in, (..., shared)."""
        width = self._shared
        long, short = viewers[..., :width], viewers[..., width : 2 * width]
        return self.likeness[0] * long + self.likeness[1] * short

    def forward(self, viewers: torch.Tensor, artworks: torch.Tensor) -> torch.Tensor:
        """Return scores (V, K) of viewers (V, D_v), artworks (K, D_a): log takes less a level."""
        meeting = self.viewer(viewers) @ self.artwork(artworks).T
        meeting = meeting + self._direction(viewers) @ artworks[:, : self._shared].T
        scores: torch.Tensor = meeting + self.appeal(artworks)[:, 0]
        return scores

    def rows(self, viewers: torch.Tensor, artworks: torch.Tensor) -> torch.Tensor:
        """Return scores (B, K) of each viewer (B, D_v) with their own artworks (B, K, D_a)."""
        own = torch.einsum("bj,bkj->bk", self.viewer(viewers), self.artwork(artworks))
        words = artworks[..., : self._shared]
        own = own + torch.einsum("bd,bkd->bk", self._direction(viewers), words)
        scores: torch.Tensor = own + self.appeal(artworks)[..., 0]
        return scores
