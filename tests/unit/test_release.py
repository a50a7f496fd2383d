"""The table of releases."""

import pytest

from tritongen.records.release import releases


def test_releases_are_in_order_and_known_limits_only_grow():
    rows = list(releases().values())
    assert [row.tag for row in rows] == sorted(row.tag for row in rows)
    limits = [(row.onnx_ir, row.onnx_opset) for row in rows if row.onnxruntime]
    assert limits == sorted(limits)
    assert all(row.onnx_ir is None for row in rows if not row.onnxruntime)


def test_limits_are_those_of_the_onnxruntime_in_the_release():
    assert (releases()["24.10"].onnx_ir, releases()["24.10"].onnx_opset) == (10, 21)
    assert releases()["26.10"].onnx_opset is None


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
    ],
)
def test_a_release_says_what_it_lacks(tag, field, lacks):
    assert releases()[tag].lacks(field) == lacks
