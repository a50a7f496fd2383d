"""What a stack becomes: each value that nobody said, and why."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.compose.stacks import MODELS, planned

from tritongen.records.facts import FileFacts
from tritongen.records.plan import Plan
from tritongen.records.stack import PlannedStack
from tritongen.stages.load import load
from tritongen.stages.resolve import resolve

MiB = 1 << 20


def stack_of(plan: Plan) -> PlannedStack:
    assert plan.stack is not None
    return plan.stack


def step(dims: str, count: int = 1, rows: int = 4) -> dict[str, Any]:
    return {
        "python": "s.py:run",
        "input": {"x": dims},
        "output": {"y": "FP32[1]"},
        "max_batch_size": rows,
        "instance_group": {"kind": "cpu", "count": count},
    }


def test_a_spec_without_a_stack_plans_none_and_decides_nothing_for_it(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert plan.stack is None
    assert [d for d in plan.decisions if d.path[0] == "stack"] == []


def test_every_decision_has_a_reason(tmp_path: Path) -> None:
    plan = planned(tmp_path, stack={})
    chosen = {d.path: d for d in plan.decisions if d.path[0] == "stack"}
    assert {"shm_size", "start_period", "stop_grace_period"} < {str(path[1]) for path in chosen}
    assert all(decision.why for decision in chosen.values())


@pytest.mark.parametrize(
    ("entry", "expected_mib"),
    [
        # Small: what Docker gives anyway.
        (step("FP32[16]"), 64),
        # 40 MB tensors, one row a batch: 1 MiB and twice the tensor.
        (step("FP32[10000000]", rows=1), 128),
        (step("FP32[10000000]", rows=8), 640),
        (step("FP32[10000000]", count=3, rows=1), 256),
        # Of unknown size: the largest request that the gateway lets through, there and back.
        (step("BYTES[1]"), 192),
        (step("BYTES[1]", count=2), 320),
    ],
)
def test_shared_memory_holds_what_python_models_exchange(
    tmp_path: Path, entry: dict[str, Any], expected_mib: int
) -> None:
    plan = planned(tmp_path, models={"s": entry}, stack={})
    assert stack_of(plan).shm_bytes == expected_mib * MiB


def test_shared_memory_follows_the_largest_request(tmp_path: Path) -> None:
    said = {"gateway": {"haproxy": {"max_request_size": "256MiB"}}}
    plan = planned(tmp_path, models={"s": step("BYTES[1]")}, stack=said)
    assert stack_of(plan).shm_bytes == 576 * MiB


def test_frameworks_of_many_processes_get_a_gibibyte(tmp_path: Path) -> None:
    models = {"m": {"source": "m.pt", "input": {"x": "FP32[1]"}, "output": {"y": "FP32[1]"}}}
    files = {"m": {"backend": "pytorch", "file": "model.pt"}}
    plan = planned(tmp_path, models=models, stack={}, case={"files": files})
    assert stack_of(plan).shm_bytes == 1024 * MiB


def test_memory_and_start_grow_with_the_weights(tmp_path: Path) -> None:
    plan = planned(tmp_path, models={"m": "m.onnx"}, stack={})
    facts = plan.facts.models["m"][1]
    weights = FileFacts(source="m.onnx", sha256="0" * 64, size_bytes=2000 * MiB)
    heavy = replace(facts, files={"model.onnx": weights})
    grown = resolve(
        load([tmp_path / "spec.yaml"], {}), replace(plan.facts, models={"m": {1: heavy}})
    )
    light, large = stack_of(plan), stack_of(grown)
    # Two instances are Triton's default for ONNX on a CPU; each holds its weights three times.
    assert light.memory_bytes["triton"] == 2560 * MiB
    assert large.memory_bytes["triton"] == 14336 * MiB  # 2 GiB + 64 MiB + 12,000 MiB, rounded up
    assert (light.start_period_s, large.start_period_s) == (70, 100)


def test_a_limit_that_is_said_wins(tmp_path: Path) -> None:
    plan = planned(tmp_path, stack={"memory": "6GiB", "cpus": {"triton": 2, "gateway": 0.5}})
    assert stack_of(plan).memory_bytes["triton"] == 6144 * MiB
    assert stack_of(plan).cpus == {"triton": 2.0, "gateway": 0.5}
    (told,) = (d for d in plan.decisions if d.path == ("stack", "memory", "triton"))
    assert (told.value, told.source) == ("6144MiB", "spec")


@pytest.mark.parametrize(
    ("backend", "file", "image"),
    [
        ("onnxruntime", "model.onnx", "nvcr.io/nvidia/tritonserver:25.06-py3"),
        ("vllm", "model.json", "nvcr.io/nvidia/tritonserver:25.06-vllm-python-py3"),
        ("tensorrtllm", "config.json", "nvcr.io/nvidia/tritonserver:25.06-trtllm-python-py3"),
        ("ours", "model.bin", "nvcr.io/nvidia/tritonserver:25.06-py3"),
    ],
)
def test_the_image_is_the_release_s_that_holds_the_backends(
    tmp_path: Path, backend: str, file: str, image: str
) -> None:
    model = {
        "source": "m",
        "backend": backend,
        "input": {"x": "FP32[1]"},
        "output": {"y": "FP32[1]"},
    }
    plan = planned(
        tmp_path,
        triton="25.06",
        models={"m": model},
        stack={"gpus": "all"},
        case={"files": {"m": {"backend": backend, "file": file}}},
    )
    assert stack_of(plan).images["triton"] == image


def test_an_image_that_is_said_is_taken_with_its_digest(tmp_path: Path) -> None:
    pinned = f"nvcr.io/nvidia/tritonserver:24.10-py3@sha256:{'ab' * 32}"
    plan = planned(tmp_path, stack={"images": {"triton": pinned, "redis": "redis:7"}})
    assert stack_of(plan).images["triton"] == pinned
    # Not said is never pinned: nobody here knows a digest.
    others = {image for name, image in stack_of(plan).images.items() if name != "triton"}
    assert not any("@" in image for image in others)


def test_only_images_of_services_that_there_are_are_planned(tmp_path: Path) -> None:
    alone = planned(tmp_path, stack={"gateway": "none"})
    assert {"gateway", "redis", "jaeger", "otel-collector"} & set(stack_of(alone).images) == set()
    full = planned(tmp_path, stack={"tracing": {}}, server={"response_cache": {"redis": "true"}})
    assert {"gateway", "redis", "jaeger", "otel-collector"} <= set(stack_of(full).images)


def test_triton_ends_before_docker_kills_it(tmp_path: Path) -> None:
    for release in ("23.12", "24.10", "25.06", "26.10"):
        stack = stack_of(planned(tmp_path, triton=release, stack={}))
        assert stack.exit_timeout_s < stack.stop_grace_s
        age = stack.server.grpc_max_connection_age
        if "24.01" <= release < "25.05":
            # Such a release waits for open streams, however long they last: they have to be cut.
            assert age is not None
            cut = (1.1 * age + (stack.server.grpc_max_connection_age_grace or 0)) / 1000
            assert cut < stack.stop_grace_s
        else:
            assert age is None


def test_streams_of_models_that_answer_many_times_may_last_longer(tmp_path: Path) -> None:
    policy = {"model_transaction_policy": {"decoupled": "true"}}
    plain = stack_of(planned(tmp_path, stack={}))
    many = stack_of(planned(tmp_path, models={"m": {"source": "m.onnx", **policy}}, stack={}))
    assert (many.server.grpc_max_connection_age or 0) > (plain.server.grpc_max_connection_age or 0)
    assert many.stop_grace_s > plain.stop_grace_s


def test_what_the_spec_says_to_its_server_wins_over_the_stack(tmp_path: Path) -> None:
    said = {"exit_timeout_secs": 40, "log_format": "default", "http_port": 9000}
    stack = stack_of(planned(tmp_path, server=said, stack={}))
    assert (stack.exit_timeout_s, stack.server.log_format) == (40, "default")
    assert stack.stop_grace_s == 58  # by the longest stream; 40 s and a margin are less
    assert stack.server.http_port is None  # inside, ports are always the same


def test_memory_is_pinned_only_for_gpus(tmp_path: Path) -> None:
    assert stack_of(planned(tmp_path, stack={})).server.pinned_memory_pool_byte_size == 0
    on_gpu = stack_of(planned(tmp_path, stack={"gpus": [0]}))
    assert on_gpu.server.pinned_memory_pool_byte_size is None
    assert on_gpu.gpus == (0,)


def test_triton_takes_no_larger_requests_than_the_gateway_where_it_can_be_told(
    tmp_path: Path,
) -> None:
    old = stack_of(planned(tmp_path, triton="25.05", stack={}))
    new = stack_of(planned(tmp_path, triton="25.06", stack={}))
    assert old.server.http_max_input_size is None
    assert new.server.http_max_input_size == 64 * MiB


@pytest.mark.parametrize(
    ("name", "project"), [("filetype", "filetype"), ("My.Stack_1", "my-stack_1"), ("A", "a")]
)
def test_docker_gets_a_name_that_it_takes(tmp_path: Path, name: str, project: str) -> None:
    assert stack_of(planned(tmp_path, name=name, stack={})).project == project


def test_a_redis_elsewhere_is_not_started_here(tmp_path: Path) -> None:
    here = planned(tmp_path, server={"response_cache": {"redis": {}}}, stack={})
    elsewhere = {"response_cache": {"redis": {"host": "cache.example"}}}
    assert stack_of(here).redis
    assert not stack_of(planned(tmp_path, server=elsewhere, stack={})).redis
    assert not stack_of(planned(tmp_path, stack={})).redis


def test_requirements_of_all_steps_go_into_one_list(tmp_path: Path) -> None:
    one = {**MODELS["s"], "requirements": ["six==1.16", "pillow==11.0"]}
    two = {**MODELS["s"], "requirements": ["pillow==11.0"]}
    stack = stack_of(planned(tmp_path, models={"a": one, "b": two}, stack={}))
    assert stack.requirements == ("six==1.16", "pillow==11.0")
    assert not stack.hashed
