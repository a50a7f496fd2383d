"""The page of a load test: complete, self-contained, safe and readable."""

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from tritongen.records.measurement import Failures, Measurement, Verdict
from tritongen.stages.report import render_report
from tritongen.stages.report.series import MOST, spans

VOID = {"meta", "br"}
EVIL = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"


class Page(HTMLParser):
    """The elements of a page in order; fails where one is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text.append(data)

    def says(self) -> str:
        return " ".join(" ".join(self.text).split())

    def charts(self) -> list[str]:
        return [each["aria-label"] or "" for tag, each in self.elements if tag == "svg"]


def test_the_page_says_what_was_measured(missed: Measurement) -> None:
    said = Page(render_report(missed)).says()
    for text in (
        "Missed 1 of 4 objectives missed.",
        "69.7/s",
        "p50 ≤ 60 ms 35.1 ms 58.5% met",
        "p99 ≤ 250 ms 364 ms all of it missed",
        "throughput ≥ 60/s 69.7/s 86.1% met",
        "What limits it Nothing limits at 70/s: classifier, the busiest step, is 65% busy",
        "Not trustworthy. The load generator woke up 9.6 ms late",
        "from due what callers waited 35.1 ms",
        "from sent what the server and the network took 33.1 ms",
        "generator's lag how late it woke up 7 µs",
        "locust 2.47.0",
    ):
        assert text in said


def test_the_page_has_all_charts_each_with_words_for_those_who_do_not_see_it(
    measured: Measurement,
) -> None:
    charts = Page(render_report(measured)).charts()
    assert [text.split(".")[0] for text in charts] == [
        "Throughput",
        "Latency",
        "Failures",
        "In flight",
        "Percentiles",
        "Histogram",
        "Batch sizes of features",
        "Batch sizes of classifier",
        "Batch sizes of verdict",
    ]


def test_the_page_asks_for_nothing_and_runs_nothing(measured: Measurement) -> None:
    text = render_report(measured)
    for tag, attributes in Page(text).elements:
        assert tag not in {"script", "link", "img", "iframe", "object", "base", "form"}
        assert not {"src", "href", "xlink:href", "srcset"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"url\(|@import|https?:", text)


def _everywhere(value: Any, key: str = "") -> Any:
    """Put evil text into everything that a user or a server may have said."""
    if isinstance(value, dict):
        return {name: _everywhere(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_everywhere(each, key) for each in value]
    return EVIL if isinstance(value, str) and key != "histogram" else value


def test_nothing_that_others_wrote_becomes_part_of_the_page(measured: Measurement) -> None:
    assert measured.server is not None
    assert measured.bottleneck is not None
    models = tuple(
        replace(model, name=f"{model.name} {EVIL}", steps=tuple(f"{s} {EVIL}" for s in model.steps))
        for model in measured.server.models
    )
    steps = tuple(replace(s, model=f"{s.model} {EVIL}") for s in measured.bottleneck.steps)
    failure = Failures(kind=EVIL, code=EVIL, message=EVIL, count=1)
    text = render_report(
        replace(
            measured,
            load=replace(measured.load, name=EVIL, models={f"filetype {EVIL}": 1.0}, arrivals=EVIL),
            total=replace(measured.total, failures=(failure,)),
            requests={EVIL: measured.total, f"{EVIL}2": measured.total},
            server=replace(measured.server, models=models, source=EVIL),
            bottleneck=replace(measured.bottleneck, sentence=EVIL, steps=steps),
            verdicts=(replace(measured.verdicts[0], requests=EVIL),),
            distrust=(EVIL,),
            partial=EVIL,
            started_at=EVIL,
            environment={EVIL: EVIL},
            client=_everywhere(deepcopy(dict(measured.client))),
        )
    )
    page = Page(text)
    names = {tag for tag, _ in page.elements}
    assert "script" not in names
    assert names == {tag for tag, _ in Page(render_report(measured)).elements}
    assert page.says().count("alert(1)") > 25
    assert "{{ 7 * 7 }}" in page.says()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdicts": (), "distrust": ()}, "Measured There were no objectives"),
        ({"verdicts": (), "partial": "interrupted"}, "Partial The run ended early: interrupted."),
        ({"verdicts": ()}, "Not trustworthy The load generator could not do its part."),
        ({"server": None, "bottleneck": None}, "The server's counters were not read in this run."),
        ({"requests": {}, "client": {}}, "Missed 1 of 4"),
    ],
)
def test_what_is_missing_is_said_or_left_out(
    missed: Measurement, change: dict[str, Any], said: str
) -> None:
    assert said in Page(render_report(replace(missed, **change))).says()


def test_objectives_that_are_kept_are_met(measured: Measurement) -> None:
    said = Page(render_report(measured)).says()
    assert "Met All 3 objectives were met." in said
    assert "missed" not in said


def test_a_run_without_any_answer_has_a_page(measured: Measurement) -> None:
    client = deepcopy(dict(measured.client))
    for figures in (client["total"], *client["requests"].values()):
        figures |= {"latency_us": None, "service_us": None, "answered": 0, "failed": 9}
    for second in client["seconds"]:
        second |= {"answered": 0, "p50_us": None, "p95_us": None, "p99_us": None}
    nothing = replace(
        measured.total, answered=0, failed=9, latency=None, service=None, rate_ci_rps=None
    )
    verdict = Verdict(requests="all", metric="p99_ms", limit=50.0, found=None, kept=False)
    page = Page(render_report(replace(measured, total=nothing, client=client, verdicts=(verdict,))))
    assert "nothing was answered" in page.says()
    assert "p99 ≤ 50 ms no answer" in page.says()
    assert "Histogram" not in " ".join(page.charts())


def test_a_closed_loop_has_one_latency_and_says_what_it_hides(measured: Measurement) -> None:
    closed = replace(measured.load, users=8, rate_rps=None)
    said = Page(render_report(replace(measured, load=closed))).says()
    assert "requests that a stall kept from being sent are not seen here" in said
    assert "sent late" not in said


def _line(second: int) -> dict[str, Any]:
    numbers = {"offered": 10, "answered": 10, "failed": 0, "in_flight": second % 7}
    return {"second": second, **numbers, "p50_us": 1000, "p95_us": 2000, "p99_us": second % 600}


def test_an_hour_is_gathered_into_spans_that_keep_rates_and_the_worst() -> None:
    told = spans({"seconds": [_line(second) for second in range(-30, 3600)]})
    assert len(told) <= MOST + 1
    assert [span.begin_s for span in told[:3]] == [-30, -25, 0]
    assert {span.length_s for span in told[1:]} == {25}
    assert all(span.answered == 10 for span in told)
    assert max(span.p99 or 0 for span in told) == 0.599


# ---- colours ----


def _colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w[\w-]*): (#\w+)", css))


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(params=["light", "dark", "print"])
def colours(request: pytest.FixtureRequest, measured: Measurement) -> dict[str, str]:
    text = render_report(measured)
    light, dark, paper = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    found: dict[str, Callable[[], dict[str, str]]] = {
        "light": lambda: _colours(light),
        "dark": lambda: _colours(light) | _colours(dark),
        "print": lambda: _colours(dark) | _colours(paper),
    }
    return found[request.param]()


@pytest.mark.parametrize(
    ("text", "back"),
    [
        *((each, "card") for each in ("ink", "soft", "good", "bad", "low", "middle", "high")),
        *((each, "page") for each in ("ink", "soft")),
        *((each, f"{each}-back") for each in ("good", "bad", "warn")),
        ("fourth", "card"),
        ("ink", "warn-back"),
        ("soft", "shade"),
    ],
)
def test_text_can_be_read_in_every_scheme(colours: dict[str, str], text: str, back: str) -> None:
    """WCAG 2.2, level AA."""
    assert _contrast(colours[text], colours[back]) >= 4.5
