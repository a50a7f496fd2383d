"""Two more tabs on Locust's page: a table of the server's models, and charts of them.

The table is one of Locust's own extended tables. Its tabs may name an element of the page instead
of a table: the charts are an element of ours, which draws anew what `Page.charts` returns.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol
from urllib.parse import urlsplit

import gevent
import load_charts
from flask import Blueprint, Response, request
from load_scenario import Scenario
from load_statistics import TIMES, Counted, Models, SilenceError, Statistics

EVERY_S = 1.0
KEPT = 300
"""Seconds that the charts show."""

MODELS, CHARTS = "triton-models", "triton-charts"
COLUMNS = {
    "name": "Model",
    "rate": "Requests/s",
    "queue": "Queue ms",
    "compute_input": "Input ms",
    "compute_infer": "Compute ms",
    "compute_output": "Output ms",
    "mean_batch": "Mean batch",
    "executions": "Executions/s",
    "requests": "# Requests",
    "failed": "# Failed",
}

# What Locust's form asks for is the scenario's to say; only which scenario is asked, at once.
FORM = """
form :is(.MuiFormControl-root, .MuiAccordion-root):has(> * [name=userCount], > * [name=spawnRate],
  > * [name=host], [name=runTime]),
form .MuiAccordion-root:has([name=loadtest]) > .MuiAccordion-heading { display: none }
form .MuiAccordion-root:has([name=loadtest]) { box-shadow: none; background: none }
form .MuiCollapse-root:has([name=loadtest]) { height: auto; visibility: visible }
"""

SCRIPT = """
customElements.define("triton-charts", class extends HTMLElement {
  connectedCallback() { this.draw(); this.timer = setInterval(() => this.draw(), 2000); }
  disconnectedCallback() { clearInterval(this.timer); }
  async draw() {
    const answer = await fetch("triton/charts").catch(() => null);
    if (answer && answer.ok) this.innerHTML = await answer.text();
  }
});
"""


@dataclass(frozen=True)
class Moment:
    """What each model did in so many seconds, about one."""

    seconds: float
    models: Mapping[str, Counted]

    def of(self, name: str) -> Counted:
        """Return what a model did."""
        return self.models.get(name, Counted())


class Watched:
    """What is known of the server: what its models did lately, moment by moment, and in all."""

    def __init__(self, statistics: Statistics) -> None:
        """Begin to watch now."""
        self.statistics = statistics
        self.silence = ""
        self.moments: deque[Moment] = deque(maxlen=KEPT)
        self.at = 0.0
        self.first: Mapping[str, Models] | None = None
        self.last: Mapping[str, Models] = {}

    def follow(self) -> None:
        """Look once a second, as long as the page is there."""
        while True:
            self.look()
            gevent.sleep(EVERY_S)

    def look(self) -> None:
        """Ask the server; where it is silent nothing is added."""
        try:
            now = self.statistics.ask()
        except SilenceError as error:
            self.silence = str(error)
            return
        self.silence = ""
        at = time.monotonic()
        if self.first is None:
            self.first = now
        else:
            self.moments.append(Moment(at - self.at, _grown(self.last, now)))
        # A server that was silent may answer again.
        self.last, self.at = {**self.last, **now}, at

    def begin(self, **_: Any) -> None:
        """Count from now: a run begins."""
        self.first = self.last or None

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table: what models do now, and since the run began."""
        # Single moments jump.
        lately = list(self.moments)[-5:]
        seconds = sum(moment.seconds for moment in lately) or 1.0
        for name, whole in self.whole().items():
            recent = Counted()
            for moment in lately:
                recent = recent.plus(moment.of(name))
            yield {
                "name": name,
                "rate": _digits(recent.requests / seconds),
                **{part: _digits(recent.milliseconds(part)) for part in TIMES},
                "mean_batch": _digits(recent.rows / recent.executions) if recent.executions else 0,
                "executions": _digits(recent.executions / seconds),
                "requests": whole.requests,
                "failed": whole.failed,
            }

    def whole(self) -> dict[str, Counted]:
        """Return what each model did since the run began."""
        return _grown(self.first or {}, self.last)


def _grown(before: Mapping[str, Models], now: Mapping[str, Models]) -> dict[str, Counted]:
    """Add up what each server's models did in between."""
    models: dict[str, Counted] = {}
    for server, counts in now.items():
        known = before.get(server, {})
        for name, count in counts.items():
            grown = count.since(known.get(name, Counted()))
            models[name] = models.get(name, Counted()).plus(grown)
    return dict(sorted(models.items()))


def _digits(value: float) -> float:
    return round(value, 1 if value >= 10 else 3)


class Leads(Protocol):
    """The part of the leader that the page shows."""

    @property
    def scenario(self) -> Scenario:
        """Return what was chosen last."""

    @property
    def results(self) -> Mapping[str, Any] | None:
        """Return the last run's ``results.json``."""

    def told(self) -> str:
        """Return Prometheus' text."""

    def why_not(self) -> str:
        """Say why no load test can be started now."""


def extend(environment: Any, leader: Leads, statistics_address: str) -> None:
    """Add the tabs to Locust's page, and keep watching the server."""
    watched = Watched(Statistics(leader.scenario, statistics_address))
    Page(environment, watched, leader)
    environment.host = leader.scenario.address
    environment.events.test_start.add_listener(watched.begin)
    gevent.spawn(watched.follow)


class Page:
    """The tabs on Locust's page, and what they ask for."""

    def __init__(self, environment: Any, watched: Watched, leader: Leads) -> None:
        """Add the tabs to the page of Locust's environment, which is not yet served."""
        self.watched, self.leader, web_ui = watched, leader, environment.web_ui
        tabs = [
            {"key": MODELS, "title": "Triton models"},
            {"key": CHARTS, "title": "Triton charts", "component": CHARTS},
        ]
        structure = [{"key": key, "title": title} for key, title in COLUMNS.items()]
        web_ui.template_args["extended_tabs"] = tabs
        web_ui.template_args["extended_tables"] = [{"key": MODELS, "structure": structure}]
        base = environment.parsed_options.web_base_path or ""
        routes = Blueprint("triton", __name__, url_prefix=base or None)
        guard = web_ui.auth_required_if_enabled
        for path, name, view in (
            ("/triton/charts", "charts", self.charts),
            ("/triton/charts.js", "script", self.script),
            ("/triton/results.json", "results", self.results),
            ("/tritongen/metrics", "metrics", self.metrics),
        ):
            routes.add_url_rule(path, name, guard(view))
        web_ui.app.register_blueprint(routes)
        web_ui.app.before_request(self.refuse)
        web_ui.app.after_request(self.extend)

    def refuse(self) -> Response | None:
        """Refuse what another site's page sends, and a start that Locust would only call one."""
        origin = request.headers.get("Origin")
        if request.method == "POST" and origin and urlsplit(origin).netloc != request.host:
            return Response(f"not from {escape(origin)}", 403, mimetype="text/plain")
        if request.endpoint == "locust.swarm" and (why := self.leader.why_not()):
            said = json.dumps({"success": False, "message": why})
            return Response(said, mimetype="application/json")
        return None

    def extend(self, response: Response) -> Response:
        """Add the rows to what the page asks for every two seconds, and the element to the page."""
        if request.endpoint == "locust.request_stats" and response.is_json:
            rows = list(self.watched.rows())
            said = {**response.get_json(), "extended_stats": [{"key": MODELS, "data": rows}]}
            response.set_data(json.dumps(said))
        elif request.endpoint == "locust.index" and response.mimetype == "text/html":
            element = f'<style>{FORM}</style><script type="module" src="triton/charts.js"></script>'
            page = response.get_data(as_text=True).replace("</head>", f"{element}</head>", 1)
            response.set_data(page)
        return response

    def metrics(self) -> Response:
        """Return what Prometheus scrapes."""
        return Response(self.leader.told(), content_type="text/plain; version=0.0.4; charset=utf-8")

    def results(self) -> Response:
        """Return the last run's results."""
        if self.leader.results is None:
            return Response("no load test has ended yet\n", 404, mimetype="text/plain")
        return Response(json.dumps(self.leader.results, indent=1), mimetype="application/json")

    def script(self) -> Response:
        """Return what defines the element."""
        return Response(SCRIPT, mimetype="text/javascript")

    def charts(self) -> Response:
        """Return the inside of the element."""
        return Response("".join(self._charts()), mimetype="text/html")

    def _charts(self) -> Iterator[str]:
        watched = self.watched
        yield f"<style>{load_charts.STYLE}</style>"
        if self.leader.results is not None:
            yield '<p><a href="triton/results.json">Results of the last load test</a></p>'
        if watched.silence:
            yield f"<p>The server tells no statistics: {escape(watched.silence)}</p>"
        for name, whole in watched.whole().items():
            if whole.requests or whole.failed:
                yield f'<h3>{escape(name)}</h3><div class="row">'
                yield _rate(name, watched.moments)
                yield _times(name, watched.moments)
                yield load_charts.columns("Batch sizes of this run", "rows", whole.batches)
                yield "</div>"


def _rate(name: str, moments: Iterable[Moment]) -> str:
    rates = {"requests": [each.of(name).requests / each.seconds for each in moments]}
    return load_charts.lines("Requests", "/s", rates, EVERY_S)


def _times(name: str, moments: Iterable[Moment]) -> str:
    times = {
        said: [each.of(name).milliseconds(part) for each in moments]
        for said, part in zip(("queue", "input", "compute", "output"), TIMES, strict=True)
    }
    return load_charts.lines("Time per request", "ms", times, EVERY_S)
