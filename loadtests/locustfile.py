"""Load tests, as a Locust program: the one of ``scenario.json``, or one that is chosen.

Alone, ``locust -f locustfile.py --headless --only-summary --scenario steady/scenario.json``; with
four processes, ``--processes 4``; over machines, ``--master --expect-workers 4`` and elsewhere
``--worker --master-host``; with Locust's web page, without ``--headless``. Users, rates and times
are the scenario's, so Locust's own options for these are not needed. ``--results FILE`` is written
at the end, ``--live FILE`` once a second (- is the standard output).

Without ``--scenario`` the load test is chosen by ``--loadtest`` or on the page, from the folders
beside this file. ``--http-address`` and ``--grpc-address`` take the place of the scenario's
address; all processes need the same. ``--statistics-address HOST:PORT`` says where the page asks
for the server's statistics (over HTTP, each server that the name stands for). ``--certificate``
names a file (PEM) with the one certificate that is believed over TLS, whichever name it is for;
without it those of this machine, or of ``SSL_CERT_FILE``, have to vouch for the address. All of
these can be said in the environment: ``LOCUST_LOADTEST``, ``LOCUST_HTTP_ADDRESS`` and so on;
``LOCUST_API_KEY`` is sent with each request, as ``Authorization: Bearer``. The page has the last
results at ``triton/results.json``, and text for Prometheus at ``tritongen/metrics``.

Exit codes: 0, results are complete (and may say that they can't be trusted); 2, the scenario can't
be used, or workers differ; 9, results can't be written; 130, the run was ended early and what was
measured is written down as partial. With the page such things are said there, and it goes on.
"""

from __future__ import annotations

import sys
from typing import Any

import load_catalogue
import load_end
import load_ui
from load_leader import Leader
from load_scenario import ScenarioError
from load_sender import Sender
from locust import User, events, task
from locust.runners import MasterRunner, WorkerRunner


def _options(parser: Any) -> None:
    offered = load_catalogue.names(sys.argv)
    parser.add_argument(
        "--scenario", default="", help="what is sent", metavar="FILE", include_in_web_ui=False
    )
    for option, default, what in (
        ("--results", "results.json", "what was measured"),
        ("--live", "", "a line of JSON each second; - prints it"),
        ("--http-address", "", "where scenarios over HTTP are sent instead"),
        ("--grpc-address", "", "where scenarios over gRPC are sent instead"),
        ("--statistics-address", "", "where the page asks for the server's statistics"),
        ("--api-key", "", "a gateway's key: it belongs into the environment"),
        ("--certificate", "", "the one that the server shows over TLS, under whatever name"),
    ):
        parser.add_argument(
            option,
            default=default,
            help=what,
            env_var=f"LOCUST{option[1:].replace('-', '_').upper()}",
            include_in_web_ui=False,
        )
    parser.add_argument(
        "--loadtest",
        default=offered[0] if offered else "",
        choices=offered or None,
        help="its own users, rates and times",
        env_var="LOCUST_LOADTEST",
        include_in_web_ui=bool(offered),
    )


def _init(environment: Any, **_: Any) -> None:
    options, runner = environment.parsed_options, environment.runner
    catalogue = load_catalogue.Catalogue(options, load_catalogue.names(sys.argv))
    versions = load_catalogue.versions()
    try:
        if not isinstance(runner, WorkerRunner):
            leader = Leader(environment, catalogue, versions)
            if environment.web_ui:
                load_ui.extend(environment, leader, options.statistics_address)
        if not isinstance(runner, MasterRunner):
            environment.load = Sender(environment, catalogue, versions)
    except ScenarioError as error:
        load_end.fail(2, str(error))
    environment.events.quit.add_listener(load_end.leave)


events.init_command_line_parser.add_listener(_options)  # type: ignore[no-untyped-call]
events.init.add_listener(_init)  # type: ignore[no-untyped-call]


class TritonUser(User):
    """One of those whose requests can be on their way at once."""

    @task
    def work(self) -> None:
        """Send what is due until the run is over."""
        self.environment.load.work()
