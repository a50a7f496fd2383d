"""What ``stack:`` holds after it was read."""

from pathlib import Path
from typing import Any

import pytest

from tritongen.records.machine import Env
from tritongen.records.stack import Stack
from tritongen.stages.load import load


def read(folder: Path, said: str) -> Stack:
    (folder / "spec.yaml").write_text(f"models: {{a: a.onnx}}\nstack:{said}\n")
    stack = load([folder / "spec.yaml"], {"N": "7"}).stack
    assert stack is not None
    return stack


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        ("true", True),
        ("'1'", "1"),
        ('"true"', "true"),
        ("012", "012"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("${N}", 7),
        ("$${HOME}", "${HOME}"),
        ("[1, a]", [1, "a"]),
    ],
)
def test_values_for_other_programs_are_what_they_look_like(
    tmp_path: Path, text: str, value: Any
) -> None:
    stack = read(tmp_path, f"\n  extra:\n    docker-compose.yml:\n      key: {text}")
    assert stack.extra["docker-compose.yml"] == {"key": value}
    assert type(stack.extra["docker-compose.yml"]["key"]) is type(value)


def test_short_forms_are_read_as_what_they_stand_for(tmp_path: Path) -> None:
    said = " {gateway: haproxy, gpus: 1, memory: 2GiB, cpus: 1.5, images: t:1}"
    stack = read(tmp_path, said)
    assert stack.gateway == Stack().gateway
    assert stack.gpus == (1,)
    assert (stack.memory, stack.cpus) == ({"triton": 2 << 30}, {"triton": 1.5})
    assert stack.images == {"triton": "t:1"}


def test_a_secret_is_a_variable_s_name(tmp_path: Path) -> None:
    said = " {alertmanager: {webhook: {env: HOOK}}}"
    alertmanager = read(tmp_path, said).alertmanager
    assert alertmanager is not None
    assert alertmanager.webhook == Env(env="HOOK")


def test_an_address_is_written_in_its_short_form(tmp_path: Path) -> None:
    assert read(tmp_path, ' {bind: "0:0:0:0:0:0:0:1"}').bind == "::1"
