"""Charts as inline SVG: they need no script and no other file, and take the page's colours.

Colours are classes of ``page.css``. What stands in a chart's ``<title>`` elements is shown where
the mouse rests. All text is escaped, whoever wrote it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from markupsafe import Markup, escape

from tritongen.stages.report.axis import Axis

WIDTH, HEIGHT = 520, 230
LEFT, RIGHT, TOP, BOTTOM = 58, 70, 14, 30
LINE_GAP = 13
"""The least distance between two labels at the ends of lines, in pixels."""

Point = tuple[float, "float | None"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """Values over x; ``None`` interrupts the line. ``tone`` is its colour."""

    name: str
    tone: str
    points: Sequence[Point]
    dashed: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A place on an axis with a name: an objective, a percentile."""

    at: float
    name: str
    tone: str = "soft"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A column from ``low`` to ``high`` of the x axis."""

    low: float
    high: float
    height: float
    note: str


@dataclass(frozen=True, kw_only=True)
class Whisker:
    """An interval at a place of the x axis; no ``high``: the chart's end."""

    at: float
    low: float
    high: float | None
    tone: str


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A place in a chart; ``note`` is shown where the mouse rests, ``name`` always."""

    x: float
    y: float
    tone: str
    note: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What a chart stands in; ``text`` is what it says to those who don't see it.

    ``shaded`` is the end of the part of the x axis that does not count, ``notes`` are shown over
    the part of the x axis around a place.
    """

    title: str
    text: str
    x: Axis
    y: Axis
    shaded: float | None = None
    limits: Sequence[Mark] = ()
    notes: Sequence[tuple[float, str]] = field(default=())

    def left(self, value: float) -> float:
        """Return pixels from the left."""
        return LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)

    def top(self, value: float) -> float:
        """Return pixels from the top."""
        return HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - TOP - BOTTOM)


def tag(name: str, *inside: str, **attributes: object) -> Markup:
    """Return an element; ``class_`` is written class, ``text_anchor`` text-anchor."""
    said = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _plain(value))
        for key, value in attributes.items()
        if value is not None
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, said, Markup("").join(inside))


def _plain(value: object) -> object:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value


def lines(frame: Frame, *each: Line, whiskers: Sequence[Whisker] = ()) -> Markup:
    """Draw lines, each with its name at its end."""
    return _drawing(
        frame,
        *_grid(frame),
        *(_whisker(frame, one) for one in whiskers),
        *(_path(frame, line) for line in each),
        *_names(frame, each),
        *_limits(frame),
        *_notes(frame),
    )


def scatter(frame: Frame, dots: Sequence[Dot], *each: Line) -> Markup:
    """Draw dots, those with names last and larger, over lines without names."""
    ordered = sorted(dots, key=lambda dot: bool(dot.name))
    return _drawing(
        frame,
        *_grid(frame),
        *_limits(frame),
        *(_path(frame, line) for line in each),
        *(_dot(frame, dot) for dot in ordered),
        *_dot_names(frame, [dot for dot in ordered if dot.name]),
    )


def columns(frame: Frame, bars: Iterable[Bar], marks: Sequence[Mark] = ()) -> Markup:
    """Draw columns, and marks on the x axis across them."""
    return _drawing(
        frame, *_grid(frame), *(_column(frame, bar) for bar in bars), *_marks(frame, marks)
    )


def _drawing(frame: Frame, *inside: str) -> Markup:
    return tag(
        "svg",
        *inside,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{frame.title}. {frame.text}",
        class_="chart",
    )


def _text(x: float, y: float, text: str, anchor: str = "start", tone: str = "soft") -> Markup:
    return tag("text", escape(text), x=x, y=y, text_anchor=anchor, class_=f"label {tone}")


def _grid(frame: Frame) -> Iterable[Markup]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    if frame.shaded is not None:
        width = frame.left(frame.shaded) - LEFT
        note = tag("title", "warm-up: not counted")
        yield tag("rect", note, x=LEFT, y=TOP, width=width, height=bottom - TOP, class_="shaded")
    for value, name in frame.y.ticks:
        y = frame.top(value)
        yield tag("line", x1=LEFT, x2=right, y1=y, y2=y, class_="grid")
        yield _text(LEFT - 8, y + 4, name, "end")
    yield tag("line", x1=LEFT, x2=right, y1=bottom, y2=bottom, class_="base")
    for value, name in frame.x.ticks:
        x = frame.left(value)
        yield tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="base")
        yield _text(x, HEIGHT - 9, name, "middle")


def _path(frame: Frame, line: Line) -> Markup:
    parts = []
    for gap, points in groupby(line.points, key=lambda point: point[1] is None):
        if not gap:
            places = [f"{frame.left(x):.1f},{frame.top(y or 0):.1f}" for x, y in points]
            # A lone point is a line to itself: round ends make it a dot.
            parts.append("M" + "L".join(places if len(places) > 1 else places * 2))
    dashed = " dashed" if line.dashed else ""
    return tag(
        "path", tag("title", line.name), d="".join(parts), class_=f"line {line.tone}{dashed}"
    )


def _names(frame: Frame, each: Sequence[Line]) -> Iterable[Markup]:
    ends = []
    # Of lines that end together, the later is the higher: p99 above p50.
    for line in reversed(each):
        known = [y for _, y in line.points if y is not None]
        if known:
            ends.append((frame.top(known[-1]), line))
    ends.sort(key=lambda end: end[0])
    for y, (_, line) in zip(_spread([y for y, _ in ends]), ends, strict=True):
        yield _text(WIDTH - RIGHT + 7, y + 4, line.name, tone=f"{line.tone} named")


def _dot(frame: Frame, dot: Dot) -> Markup:
    note = tag("title", escape(dot.note))
    size = 6 if dot.name else 4
    return tag(
        "circle", note, cx=frame.left(dot.x), cy=frame.top(dot.y), r=size, class_=f"dot {dot.tone}"
    )


def _dot_names(frame: Frame, dots: Sequence[Dot]) -> Iterable[Markup]:
    """Write names above dots, apart from each other, inside the chart."""
    placed = sorted(dots, key=lambda dot: frame.top(dot.y))
    for y, dot in zip(_spread([frame.top(dot.y) - 11 for dot in placed]), placed, strict=True):
        x = min(max(frame.left(dot.x), LEFT + 14), WIDTH - RIGHT)
        yield _text(x, max(y, TOP), dot.name, "middle", f"{dot.tone} named")


def _spread(places: Sequence[float]) -> list[float]:
    """Move places that are in order apart, and back inside the chart if they leave it."""
    spread: list[float] = []
    for place in places:
        spread.append(max(place, spread[-1] + LINE_GAP) if spread else place)
    limit = float(HEIGHT - BOTTOM)
    for i in reversed(range(len(spread))):
        spread[i] = min(spread[i], limit)
        limit = spread[i] - LINE_GAP
    return spread


def _limits(frame: Frame) -> Iterable[Markup]:
    for mark in frame.limits:
        y = frame.top(mark.at)
        yield tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_=f"limit {mark.tone}")
        yield _text(LEFT + 6, y - 5, mark.name, tone=mark.tone)


def _marks(frame: Frame, marks: Sequence[Mark]) -> Iterable[Markup]:
    taken = float("-inf")
    row = 0
    for mark in marks:
        x = frame.left(mark.at)
        # Names that would run into the one before stand a line lower.
        row = row + 1 if x < taken else 0
        y = TOP + 8 + LINE_GAP * row
        taken = x + 8 + 6.2 * len(mark.name)
        yield tag("line", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM, class_=f"limit {mark.tone}")
        yield _text(x + 5, y, mark.name, tone=mark.tone)


def _whisker(frame: Frame, one: Whisker) -> Markup:
    x, bottom = frame.left(one.at), frame.top(one.low)
    top = TOP if one.high is None else frame.top(one.high)
    ends = "" if one.high is None else f"M{x - 3:.1f},{top:.1f}h6"
    path = f"M{x - 3:.1f},{bottom:.1f}h6M{x:.1f},{bottom:.1f}V{top:.1f}{ends}"
    return tag("path", d=path, class_=f"whisker {one.tone}")


def _column(frame: Frame, bar: Bar) -> Markup:
    left, right = frame.left(bar.low), frame.left(bar.high)
    top, bottom = frame.top(bar.height), HEIGHT - BOTTOM
    # A column of one request among thousands is still seen.
    top = min(top, bottom - 1.0) if bar.height else bottom
    gap = min(1.0, (right - left) / 4)
    return tag(
        "rect",
        tag("title", escape(bar.note)),
        x=left + gap,
        y=top,
        width=right - left - 2 * gap,
        height=bottom - top,
        class_="column",
    )


def _notes(frame: Frame) -> Iterable[Markup]:
    """Cover the chart with strips that say what is below them when the mouse rests there."""
    places = [frame.left(x) for x, _ in frame.notes]
    edges = [(a + b) / 2 for a, b in pairwise(places)]
    bounds = zip([LEFT, *edges], [*edges, WIDTH - RIGHT], frame.notes, strict=True)
    for left, right, (_, note) in bounds if places else ():
        yield tag(
            "rect",
            tag("title", escape(note)),
            x=left,
            y=TOP,
            width=float(right - left),
            height=HEIGHT - TOP - BOTTOM,
            class_="strip",
        )
