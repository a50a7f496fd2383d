"""What the C++ backend of the 24.10 release was seen to do with each case, this backend does too.

``expected.json`` was taken there: all inputs were ones (strings "ab"), two rows where the model
batches. ``runtime`` in the completed configuration differs by nature: here it is ``model.py``.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

HERE = Path(__file__).parent
EXPECTED: dict[str, Any] = json.loads((HERE / "expected.json").read_text("utf-8"))
REFUSED_NAMES = {
    # What the reason must name, so that it is refused for what is wrong with it.
    "a13_backend_wrongfile": "1/model.onnx",
    "b03_backend_wrong_platform": "",
    "b05_backend_onnxruntime_onnx": "'onnxruntime_onnx'",
    "b06_backend_upper": "'OnnxRuntime'",
    "b08_name_mismatch": "",
    "b09_runtime_py": "runtime",
    "c02_wrong_output_name": "unexpected inference output 'yy', allowed outputs are: y",
    "c03_wrong_in_dtype": "datatype TYPE_FP64 for input 'x', model provides TYPE_FP32",
    "c05_wrong_in_dims": "'x': the model expects 2 dimensions (shape [-1,16])",
    "c06_wrong_out_dims": "'y': the model expects 2 dimensions (shape [-1,10])",
    "c08_static_model_mbs8": "shape expected by the model is [1,16]",
    "c09_in_dims_minus1_model_fixed": "'x': the model expects 2 dimensions (shape [-1,16])",
    "c12_out_fixed_model_dyn": "'y': the model expects 2 dimensions (shape [-1,-1])",
    "c14_missing_input": "configuration expects 1 inputs, model provides 2",
    "c17_extra_output": "unexpected inference output 'q'",
    "c21_dup_layout_rank": "specifies 3 dimensions",
    "d02_bf16_noconfig": "'x'",
    "e01_corrupt": "Protobuf parsing failed",
    "e03_nofile": "1/model.onnx",
    "e04_ir12": "IR version: 12",
    "e04_ir13": "IR version: 13",
    "e05_opset22": "opset 22",
    "e05_opset23": "opset 23",
    "e06_version_dir_v1": "at least one version must be available",
    "f02_param_threads_bad": "failed to convert 'abc' to integral number",
    "f04_param_execmode2": "execution_mode are 0 or 1 but got 2",
    "f05_param_mem_arena_bad": "failed to convert 'maybe' to boolean",
    "f07_accel_cpu_bogus": "unknown Execution Accelerator 'xyz' is requested",
    "f10_kind_gpu": "has kind KIND_GPU",
    "f19_seq_batching": "sequence control 'START', but model does not provide that input",
    "f20_unknown_field": "",
    "r02_out_loses_batch": "'y': for the model to support batching",
    "r03_out_wrong_runtime_shape": "'y': for the model to support batching",
    "x05_overridable_required": "configuration expects 2 inputs, model provides 1",
}


@dataclass(frozen=True)
class Seen:
    """What this server did: its replies to load, config and infer."""

    load: httpx.Response
    config: httpx.Response | None = None
    infer: httpx.Response | None = None


@pytest.fixture(scope="module")
def seen(
    start: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Seen]]:
    """All cases on one server, four at a time: a load is mostly waiting."""
    repository = tmp_path_factory.mktemp("cases")
    shutil.copytree(HERE / "cases", repository, dirs_exist_ok=True)
    (repository / "e03_nofile" / "1").mkdir()  # git has no empty folders
    address = f"http://{start(repository).endpoint.http}"
    with httpx.Client(base_url=address, timeout=60) as api, ThreadPoolExecutor(4) as pool:
        yield dict(zip(EXPECTED, pool.map(partial(observe, api), EXPECTED), strict=True))


def observe(api: httpx.Client, case: str) -> Seen:
    load = api.post(f"/v2/repository/models/{case}/load")
    if load.status_code != 200:
        return Seen(load)
    config = api.get(f"/v2/models/{case}/config")
    infer = api.post(f"/v2/models/{case}/infer", json=ones(config.json()))
    api.post(f"/v2/repository/models/{case}/unload")
    return Seen(load, config, infer)


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.parametrize("case", EXPECTED)
def test_a_model_loads_completes_and_answers_as_in_the_container(
    case: str, seen: dict[str, Seen]
) -> None:
    expected, got = EXPECTED[case], seen[case]

    assert got.load.status_code == expected["load"], got.load.text
    if got.config is None or got.infer is None:
        assert REFUSED_NAMES[case] in got.load.json()["error"]
        return
    assert summary(got.config.json(), expected) == {
        key: expected[key] for key in ("config", "dynb", "in", "out", "inst")
    }
    assert got.infer.status_code == expected["infer"], got.infer.text
    assert_outputs(got.infer.json()["outputs"], expected["infer_r"])


def summary(config: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    said = {key: config.get(key, 0) for key in expected["config"]}
    assert said["runtime"] == "model.py"
    return {
        "config": {**said, "runtime": expected["config"]["runtime"]},
        "dynb": "dynamic_batching" in config,
        "in": [[*tensor(item), item["optional"]] for item in config["input"]],
        "out": [tensor(item) for item in config["output"]],
        "inst": [[group["kind"], group["count"]] for group in config["instance_group"]],
    }


def tensor(item: dict[str, Any]) -> list[Any]:
    return [item["name"], item["data_type"], item["dims"], item.get("reshape")]


def ones(config: dict[str, Any]) -> dict[str, Any]:
    inputs = []
    for item in config["input"]:
        shape = [2, *item["dims"]] if config["max_batch_size"] else item["dims"]
        shape = [2 if dim == -1 else dim for dim in shape]
        string = item["data_type"] == "TYPE_STRING"
        inputs.append(
            {
                "name": item["name"],
                "datatype": "BYTES" if string else item["data_type"].removeprefix("TYPE_"),
                "shape": shape,
                "data": np.full(shape, "ab" if string else 1).ravel().tolist(),
            }
        )
    return {"inputs": inputs}


def assert_outputs(got: list[dict[str, Any]], expected: list[list[Any]]) -> None:
    shapes = [[output["name"], output["datatype"], output["shape"]] for output in got]
    assert shapes == [output[:3] for output in expected]
    for output, (*_, values) in zip(got, expected, strict=True):
        first = output["data"][: len(values)]
        assert first == (values if isinstance(values[0], str) else pytest.approx(values, abs=1e-5))
