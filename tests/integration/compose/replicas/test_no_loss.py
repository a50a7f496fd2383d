"""Requests go on while replicas die, come and change: every one is answered."""

import time

from tests.integration.compose.measured import measured
from tests.integration.compose.project import Project, kill
from tests.integration.compose.traffic import traffic

RATE = 200
"""Requests a second, half of them over gRPC."""
SECONDS = 60
WAIT_S = 60


def test_no_request_is_lost_while_a_replica_is_killed_one_is_added_and_all_are_rolled(
    replicas: Project,
) -> None:
    addresses = (replicas.address("gateway", 8000), replicas.address("gateway", 8001))
    with traffic(addresses, "grow", RATE) as counts:
        began = time.monotonic()
        time.sleep(5)
        victim = replicas.containers("triton")[0]
        kill(victim)
        wait_for_restart(replicas, victim)
        replicas.up("--no-recreate", "--scale", "triton=3")
        time.sleep(max(0, SECONDS - (time.monotonic() - began)))
    measured(
        f"replicas: {counts.sent} requests at {RATE}/s, {len(counts.lost)} lost, "
        f"slowest {counts.slowest_s:.2f} s; one replica killed, one added"
    )
    assert counts.lost == []
    assert counts.answered == counts.sent >= 10_000
    assert set(counts.grown) == {1}


def wait_for_restart(project: Project, victim: dict) -> None:
    """Wait until Docker has started the killed container again and it is healthy."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        (found,) = (each for each in project.containers("triton") if each["Id"] == victim["Id"])
        state = found["State"]
        if (
            found["RestartCount"] > victim["RestartCount"]
            and state["Health"]["Status"] == "healthy"
        ):
            return
        time.sleep(0.5)
    raise AssertionError(f"not restarted within {WAIT_S} s: {state}")
