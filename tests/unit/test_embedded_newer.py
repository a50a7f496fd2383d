"""What the 24.10 engine lacks is found in a plan, and can be left out."""

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.parts.engines.embedded.newer import Newer, newer_things, without
from tritongen.records.facts import Facts
from tritongen.records.plan import Plan, PlannedModel
from tritongen.records.release import releases
from tritongen.records.spec import Server, Spec

METRICS = """
model_metrics { metric_control {
  metric_identifier { family: "nv_inference_first_response_histogram_ms" }
  histogram_options { buckets: [ 1, 2 ] }
} }
"""
ENGINE = releases()["24.10"]


def plan(**configs: str) -> Plan:
    return Plan(
        name="x",
        release=releases()["26.01"],
        models={
            name: PlannedModel(
                name=name,
                kind="model",
                config=text_format.Parse(f'name: "{name}" {text}', ModelConfig()),
                content={},
                path=("models", name),
            )
            for name, text in configs.items()
        },
        wires=(),
        server=Server(),
        auto_complete=False,
        decisions=(),
        spec=Spec(name="x"),
        facts=Facts(),
    )


def test_a_plan_of_a_newer_release_that_uses_nothing_newer_is_fine() -> None:
    assert newer_things(plan(m='backend: "python"'), ENGINE) == []


def test_newer_fields_are_named_once_each() -> None:
    ensemble = 'platform: "ensemble" ensemble_scheduling { max_inflight_requests: 3 }'
    assert newer_things(plan(m=METRICS, e=ensemble), ENGINE) == [
        Newer(model="m", field="model_metrics", why="Triton has it since 24.11"),
        Newer(
            model="e",
            field="ensemble_scheduling.max_inflight_requests",
            why="Triton has it since 25.11",
        ),
    ]


def test_without_them_the_rest_stays_and_the_plan_given_too() -> None:
    before = plan(m='backend: "python"' + METRICS, other="max_batch_size: 2")
    after = without(before, newer_things(before, ENGINE), ENGINE)
    assert after.release == ENGINE
    assert newer_things(after, ENGINE) == []
    assert after.models["m"].config.backend == "python"
    assert after.models["other"] == before.models["other"]
    assert before.models["m"].config.HasField("model_metrics")
