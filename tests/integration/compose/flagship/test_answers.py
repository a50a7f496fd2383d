"""What the stack answers is what Magika answers."""

import json

import httpx
from tests.integration.compose.counters import of_tritons
from tests.integration.compose.project import Project
from tests.integration.test_flagship import ask, differing, in_batches
from tests.real_files import Answers

from tritongen.triton import Triton


def test_files_sent_over_grpc_in_batches_are_judged_as_magika_judges_them(
    triton: Triton, real_files: dict[str, bytes], magika_together: Answers
) -> None:
    said = in_batches(triton, list(real_files.values()))
    assert len(said) >= 300
    assert differing(real_files, said, magika_together) == {}


def test_files_sent_over_http_one_by_one_are_judged_as_magika_judges_one_file(
    flagship: Project, real_files: dict[str, bytes], magika_alone: Answers
) -> None:
    some = dict(list(real_files.items())[::8])
    with flagship.http("gateway", 8000) as client:
        said = [judge(client, data) for data in some.values()]
    assert differing(some, said, magika_alone) == {}


def judge(client: httpx.Client, content: bytes) -> tuple[str, float]:
    """Ask in Triton's binary form: JSON can't hold any bytes."""
    size = len(content) + 4
    shape = {"name": "content", "datatype": "BYTES", "shape": [1, 1]}
    head = json.dumps({"inputs": [{**shape, "parameters": {"binary_data_size": size}}]}).encode()
    answer = client.post(
        "/v2/models/filetype/infer",
        content=head + len(content).to_bytes(4, "little") + content,
        headers={"Inference-Header-Content-Length": str(len(head))},
    )
    assert answer.status_code == 200, answer.text
    found = {each["name"]: each["data"][0] for each in answer.json()["outputs"]}
    return found["label"], found["score"]


def test_a_file_is_judged_that_docker_s_own_shared_memory_would_not_hold(triton: Triton) -> None:
    # Only its beginning and its end are looked at.
    assert ask(triton, [b"text " * (8 << 20)]) == ask(triton, [b"text " * (8 << 10)])


def test_requests_over_one_connection_go_to_both_replicas(
    flagship: Project, triton: Triton
) -> None:
    before = answered(flagship)
    for _ in range(20):
        ask(triton, [b"some text"])
    assert {after - old for after, old in zip(answered(flagship), before, strict=True)} == {10.0}


def answered(flagship: Project) -> list[float]:
    """Return how many requests each replica answered, by its own count."""
    return [
        each.sum("nv_inference_request_success", model="filetype")
        for each in of_tritons(flagship.containers("triton"))
    ]
