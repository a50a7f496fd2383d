"""Requests go on while replicas die, come and change: every one is answered."""

import time
from typing import Any

from tests.integration.compose.measured import measured, timed
from tests.integration.compose.project import TRITONGEN, Project, kill
from tests.integration.compose.prometheus import until
from tests.integration.compose.replicas.conftest import ask
from tests.integration.compose.traffic import Traffic, traffic

RATE = 200
"""Requests a second, half of them over gRPC."""
SECONDS = 60


def addresses(project: Project) -> tuple[str, str]:
    return project.address("gateway", 8000), project.address("gateway", 8001)


def accounted_for(counts: Traffic, what: str) -> None:
    """Every request that was sent was answered."""
    measured(
        f"replicas: {counts.sent} requests while {what}: {len(counts.lost)} lost, "
        f"the slowest took {counts.slowest_s:.2f} s"
    )
    assert counts.lost == []
    assert counts.answered == counts.sent


def test_no_request_is_lost_while_a_replica_is_killed_one_is_added_and_all_are_rolled(
    replicas: Project,
) -> None:
    with traffic(addresses(replicas), "grow", RATE) as counts:
        began = time.monotonic()
        time.sleep(3)
        victim = replicas.containers("triton")[0]
        kill(victim)
        until(lambda: restarted(replicas, victim), "it was started again")
        replicas.up("--no-recreate", "--scale", "triton=3")
        grow_by(replicas, 2)
        with timed("replicas: rollout of three"):
            replicas.tritongen("rollout")
        time.sleep(max(0, SECONDS - (time.monotonic() - began)))
    accounted_for(counts, f"one replica was killed, one added, three rolled, at {RATE}/s")
    assert counts.sent >= 10_000
    assert set(counts.grown) == {1, 2}
    assert [ask(replicas, 5) for _ in range(6)] == [7] * 6


def restarted(project: Project, victim: dict[str, Any]) -> bool:
    """Return whether Docker has started the killed container again and it is healthy."""
    (found,) = (each for each in project.containers("triton") if each["Id"] == victim["Id"])
    again: bool = found["RestartCount"] > victim["RestartCount"]
    return again and found["State"]["Health"]["Status"] == "healthy"


def grow_by(project: Project, number: int) -> None:
    """Change the model."""
    step = project.folder / "steps" / "grow.py"
    text = step.read_text()
    step.write_text(text.replace("np.int32(1)", f"np.int32({number})"))


def test_a_change_that_fails_is_taken_back_and_no_request_is_lost(replicas: Project) -> None:
    step = replicas.folder / "steps" / "grow.py"
    text = step.read_text()
    before = [each["Id"] for each in replicas.containers("triton")]
    step.write_text(f"{text}\n\nraise RuntimeError('it does not even load')\n")
    try:
        with traffic(addresses(replicas), "grow", RATE / 4) as counts:
            time.sleep(1)
            done = replicas.run([TRITONGEN, "rollout"])
    finally:
        step.write_text(text)
    assert done.returncode == 6, done.stdout + done.stderr
    assert "it does not even load" in done.stderr
    accounted_for(counts, "a rollout failed and was taken back")
    assert set(counts.grown) == {2}
    assert len(replicas.containers("triton")) == len(before)
