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
        self.viewer = _tower(viewer, hidden, joint, dropout)
        self.artwork = _tower(artwork, hidden, joint, dropout)
        self.appeal = nn.Linear(artwork, 1, bias=False)
        for layer in (self.viewer[-1], self.artwork[-1], self.appeal):
            for weight in layer.parameters():
                weight.data.mul_(0.1)

    @property
    def artwork_width(self) -> int:
        """D_a, the width of an artwork."""
        return self.appeal.in_features

    def viewer_side(self, viewers: torch.Tensor) -> torch.Tensor:
        """Return (..., P): tower, direction that likeness looks in, and 1; of (..., D_v)."""
        width = self._shared
        long, short = viewers[..., :width], viewers[..., width : 2 * width]
        direction = self.likeness[0] * long + self.likeness[1] * short
        one = torch.ones_like(viewers[..., :1])
        return torch.cat([self.viewer(viewers), direction, one], dim=-1)

    def artwork_side(self, artworks: torch.Tensor) -> torch.Tensor:
        """Return (..., P): tower, leading dimensions, and appeal; of (..., D_a)."""
        parts = [self.artwork(artworks), artworks[..., : self._shared], self.appeal(artworks)]
        return torch.cat(parts, dim=-1)

    def forward(self, viewers: torch.Tensor, artworks: torch.Tensor) -> torch.Tensor:
        """Return scores (V, K) of viewers (V, D_v), artworks (K, D_a): log takes less a level."""
        return self.viewer_side(viewers) @ self.artwork_side(artworks).T

    def rows(self, viewers: torch.Tensor, artworks: torch.Tensor) -> torch.Tensor:
        """Return scores (B, K) of each viewer (B, D_v) with their own artworks (B, K, D_a)."""
        sides = self.viewer_side(viewers), self.artwork_side(artworks)
        return torch.einsum("bp,bkp->bk", *sides)


def _tower(width: int, hidden: int, joint: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, hidden),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, joint, bias=False),
    )
