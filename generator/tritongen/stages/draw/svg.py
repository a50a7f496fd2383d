"""Pictures as one SVG file that needs nothing else, readable in light and in dark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from tritongen.stages.draw.picture import Box, Link, Picture, Port

CHAR = 7.3
"""How wide a letter of the fixed-width font is, at 12 px."""
ROW, HEAD, GAP_X, GAP_Y, MARGIN, PAD, LANE = 20, 44, 72, 28, 24, 14, 18

STYLE = """
svg { --paper: #ffffff; --ink: #1c2430; --soft: #5b6675; --line: #b9c2ce; --box: #f5f7fa;
  --step: #2563a8; --group: #7a4fb5; --end: #2f7d4f; --wire: #7488a0 }
@media (prefers-color-scheme: dark) { svg { --paper: #14181e; --ink: #e6ebf2; --soft: #9aa7b8;
  --line: #3b4654; --box: #1d232c; --step: #6ea8e6; --group: #b794e8; --end: #74c496;
  --wire: #6f8197 } }
text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: var(--ink) }
.paper { fill: var(--paper) }
.title { font-size: 15px; font-weight: 700 } .name { font-weight: 700 }
.soft { fill: var(--soft) } .facts { font-size: 11px; font-weight: 400; fill: var(--soft) }
.box { fill: var(--box); stroke: var(--line) } .bar { fill: var(--step) }
.ensemble .bar { fill: var(--group) } .inputs .bar, .outputs .bar { fill: var(--end) }
.wire { fill: none; stroke: var(--wire); stroke-width: 1.6 } .port { fill: var(--wire) }
.wire:hover { stroke: var(--step); stroke-width: 3 } .rule { stroke: var(--line) }
"""


@dataclass(frozen=True)
class _At:
    """Where a box stands, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class _Laid:
    """A picture with places; ``lanes`` are where links pass columns: (tail, tensor, column)."""

    picture: Picture
    boxes: dict[str, _At]
    lanes: dict[tuple[str, str, int], _At]
    width: float
    height: float


def svg(pictures: Sequence[Picture]) -> str:
    """Return the text of an SVG file with all pictures below each other."""
    laid, top = [], float(MARGIN)
    for picture in pictures:
        laid.append((_lay(picture), top))
        top += laid[-1][0].height + 2 * MARGIN
    width = max((one.width for one, _ in laid), default=0.0) + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{top:.0f}" '
        f'viewBox="0 0 {width:.0f} {top:.0f}" role="img">',
        f"<title>{escape(', '.join(picture.title for picture in pictures))}</title>",
        f"<style>{STYLE}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
    ]
    for one, y in laid:
        parts.append(f'<g transform="translate({MARGIN} {y:.0f})">')
        parts += _drawn(one)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _size(box: Box) -> tuple[float, float]:
    ins = max((_letters(port) for port in box.inputs), default=0)
    outs = max((_letters(port) for port in box.outputs), default=0)
    facts = max(map(len, _facts(box)), default=0) * 0.93
    widest = max(ins + outs + 3 * bool(ins and outs), len(box.title), facts)
    rows = max(len(box.inputs), len(box.outputs))
    return widest * CHAR + 2 * PAD, HEAD + len(_facts(box)) * 16 - 16 + rows * ROW + 6


def _letters(port: Port) -> int:
    return len(f"{port.name} {port.label}")


def _facts(box: Box) -> list[str]:
    """Return the lines below a box's name, two facts on each."""
    lines = [" · ".join(box.facts[n : n + 2]) for n in range(0, len(box.facts), 2)]
    calls = [f"calls {', '.join(box.calls)}"] if box.calls else []
    return [*lines, *calls] or [""]


def _lay(picture: Picture) -> _Laid:
    """Put columns beside each other; in a column, boxes stand near what they read from."""
    columns = _wrapped(picture)
    boxes: dict[str, _At] = {}
    lanes: dict[tuple[str, str, int], _At] = {}
    x, height, first = 0.0, 0.0, 34.0
    for number, keys in enumerate(columns):
        sizes = {key: _size(picture.box(key)) for key in keys}
        wide = max(width for width, _ in sizes.values())
        y = first
        for item in _order(picture, columns, number, boxes, lanes):
            if isinstance(item, str):
                boxes[item] = _At(x, y, wide, sizes[item][1])
                y += sizes[item][1] + GAP_Y
            else:
                lanes[(*item, number)] = _At(x, y, wide, 0)
                y += LANE
        height = max(height, y - GAP_Y)
        x += wide + GAP_X
    title = sum(len(text) + 3 for text in (picture.title, *picture.facts)) * 9.2
    return _Laid(picture, boxes, lanes, max(x - GAP_X, title), height)


def _order(
    picture: Picture,
    columns: Sequence[Sequence[str]],
    number: int,
    boxes: dict[str, _At],
    lanes: dict[tuple[str, str, int], _At],
) -> list[str | tuple[str, str]]:
    """Return the boxes of a column and the outputs that pass it, near where they come from."""
    heights: dict[str | tuple[str, str], float] = {}
    for key in columns[number]:
        heights[key] = _pull(picture, key, boxes)
    for tail in _passing(picture, columns, number):
        heights[tail] = _height_of(boxes, lanes, tail, number)
    return sorted(heights, key=lambda item: (heights[item], isinstance(item, tuple)))


def _wrapped(picture: Picture) -> Sequence[Sequence[str]]:
    """Return the columns; models without links are spread over three."""
    if picture.links:
        return picture.columns
    (keys,) = picture.columns
    share = -(-len(keys) // 3)
    return [keys[start : start + share] for start in range(0, len(keys), share)]


def _passing(
    picture: Picture, columns: Sequence[Sequence[str]], number: int
) -> list[tuple[str, str]]:
    """Name the outputs (box, port) whose links pass a column without ending in it."""
    level = {key: index for index, keys in enumerate(columns) for key in keys}
    found = {
        link.tail: None
        for link in picture.links
        if level[link.tail[0]] < number < level[link.head[0]]
    }
    return list(found)


def _pull(picture: Picture, key: str, boxes: dict[str, _At]) -> float:
    """Return the mean height of what a box reads from."""
    heights = [
        boxes[link.tail[0]].y
        for link in picture.links
        if link.head[0] == key and link.tail[0] in boxes
    ]
    return sum(heights) / len(heights) if heights else 0.0


def _height_of(
    boxes: dict[str, _At],
    lanes: dict[tuple[str, str, int], _At],
    tail: tuple[str, str],
    number: int,
) -> float:
    lane = lanes.get((*tail, number - 1))
    return lane.y if lane else boxes[tail[0]].y + boxes[tail[0]].height


def _drawn(laid: _Laid) -> Iterator[str]:
    picture = laid.picture
    facts = escape(" · ".join(picture.facts))
    yield (
        f'<text class="title" y="12">{escape(picture.title)}'
        f'<tspan class="facts" dx="12">{facts}</tspan></text>'
    )
    for link in picture.links:
        yield _wire(laid, link)
    for box in picture.boxes:
        yield from _box(box, laid.boxes[box.key])


def _wire(laid: _Laid, link: Link) -> str:
    """Draw a link as a curve through the lanes of the columns that it passes."""
    tail, head = laid.boxes[link.tail[0]], laid.boxes[link.head[0]]
    x, y = tail.x + tail.width, _port_y(laid, link.tail, tail, outputs=True)
    path = f"M{x:.1f} {y:.1f}"
    lanes = (
        sorted(
            (column, at)
            for (key, port, column), at in laid.lanes.items()
            if (key, port) == link.tail and at.x < head.x
        )
        if laid.lanes
        else []
    )
    for _, lane in lanes:
        path += _curve(x, y, lane.x, lane.y) + f"H{lane.x + lane.width:.1f}"
        x, y = lane.x + lane.width, lane.y
    end = _port_y(laid, link.head, head, outputs=False)
    path += _curve(x, y, head.x, end)
    return f'<path class="wire" d="{path}"><title>{escape(link.tensor)}</title></path>'


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    middle = (x + to_x) / 2
    return f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _port_y(laid: _Laid, end: tuple[str, str], at: _At, *, outputs: bool) -> float:
    box = laid.picture.box(end[0])
    names = [port.name for port in (box.outputs if outputs else box.inputs)]
    row = names.index(end[1]) if end[1] in names else 0
    return at.y + _rows_at(box) + row * ROW + ROW / 2


def _rows_at(box: Box) -> float:
    return HEAD + len(_facts(box)) * 16 - 16


def _box(box: Box, at: _At) -> Iterator[str]:
    yield f'<g class="{box.kind}" transform="translate({at.x:.1f} {at.y:.1f})">'
    yield f'<rect class="box" rx="6" width="{at.width:.1f}" height="{at.height:.1f}"/>'
    yield f'<rect class="bar" rx="2" width="{at.width:.1f}" height="4"/>'
    yield f'<text class="name" x="{PAD}" y="22">{escape(box.title)}</text>'
    for number, line in enumerate(_facts(box)):
        yield f'<text class="facts" x="{PAD}" y="{38 + 16 * number}">{escape(line)}</text>'
    for ports, x, anchor in ((box.inputs, 0.0, "start"), (box.outputs, at.width, "end")):
        for number, port in enumerate(ports):
            y = _rows_at(box) + number * ROW + ROW / 2
            inside = x + PAD if anchor == "start" else x - PAD
            yield f'<circle class="port" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
            yield (
                f'<text x="{inside:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}">'
                f'{escape(port.name)} <tspan class="soft">{escape(port.label)}</tspan>'
                "</text>"
            )
    yield "</g>"
