"""Pictures on the terminal: boxes below each other, and a rail for each tensor from its writer
down to its last reader.
"""

from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from tritongen.stages.draw import Box, Picture, Port

STYLES = {"model": "cyan", "ensemble": "magenta", "inputs": "green", "outputs": "green"}
Tensor = tuple[str, str]
"""The output that writes a tensor: (box, port)."""


class _Rails:
    """The rails beside the boxes: each holds a tensor that somebody below still reads."""

    def __init__(self, picture: Picture) -> None:
        self.readers = _readers(picture)
        self.rails: list[Tensor | None] = []
        self.width = _most(picture)

    def plain(self) -> str:
        """Return the rails beside a line that no tensor leaves or enters."""
        marks = ["│ " if rail else "  " for rail in self.rails]
        return "".join(marks).ljust(2 * self.width) + "  "

    def enter(self, tensor: Tensor) -> str:
        """Return the rails beside an input: its tensor turns into the box."""
        rail = self.rails.index(tensor)
        self.readers[tensor] -= 1
        left = not self.readers[tensor]
        line = self._turn(rail, "╰" if left else "├", "▶ ")
        if left:
            self.rails[rail] = None
        return line

    def leave(self, tensor: Tensor) -> str:
        """Return the rails beside an output: a new rail begins, if anybody reads it."""
        if not self.readers.get(tensor):
            return self.plain()
        rail = self.rails.index(None) if None in self.rails else len(self.rails)
        self.rails[rail : rail + 1] = [tensor]
        return self._turn(rail, "╭", "─ ")

    def _turn(self, rail: int, corner: str, end: str) -> str:
        before = "".join("│ " if other else "  " for other in self.rails[:rail])
        after = "".join("│─" if other else "──" for other in self.rails[rail + 1 :])
        return (before + corner + "─" + after).ljust(2 * self.width, "─") + end


def _most(picture: Picture) -> int:
    """Return how many tensors are under way at most."""
    left = _readers(picture)
    alive: set[Tensor] = set()
    most = 0
    for box in _in_order(picture):
        for link in picture.links:
            if link.head[0] == box.key:
                left[link.tail] -= 1
                alive -= set() if left[link.tail] else {link.tail}
        alive |= {(box.key, port.name) for port in box.outputs if left.get((box.key, port.name))}
        most = max(most, len(alive))
    return most


def _readers(picture: Picture) -> dict[Tensor, int]:
    """Count who reads each tensor."""
    return Counter(link.tail for link in picture.links)


def drawn(pictures: Sequence[Picture]) -> Text:
    """Return all pictures below each other."""
    return Text("\n").join(_picture(picture) for picture in pictures)


def _picture(picture: Picture) -> Text:
    text = Text(picture.title, style="bold underline")
    text.append("".join(f"  {fact}" for fact in picture.facts) + "\n\n", style="not bold dim")
    rails = _Rails(picture)
    for box in _in_order(picture):
        text.append_text(_box(picture, box, rails))
    return text


def _in_order(picture: Picture) -> list[Box]:
    return [picture.box(key) for column in picture.columns for key in column]


def _box(picture: Picture, box: Box, rails: _Rails) -> Text:
    """Draw one box: what goes in, how it runs, what comes out."""
    renamed = {link.tail: link.tensor for link in picture.links}
    tails = {link.head: link.tail for link in picture.links}
    rows: list[tuple[str, Text]] = []
    for port in box.inputs:
        tail = tails.get((box.key, port.name))
        rows.append((rails.enter(tail) if tail else rails.plain(), _port(port)))
    notes = [" · ".join(box.facts)] if box.facts else []
    notes += [f"calls {', '.join(box.calls)}"] if box.calls else []
    rows += [(rails.plain(), Text(note, style="dim")) for note in notes]
    for port in box.outputs:
        beside = rails.leave((box.key, port.name))
        name = renamed.get((box.key, port.name), port.name)
        rows.append((beside, _port(port, f"  → {name}" if name != port.name else "")))
    return _framed(box, rows, rails)


def _port(port: Port, note: str = "") -> Text:
    return Text.assemble((port.name, "bold"), (f" {port.label}", "dim"), (note, "yellow"))


def _framed(box: Box, rows: Sequence[tuple[str, Text]], rails: _Rails) -> Text:
    style = STYLES[box.kind]
    width = max([len(box.title) + 2, *(row.cell_len for _, row in rows)])
    text = Text(_above(rows[0][0]) if rows else rails.plain())
    text.append("╭─ ", style=style)
    text.append(box.title, style=f"bold {style}")
    text.append(" " + "─" * (width - len(box.title) - 1) + "╮\n", style=style)
    for beside, row in rows:
        text.append(beside)
        text.append("│ ", style=style)
        text.append_text(row)
        text.append(" " * (width - row.cell_len) + " │\n", style=style)
    text.append(rails.plain())
    text.append("╰" + "─" * (width + 2) + "╯\n", style=style)
    return text


def _above(beside: str) -> str:
    """Return the rails of the line above one: what turns below still goes down."""
    turned = {"╰": "│", "├": "│", "│": "│"}
    return "".join(turned.get(char, " ") for char in beside)
