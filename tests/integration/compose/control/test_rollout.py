"""With explicit control a rollout loads models over gRPC, with a key, into running replicas."""

import json

from tests.integration.compose.measured import measured
from tests.integration.compose.project import TRITONGEN, Project
from tests.integration.compose.replicas.test_no_loss import addresses, grow_by
from tests.integration.compose.traffic import traffic


def test_models_are_loaded_and_taken_back_in_replicas_that_go_on(control: Project) -> None:
    before = [each["Id"] for each in control.containers("triton")]
    step = control.folder / "steps" / "grow.py"
    with traffic(addresses(control), "grow", 50) as counts:
        grow_by(control, 2)
        done = json.loads(control.tritongen("rollout", "--json"))
        text = step.read_text()
        step.write_text(f"{text}\n\nraise RuntimeError('it does not even load')\n")
        failed = control.run([TRITONGEN, "rollout"])
        step.write_text(text)
    assert done["renewed"] == 2
    measured(f"control: two replicas loaded the model in {done['seconds']:.1f} s")
    assert failed.returncode == 6, failed.stdout + failed.stderr
    assert "it does not even load" in failed.stderr
    assert counts.lost == []
    assert set(counts.grown) == {1, 2}
    assert [each["Id"] for each in control.containers("triton")] == before
