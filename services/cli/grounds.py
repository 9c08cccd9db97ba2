"""What a command says of how a table's clusters are grounded in titles."""

from typing import TYPE_CHECKING

from keyart.services.cli.words import counted

if TYPE_CHECKING:
    from keyart.models.serendipity.grounds import Grounds


def grounds_said(grounds: "Grounds") -> str:
    """Return by what titles are taken, and how that was found."""
    if not grounds.viewers:
        return "titles by taste: there was nobody to judge factors on"
    return (
        f"titles by {grounds.by}: on {counted(grounds.viewers, 'viewer')} held back UEUC per 1,000 "
        f"is {grounds.ials:.1f} by ials and {grounds.taste:.1f} by taste, "
        f"{grounds.over:+.1f} ({grounds.low:+.1f} to {grounds.high:+.1f})"
    )
