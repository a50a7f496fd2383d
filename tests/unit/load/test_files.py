"""What can be wrong with a file before anybody looks at its values."""

import os
from pathlib import Path

import pytest
from tests.unit.load.conftest import Read, Told

from tritongen.errors import SpecError
from tritongen.stages.load import load
from tritongen.stages.load.read import LIMIT_BYTES


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.yaml", "there is no file `nowhere.yaml`"),
        (".", "`.` is a folder, not a file"),
        ("spec.yaml/more", "`spec.yaml/more` cannot be read: Not a directory"),
        ("a\0b", "`a\\x00b` cannot be read: embedded null byte"),
        ("/dev/zero", f"`/dev/zero` is larger than {LIMIT_BYTES // 2**20} MiB"),
    ],
)
def test_a_path_that_holds_no_text_is_a_finding(read: Read, path: str, message: str) -> None:
    read("models: {a: a.onnx}\n")
    with pytest.raises(SpecError) as refused:
        load([Path(path)], {})
    assert [found.message for found in refused.value.findings] == [message]
    assert refused.value.findings[0].code == "TG001"


def test_requirements_from_a_pipe_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    spec = tmp_path / "spec.yaml"
    spec.write_text("models: {a: {source: a.onnx, requirements: pipe}}\n")
    with pytest.raises(SpecError) as refused:
        load([spec], {})
    (found,) = refused.value.findings
    assert found.code == "TG001"
    assert found.message.endswith("is a pipe or a device, which may never end")


def test_findings_of_all_files_are_told_together(told: Told) -> None:
    assert told("models:\n\ta: b\n", "name: [\n", b"name: \xff\n") == [
        "1.yaml:2:1 TG003 a value is missing here",
        "2.yaml:1:7 TG002 byte 0xff at offset 6 is not UTF-8",
        "spec.yaml:2:1 TG003 a tab indents this line",
    ]


def test_no_path_is_refused() -> None:
    with pytest.raises(SpecError, match="no spec was named"):
        load([], {})


def test_a_byte_that_is_not_utf8_is_named_with_its_place(told: Told) -> None:
    text = "name: é\nmodels: {a: ".encode() + b"\xe9}\n"
    assert told(text) == ["spec.yaml:2:13 TG002 byte 0xe9 at offset 21 is not UTF-8"]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffname: a\nmodels:\n  m: m.onnx\n",
        "name: a\r\nmodels:\r\n  m: m.onnx\r\n",
        "---\nname: a\nmodels: {m: m.onnx}\n...\n",
        '{"name": "a", "models": {"m": "m.onnx"}}',
    ],
    ids=["byte order mark", "Windows line ends", "document marks", "JSON"],
)
def test_harmless_variants_of_a_text_file_are_read(read: Read, text: str) -> None:
    spec = read(text)
    assert spec.name == "a"
    assert list(spec.models) == ["m"]
    assert spec.places.of("name") == spec.places.by_path["name",]


def bomb() -> str:
    lines = ["x-0: &a0 [" + ", ".join("1" * 10) + "]"]
    lines += [f"x-{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 12)]
    return "\n".join([*lines, "models: *a11"])


def chain() -> str:
    return "\n".join(["x-0: &a0 [1]", *(f"x-{n}: &a{n} [*a{n - 1}]" for n in range(1, 5000))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (bomb(), "aliases multiply this file to more than 1,000,000 values"),
        (chain(), "values are nested more than 100 levels deep here"),
        ("models: " + "[" * 100_000, "values are nested more than 100 levels deep here"),
        ("- " * 100_000 + "a", "values are nested more than 100 levels deep here"),
    ],
    ids=["aliases of aliases", "a chain of aliases", "brackets", "dashes"],
)
def test_a_file_that_would_exhaust_the_machine_is_refused(
    told: Told, text: str, message: str
) -> None:
    (finding,) = told(text)
    assert finding.endswith(f"TG006 {message}")


def test_ten_megabytes_are_read(read: Read) -> None:
    lines = (f"x-{n}: {'a' * 1000}\n" for n in range(10_000))
    assert read("".join([*lines, "models: {a: a.onnx}\n"])).models["a"].source is not None


def test_the_folder_names_a_spec_that_does_not_name_itself(tmp_path: Path) -> None:
    folder = tmp_path / "my service"
    folder.mkdir()
    for name in ("spec.yaml", "shop.yaml"):
        (folder / name).write_text("models: {a: a.onnx}\n")
    assert load([folder / "spec.yaml"], {}).name == "my-service"
    assert load([folder / "shop.yaml"], {}).name == "shop"
