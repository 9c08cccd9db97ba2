"""The report of `keyart evaluate log` as one page that needs no network: plots and words."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from keyart.services.jobs.evaluation.judge import LogReport

WIDTH: Final = 860
LEFT: Final = 230
RIGHT: Final = 40
ROW: Final = 24
STYLE: Final = """
:root{color-scheme:light dark;--ink:#1d2330;--soft:#5d6678;--line:#d7dbe3;--page:#fff;--dot:#2457c5}
@media(prefers-color-scheme:dark){:root{--ink:#e8ebf2;--soft:#9aa4b8;--line:#343c4d;
--page:#141821;--dot:#7ea6ff}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:900px;
margin:2rem auto;padding:0 1rem}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
p,li{max-width:70ch}svg{width:100%;height:auto}svg text{fill:var(--ink);font-size:12px}
.axis{stroke:var(--line)}.bar{stroke:var(--dot);stroke-width:2}.dot{fill:var(--dot)}.soft{fill:var(--soft)}
.zero{stroke:var(--soft);stroke-dasharray:4 3}
"""


def write_page(path: Path, report: LogReport, *, title: str) -> None:
    """Write the page."""
    told = [f"<li>{escape(each)}</li>" for each in report.warnings]
    doubts = f"<h2>Before you believe it</h2><ul>{''.join(told)}</ul>" if told else ""
    parts = [
        f"<h1>{escape(title)}: what other policies would have earned</h1>",
        f"<p>{report.rows:,} choices of {report.viewers:,} viewers among {report.actions} actions. "
        "A dot is the estimate, a line its 95 % interval, viewers drawn again as a whole.</p>",
        doubts,
        "<h2>Earned a choice</h2>",
        plot([_row(each) for each in report.estimates]),
    ]
    if report.differences:
        against = escape(report.differences[0]["against"])
        parts += [
            f"<h2>Over {against}, on the same rows</h2>",
            "<p>An interval that crosses the dashed line tells nothing yet.</p>",
            plot([_row(each) for each in report.differences], zero=True),
        ]
    if report.replay:
        rows = [
            (f"{one.policy}, {one.matched:,} rows met", one.value, one.low, one.high)
            for one in report.replay
        ]
        parts += ["<h2>Replayed on line</h2>", plot(rows)]
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head = f"{meta}<title>{escape(title)}</title><style>{STYLE}</style>"
    page = f"<!doctype html><html lang=en><head>{head}</head><body>"
    path.write_text(page + "".join(parts) + "</body></html>\n", encoding="utf-8")


Row = tuple[str, float | None, float | None, float | None]


def _row(each: dict[str, Any]) -> Row:
    return f"{each['policy']}, {each['estimator']}", each["value"], each["low"], each["high"]


def plot(rows: Sequence[Row], *, zero: bool = False) -> str:
    """Return dots with their intervals as SVG; a row without a number says so."""
    ends = [value for _, *three in rows for value in three if value is not None]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    span = (high - low) or 1.0
    low, span = low - 0.03 * span, 1.06 * span
    height = ROW * (len(rows) + 2)

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / span

    drawn = []
    for tick in range(5):
        value = low + span * tick / 4
        drawn.append(_line("axis", x(value), 0, x(value), height - ROW))
        drawn.append(_text(x(value), height - 6, f"{value:.4g}", anchor="middle", soft=True))
    if zero:
        drawn.append(_line("zero", x(0.0), 0, x(0.0), height - ROW))
    for at, (name, dot, left, right) in enumerate(rows):
        y = ROW * (at + 1)
        drawn.append(_text(LEFT - 10, y + 4, name, anchor="end"))
        if dot is None:
            drawn.append(_text(LEFT + 6, y + 4, "no row to tell from", soft=True))
            continue
        if left is not None and right is not None:
            drawn.append(_line("bar", x(left), y, x(right), y))
        drawn.append(f'<circle class="dot" cx="{x(dot):.1f}" cy="{y}" r="4"/>')
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(drawn)}</svg>'


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, said: str, *, anchor: str = "start", soft: bool = False) -> str:
    kind = ' class="soft"' if soft else ""
    return f'<text{kind} text-anchor="{anchor}" x="{x:.1f}" y="{y:.1f}">{escape(said)}</text>'
