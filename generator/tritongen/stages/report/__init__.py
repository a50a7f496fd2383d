"""What a load test measured becomes a page for people: one HTML file that needs nothing else."""

from importlib.resources import files

from tritongen import __version__
from tritongen.records.measurement import Measurement
from tritongen.records.study import Study
from tritongen.stages.report import axis, pictures, standing, study, view

__all__ = ["render_report", "render_study", "standing"]


def render_report(measurement: Measurement) -> str:
    """Return the text of an HTML page.

    It asks for no other file, has no script, and shows what the measurement has: the charts over
    time need ``client``, those of the server's side ``server``. All text is escaped.

    Raises:
        ValueError: a histogram in ``client`` can't be read.
    """
    return _rendered(
        "page.html",
        measurement=measurement,
        headline=view.headline(measurement),
        tiles=view.tiles(measurement),
        objectives=[view.objective(verdict) for verdict in measurement.verdicts],
        notes=list(view.notes(measurement)),
        latencies=list(view.latencies(measurement)),
        seconds=view.seconds(measurement),
        requests=measurement.requests if len(measurement.requests) > 1 else {},
        stations=list(view.stations(measurement)),
        facts=list(view.facts(measurement)),
        environment=view.environment(measurement),
        over_time=list(pictures.over_time(measurement)),
        distribution=list(pictures.distribution(measurement)),
        batches=list(pictures.batches(measurement)),
    )


def render_study(found: Study) -> str:
    """Return the text of an HTML page of a search: as self-contained, and as escaped."""
    return _rendered("study.html", **study.shown(found))


def _rendered(name: str, **shown: object) -> str:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    def text(name: str) -> str:
        return files(__name__).joinpath(name).read_text("utf-8")

    environment = Environment(
        loader=FunctionLoader(text), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(
        number=axis.number,
        rate=axis.rate,
        ms=axis.milliseconds,
        share=axis.share,
        sentence=view.sentence,
    )
    template = environment.get_template(name)
    return template.render(css=text("page.css"), version=__version__, **shown)
