"""Small charts as inline SVG, in the colours of the page that they stand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, log10

WIDTH, HEIGHT = 400, 170
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 10, 24

STYLE = """
triton-charts h3 { margin: 24px 0 4px; font-size: 1.1rem }
triton-charts .row { display: grid; grid-template-columns: repeat(3, 1fr); gap: 16px }
@media (max-width: 900px) { triton-charts .row { grid-template-columns: 1fr } }
triton-charts figure { margin: 0 } triton-charts figcaption { font-size: .85rem }
triton-charts svg { width: 100%; height: auto; display: block }
triton-charts text { font-size: 11px; fill: currentColor; opacity: .75 }
triton-charts .grid { stroke: currentColor; stroke-opacity: .15 }
triton-charts .line { fill: none; stroke-width: 2; stroke-linejoin: round }
triton-charts i { display: inline-block; width: 10px; height: 10px; margin: 0 4px 0 10px }
triton-charts .strip { fill: currentColor; fill-opacity: 0 }
triton-charts .strip:hover { fill-opacity: .08 }
"""
# Seen well enough on Locust's light page and on its dark one.
COLOURS = ("#3f87e5", "#d08a1d", "#1f9d8a", "#a86fd8")
FEWEST = 8
"""Numbers that columns have room for, so that a single one is no wall."""


def lines(title: str, unit: str, series: Mapping[str, Sequence[float]], every_s: float) -> str:
    """Draw values over time, the newest on the right; ``every_s`` lies between two of them."""
    top = _top(max((max(values, default=0) for values in series.values()), default=0))
    most = max((len(values) for values in series.values()), default=0)
    step = (WIDTH - LEFT - RIGHT) / max(most - 1, 1)
    parts = [_grid(top, unit)]
    for (name, values), colour in zip(series.items(), COLOURS, strict=False):
        points = " ".join(
            f"{LEFT + i * step:.1f},{_y(value, top):.1f}" for i, value in enumerate(values)
        )
        label = f"<title>{escape(name)}</title>"
        parts.append(
            f'<polyline class="line" stroke="{colour}" points="{points}">{label}</polyline>'
        )
    for i, row in enumerate(zip(*series.values(), strict=True)):
        note = ", ".join(f"{n} {_figure(v)} {unit}" for n, v in zip(series, row, strict=True))
        parts.append(_strip(LEFT + (i - 0.5) * step, step, note))
    parts.append(_text(LEFT, HEIGHT - 6, f"{max(most - 1, 0) * every_s:g} s ago", "start"))
    parts.append(_text(WIDTH - RIGHT, HEIGHT - 6, "now", "end"))
    keys = zip(series, COLOURS, strict=False) if len(series) > 1 else ()
    legend = "".join(f'<i style="background:{colour}"></i>{escape(name)}' for name, colour in keys)
    return _figure_of(title, f"{escape(title)}{legend}", parts)


def columns(title: str, unit: str, counts: Mapping[int, int]) -> str:
    """Draw the share of each whole number."""
    total = sum(counts.values()) or 1
    most = max([*counts, FEWEST])
    width = (WIDTH - LEFT - RIGHT) / most
    top = _top(100 * max(counts.values(), default=0) / total)
    parts = [_grid(top, "%")]
    for size, count in sorted(counts.items()):
        y = min(_y(100 * count / total, top), HEIGHT - BOTTOM - 1.0)
        note = f"{size} {unit}: {count:,} ({100 * count / total:.3g}%)"
        parts.append(
            f'<rect x="{LEFT + (size - 0.9) * width:.1f}" y="{y:.1f}" width="{0.8 * width:.1f}" '
            f'height="{HEIGHT - BOTTOM - y:.1f}" fill="{COLOURS[0]}">'
            f"<title>{escape(note)}</title></rect>"
        )
    every = -(-most // 8)
    for size in range(1, most + 1):
        if size in (1, most) or (size % every == 0 and size <= most - every):
            parts.append(_text(LEFT + (size - 0.5) * width, HEIGHT - 6, str(size), "middle"))
    return _figure_of(title, escape(title), parts)


def _figure_of(title: str, caption: str, parts: Sequence[str]) -> str:
    return (
        f'<figure><figcaption>{caption}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg></figure>'
    )


def _grid(top: float, unit: str) -> str:
    parts = []
    for i in range(3):
        y, value = _y(top * i / 2, top), top * i / 2
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{_figure(value)} {unit}", "end"))
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _strip(x: float, width: float, note: str) -> str:
    """Return what says the figures below it where the mouse rests."""
    left, right = max(x, LEFT), min(x + width, WIDTH - RIGHT)
    return (
        f'<rect class="strip" x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" '
        f'height="{HEIGHT - TOP - BOTTOM}"><title>{escape(note)}</title></rect>'
    )


def _y(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM), 1)


def _top(value: float) -> float:
    """Return a round number that is no less."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
