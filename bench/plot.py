"""The main figure of every row as bars in one SVG, written by hand. Pure.

A bar is the median, the thin line over it the range of the rounds, the dashed line the figure
to reach. Each row has a scale of its own. Above: `suite.py`. Below: `report.py`.
"""

from html import escape

from bench.report import Result
from bench.stats import Spread, written
from bench.targets import FEDGATE, stands_for

WIDTH, LABELS, BARS = 760, 150, 460
LINE, HEAD, GAP = 22, 30, 18
COLOURS = {FEDGATE: "#2563eb"}
OTHER = "#94a3b8"


def svg(results: list[Result]) -> str:
    """A picture of all rows that have a figure."""
    panels: list[str] = []
    top = 12
    for result in results:
        bars = {
            target: figures[result.row.main]
            for target in result.row.targets
            if result.row.main in (figures := result.figures(target))
        }
        if bars:
            panels.append(panel(result, bars, top))
            top += HEAD + LINE * len(bars) + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" '
        f'font-family="sans-serif" font-size="12" fill="#0f172a">'
    )
    return "\n".join([head, f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>', *panels, "</svg>", ""])


def panel(result: Result, bars: dict[str, Spread], top: int) -> str:
    """One row's bars, its first pixel at `top`."""
    row = result.row
    limit = next((goal.limit for goal in row.goals if goal.key == row.main), None)
    longest = max([each.high for each in bars.values()] + ([limit] if limit else []))
    scale = BARS / longest if longest > 0 else 0.0
    title = f"{row.name}: {row.unit}" + (f" (target {written(limit)})" if limit else "")
    parts = [f'<text x="12" y="{top + 16}" font-weight="bold">{escape(title)}</text>']
    for place, (target, each) in enumerate(bars.items()):
        y = top + HEAD + place * LINE
        parts += bar(target, each, y, scale)
    if limit:
        x, end = LABELS + limit * scale, top + HEAD + LINE * len(bars)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + HEAD - 4}" y2="{end}" '
            'stroke="#dc2626" stroke-dasharray="4 3"/>'
        )
    return "\n".join(parts)


def bar(target: str, each: Spread, y: int, scale: float) -> list[str]:
    """A label, a bar with its range, and the figure."""
    middle = y + LINE // 2 - 2
    end = LABELS + each.high * scale + 8
    return [
        f'<text x="12" y="{middle + 4}">{escape(target)}</text>',
        f'<rect x="{LABELS}" y="{y}" width="{each.median * scale:.1f}" height="{LINE - 6}" '
        f'fill="{COLOURS.get(stands_for(target), OTHER)}"/>',
        f'<line x1="{LABELS + each.low * scale:.1f}" x2="{LABELS + each.high * scale:.1f}" '
        f'y1="{middle}" y2="{middle}" stroke="#0f172a"/>',
        f'<text x="{end:.1f}" y="{middle + 4}">{written(each.median)}</text>',
    ]
