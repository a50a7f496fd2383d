"""Reads tritonserver's log while it is written: which models load, which failed, and why."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tritongen.formats.growing import GrowingText

# Texts, compiled when they are first used: by then the server has been started.
RECORD = (
    r"(?:\d{4}-\d\d-\d\dT[\d:]+Z )?(?P<level>[IWEF])(?:\d{4} [\d:.]+)? +\d+ "
    r"(?P<source>[\w.+-]+:\d+)\] ?(?P<text>.*)"
)
"""A line of the server, in either of its formats."""
LOADING = r"loading: (?P<model>.+):(?P<version>\d+)$"
LOADED = r"successfully loaded '(?P<model>[^']+)'"
FAILED = (
    r"(?s)^failed to load '(?P<model>.+?)' version \d+: (?P<why>.*)",
    r"(?s)^failed to load model '(?P<model>.+?)': (?P<why>.*)",
    r"(?s)^Poll failed for model directory '(?P<model>.+?)': (?P<why>.*)",
    r"(?s)^failed to poll model '(?P<model>.+?)': (?P<why>.*)",
    r"(?s)^[\w ]+: (?P<why>(?:in )?ensemble '?(?P<model>[^', ]+).*)",
    r"^[\w ]+: (?P<why>circular dependency between ensembles: (?P<model>\S+).*)",
)
NO_STUB = r"Failed to preinitialize Python stub: (?P<why>.*?in '.*?/(?P<model>[^/']+)/\d+/[^/']+')"
PROTOBUF = r"\[libprotobuf ERROR [^\]]*\] Error parsing text-format [\w.]+: (?P<why>.*)"
ESCAPES = {r"\n": "\n", r"\t": "\t", r"\"": '"', r"\\": "\\"}

HARMLESS = (
    r"CudaDriverHelper has not been initialized|Failed to initialize NVML|DCGM unable to start"
    r"|[Pp]inned memory pool disabled|allocate pinned system memory"
    r"|CUDA memory pool disabled|CUDA driver version is insufficient|failed to load all models"
    r"|no CUDA-capable device"
)
"""What every start on a machine without a GPU says, and what the index says better."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line as written, and of it the message and its level.

    Levels are ``I``, ``W``, ``E`` and ``F``; what is no message of the server's (tables, a
    model's own output) counts as ``I``.
    """

    raw: str
    level: str
    text: str

    @property
    def harmless(self) -> bool:
        """Whether it is about the missing GPU."""
        return re.search(HARMLESS, self.raw) is not None


@dataclass
class LoadProgress:
    """What the log has said so far about the models; ``failed`` maps to Triton's reason."""

    loading: dict[str, None] = field(default_factory=dict)
    ready: dict[str, None] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    hopeless: dict[str, str] = field(default_factory=dict)
    _parse_error: str = ""

    def take(self, line: Line) -> None:
        """Take the next line into account."""
        if match := re.search(PROTOBUF, line.text):
            self._parse_error = match["why"]
        elif match := re.search(LOADING, line.text):
            self.loading[match["model"]] = None
        elif match := re.search(LOADED, line.text):
            self.loading.pop(match["model"], None)
            self.ready[match["model"]] = None
        elif match := re.search(NO_STUB, line.text):
            # Triton then waits for the stub, for ever.
            self.hopeless[match["model"]] = match["why"]
        elif line.level == "E" and (match := _failure(line.text)):
            self._fail(match["model"], match["why"])

    def _fail(self, model: str, why: str) -> None:
        self.loading.pop(model, None)
        if "failed to read text proto" in why and self._parse_error:
            why = f"config.pbtxt:{self._parse_error}"
            self._parse_error = ""
        self.failed.setdefault(model, why)


def _failure(text: str) -> re.Match[str] | None:
    return next(filter(None, (re.search(pattern, text) for pattern in FAILED)), None)


class LogReader:
    """Reads whole lines of a growing log, from its beginning."""

    def __init__(self, path: Path) -> None:
        self._text = GrowingText(path)

    def new_lines(self) -> list[Line]:
        """Return the lines that were completed since the last call."""
        return [parse(line) for line in self._text.new_lines()]


def parse(text: str) -> Line:
    """Take a line apart; newer servers write messages quoted, with escapes."""
    match = re.match(RECORD, text)
    if match is None:
        return Line(raw=text, level="I", text=text)
    message = match["text"].strip()
    if len(message) > 1 and message[0] == message[-1] == '"':
        message = re.sub(r'\\[nt"\\]', lambda found: ESCAPES[found[0]], message[1:-1])
    return Line(raw=text, level=match["level"], text=message)


def text_of(path: Path) -> str:
    """Return a whole log; empty if there is none."""
    return path.read_text("utf-8", "replace") if path.exists() else ""


def last_lines(path: Path, count: int = 20) -> tuple[str, ...]:
    """Return the last lines of a log that say something: no harmless errors, no tables."""
    return tuple(telling(text_of(path).splitlines()))[-count:]


def telling(lines: list[str]) -> Iterator[str]:
    """Yield the lines that say more than that the server has started somewhere without a GPU."""
    for line in lines:
        if line.strip() and line[0] not in "+|" and not re.search(HARMLESS, line):
            yield line
