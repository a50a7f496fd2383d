"""Pictures as Mermaid text, which code hosts and documentation draw."""

from collections.abc import Iterator, Sequence

from tritongen.stages.draw.picture import Picture

SHAPES = {
    "inputs": ("([", "])"),
    "outputs": ("([", "])"),
    "model": ("[", "]"),
    "ensemble": ("[[", "]]"),
}


def mermaid(pictures: Sequence[Picture]) -> str:
    """Return a flowchart: a subgraph for each picture, edges named by tensor and type."""
    lines = ["flowchart LR"]
    called: dict[str, str] = {}
    for number, picture in enumerate(pictures):
        lines += _subgraph(picture, f"p{number}")
        for box in picture.boxes:
            called.setdefault(box.title, _ids(picture, f"p{number}")[box.key])
    for number, picture in enumerate(pictures):
        for box in picture.boxes:
            caller = _ids(picture, f"p{number}")[box.key]
            lines += [f"  {caller} -. calls .-> {called[n]}" for n in box.calls if n in called]
    return "\n".join(lines) + "\n"


def _subgraph(picture: Picture, prefix: str) -> Iterator[str]:
    title = " · ".join((picture.title, *picture.facts))
    yield f'  subgraph {prefix}["{_text(title)}"]'
    keys = _ids(picture, prefix)
    for box in picture.boxes:
        start, end = SHAPES[box.kind]
        parts = [f"<b>{_text(box.title)}</b>", *map(_text, box.facts)]
        if not picture.links:
            parts += [_text(f"{port.name} {port.label}") for port in (*box.inputs, *box.outputs)]
        label = "<br/>".join(part for part in parts if part)
        yield f'    {keys[box.key]}{start}"{label}"{end}'
    for (tail, head), tensors in _edges(picture).items():
        label = "<br/>".join(map(_text, tensors))
        yield f'    {keys[tail]} -->|"{label}"| {keys[head]}'
    yield "  end"


def _ids(picture: Picture, prefix: str) -> dict[str, str]:
    """Number the boxes: Mermaid's ids are plainer than models' names."""
    return {box.key: f"{prefix}_{number}" for number, box in enumerate(picture.boxes)}


def _edges(picture: Picture) -> dict[tuple[str, str], list[str]]:
    """Return the tensors between each two boxes, renames shown."""
    types = {(box.key, port.name): port.type for box in picture.boxes for port in box.outputs}
    edges: dict[tuple[str, str], list[str]] = {}
    for link in picture.links:
        label = f"{link.tensor} {types.get(link.tail, '')}".strip()
        edges.setdefault((link.tail[0], link.head[0]), []).append(label)
    return edges


def _text(text: str) -> str:
    """Return text as Mermaid's quoted labels take it: entities instead of what has a meaning."""
    return "".join(
        char if char.isalnum() or char in " _.,-:/·()" else f"#{ord(char)};" for char in text
    )
