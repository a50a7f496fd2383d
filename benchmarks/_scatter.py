"""Predicted over measured as a picture: one panel for each figure, the worst with their names."""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from math import log10
from textwrap import wrap

from benchmarks._predicted import Row
from tritongen.records.measurement import Measurement
from tritongen.records.system import Outcome

SIDE, GAP, LEFT, TOP, BOTTOM = 300, 70, 60, 48, 150
TONES = {"alone": "#2b6cd4", "chain": "#17837a", "fan": "#a85a12", "filetype": "#7a3fc0"}
Panel = tuple[str, str, float, Callable[[Outcome], float], Callable[[Measurement], float | None]]
PANELS: tuple[Panel, ...] = (
    ("throughput", "requests/s", 0.10, lambda o: o.throughput_rps, lambda m: m.throughput_rps),
    ("p50", "ms", 0.10, lambda o: o.p50_ms, lambda m: m.p50_ms),
    ("p99", "ms", 0.25, lambda o: o.p99_ms, lambda m: m.p99_ms),
)
WORST = 3


def scatter(rows: Sequence[Row]) -> str:
    """Return the picture as SVG; it needs no script."""
    width = LEFT + len(PANELS) * (SIDE + GAP)
    height = TOP + SIDE + BOTTOM
    inside = [_panel(number, rows) for number in range(len(PANELS))]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11">\n'
        f"<title>The simulator's predictions over what was measured</title>\n"
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        f"{_legend()}{''.join(inside)}</svg>\n"
    )


def _legend() -> str:
    marks = []
    for number, (name, tone) in enumerate(TONES.items()):
        x = LEFT + number * 110
        marks.append(
            f'<circle cx="{x}" cy="16" r="4" fill="{tone}"/><text x="{x + 9}" y="20">{name}</text>'
        )
    x = LEFT + len(TONES) * 110
    marks.append(
        f'<text x="{x}" y="20">hollow: busiest step at 80% or more; band: the bound</text>\n'
    )
    return "".join(marks)


class _Axes:
    """Both axes of a panel, logarithmic and alike."""

    def __init__(self, number: int, values: Sequence[float]) -> None:
        self.left = LEFT + number * (SIDE + GAP)
        self.low = log10(min(values) / 1.2)
        self.span = log10(max(values) * 1.2) - self.low

    def x(self, value: float) -> float:
        return self.left + SIDE * (log10(value) - self.low) / self.span

    def y(self, value: float) -> float:
        return TOP + SIDE - SIDE * (log10(value) - self.low) / self.span

    def ticks(self) -> Iterator[float]:
        for power in range(-1, 5):
            for step in (1, 2, 5):
                value = step * 10.0**power
                if self.low <= log10(value) <= self.low + self.span:
                    yield value


def _panel(number: int, rows: Sequence[Row]) -> str:
    name, unit, bound, said, found = PANELS[number]
    points = [(row, found(row.result.measurement) or 1.0, said(row.outcome)) for row in rows]
    axes = _Axes(number, [value for _, *pair in points for value in pair])
    parts = [_frame(axes, f"{name}, {unit}"), _band(axes, bound)]
    parts += [_point(axes, *point) for point in points]
    worst = sorted(points, key=lambda point: -abs(log10(point[2] / point[1])))[:WORST]
    for place, (row, measured, predicted) in enumerate(worst, 1):
        x, y = axes.x(measured), axes.y(predicted)
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 4:.1f}" font-weight="bold">{place}</text>')
        line = f"{place}  {predicted / measured - 1:+.0%}  {row.result.setting.name}"
        for part, text in enumerate(wrap(line, 52)[:2]):
            at = TOP + SIDE + 50 + (2 * place - 2 + part) * 14
            parts.append(f'<text x="{axes.left}" y="{at}" font-size="10">{escape(text)}</text>')
    return "\n".join(parts) + "\n"


def _frame(axes: _Axes, title: str) -> str:
    base = TOP + SIDE
    parts = [
        f'<text x="{axes.left}" y="{TOP - 8}" font-size="13" font-weight="bold">{title}</text>',
        f'<rect x="{axes.left}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" '
        f'stroke="#8a94a3"/>',
        f'<text x="{axes.left + SIDE / 2}" y="{base + 32}" text-anchor="middle">measured</text>',
        f'<text transform="translate({axes.left - 38} {TOP + SIDE / 2}) rotate(-90)" '
        f'text-anchor="middle">predicted</text>',
    ]
    for value in axes.ticks():
        x, y = axes.x(value), axes.y(value)
        parts.append(f'<text x="{x:.1f}" y="{base + 15}" text-anchor="middle">{value:g}</text>')
        parts.append(
            f'<text x="{axes.left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
        parts.append(
            f'<path d="M{x:.1f} {TOP}V{base}M{axes.left} {y:.1f}h{SIDE}" stroke="#e8ecf1"/>'
        )
    return "\n".join(parts)


def _band(axes: _Axes, bound: float) -> str:
    low, high = 10**axes.low, 10 ** (axes.low + axes.span)
    corners = [
        (low, low * (1 + bound)),
        (high / (1 + bound), high),
        (high, high),
        (high, high * (1 - bound)),
        (low / (1 - bound), low),
        (low, low),
    ]
    path = " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in corners)
    line = f"M{axes.x(low):.1f} {axes.y(low):.1f}L{axes.x(high):.1f} {axes.y(high):.1f}"
    band = f'<polygon points="{path}" fill="#17794a" opacity=".12"/>'
    return f'{band}<path d="{line}" stroke="#17794a"/>'


def _point(axes: _Axes, row: Row, measured: float, predicted: float) -> str:
    tone = TONES[row.result.setting.ensemble]
    fill = "none" if row.busiest >= 0.8 else tone
    note = f"{row.result.setting.name}: measured {measured:.1f}, predicted {predicted:.1f}"
    return (
        f'<circle cx="{axes.x(measured):.1f}" cy="{axes.y(predicted):.1f}" r="4" fill="{fill}" '
        f'stroke="{tone}" stroke-width="1.5"><title>{escape(note)}</title></circle>'
    )
