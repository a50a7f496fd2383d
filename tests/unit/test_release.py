"""The table of releases."""

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.records.release import features, releases


def test_releases_are_in_order_and_known_limits_only_grow():
    rows = list(releases().values())
    assert [row.tag for row in rows] == sorted(row.tag for row in rows)
    limits = [(row.onnx_ir, row.onnx_opset) for row in rows if row.onnxruntime]
    assert limits == sorted(limits)
    assert all(row.onnx_ir is None for row in rows if not row.onnxruntime)


def test_limits_are_those_of_the_onnxruntime_in_the_release():
    assert (releases()["24.10"].onnx_ir, releases()["24.10"].onnx_opset) == (10, 21)
    assert releases()["26.10"].onnx_opset is None


SINCE_25_05 = "Triton has it since 25.05"


@pytest.mark.parametrize(
    ("tag", "field", "lacks"),
    [
        ("24.10", "model_metrics", "Triton has it since 24.11"),
        ("24.10", "model_metrics.metric_control", "Triton has it since 24.11"),
        ("24.11", "model_metrics", None),
        ("24.10", "model_metrics_of_mine", None),
        ("25.10", "ensemble_scheduling.max_inflight_requests", "Triton has it since 25.11"),
        ("25.02", "backend:tensorflow", None),
        ("25.03", "backend:tensorflow", "Triton 25.02 was the last to have it"),
        ("26.02", "platform:torch_aoti", "Triton has it since 26.03"),
        ("23.12", "runtime", "Triton has it since 24.01"),
        ("24.07", "input.is_non_linear_format_io", "Triton has it since 24.08"),
        ("24.07", "input.is_shape_tensor", None),
        ("26.05", "kind:tensorrt.KIND_MODEL", "Triton has it since 26.06"),
        ("25.04", "parameter:tensorrt.execution_context_allocation_strategy", SINCE_25_05),
        ("26.03", "flag:allow-client-shm", "Triton has it since 26.04"),
        ("24.10", "flag:metrics-config.histogram_latencies", "Triton has it since 24.11"),
        ("24.10", "flag:metrics-config", None),
        ("24.10", "metric:nv_model_load_duration_secs", "Triton has it since 24.11"),
    ],
)
def test_a_release_says_what_it_lacks(tag, field, lacks):
    assert releases()[tag].lacks(field) == lacks


def test_every_feature_names_something_and_lies_within_the_releases():
    known = releases()
    for feature in features():
        assert feature.since or feature.until
        assert {feature.since, feature.until} - {None} <= set(known), feature.field
        assert feature.since != min(known), "what all of them have is not listed"
        if ":" not in feature.field:
            message = ModelConfig.DESCRIPTOR
            for name in feature.field.split("."):
                assert name in message.fields_by_name, feature.field
                message = message.fields_by_name[name].message_type


def test_no_feature_is_listed_twice():
    fields = [feature.field for feature in features()]
    assert len(fields) == len(set(fields))
