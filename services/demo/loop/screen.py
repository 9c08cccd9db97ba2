"""What the demo prints of the loop."""

from typing import Final

from rich.table import Table

from keyart.services.demo.loop.figures import Loop

LOOP_SAID: Final = (
    "The loop, on a second site in simulated time: films that stay for two days, an audience of "
    "simulated tastes, and the same chooser, steps and jobs as in keyart serve. Other facets come "
    "into vogue one day; a twin with the same visits and luck never retrains."
)


def table_of_loop(loop: Loop) -> Table:
    """Return the take fractions by phase."""
    title = "The loop: take fraction on the same visits, without their luck"
    table = Table(title=title, title_justify="left")
    table.add_column("phase")
    for heading in ("keyart", "never retrained", "uniform", "impressions"):
        table.add_column(heading, justify="right")
    for each in loop.phases:
        fractions = (each.keyart, each.never_retrained, each.uniform)
        table.add_row(each.phase, *(f"{100 * x:.2f} %" for x in fractions), f"{each.impressions:,}")
    return table


def table_of_gate(loop: Loop) -> Table:
    """Return what became of every version that asked to serve."""
    table = Table(title=f"Versions in {loop.days} days", title_justify="left")
    for heading in ("version", "decided", "by", "because"):
        table.add_column(heading)
    for each in loop.gate:
        table.add_row(each.version, each.decided, each.by, each.says)
    if loop.drift:
        table.caption = loop.drift
    return table
