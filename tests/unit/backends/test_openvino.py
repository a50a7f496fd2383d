"""OpenVINO IR, written by hand as OpenVINO 2026.4 writes it."""

import pytest

from tritongen.errors import SpecError
from tritongen.parts.backends.openvino import inspect

NET = """<?xml version="1.0"?>
<net name="net" version="11">
  <layers>
    <layer id="0" name="x" type="Parameter" version="opset1">
      <data shape="?,3" element_type="f32"/>
      <output><port id="0" precision="FP32" names="x,a_x"><dim>-1</dim><dim>3</dim></port></output>
    </layer>
    <layer id="1" name="ids" type="Parameter" version="opset1">
      <output><port id="0" precision="I64" names="in\\,put"><dim>4</dim></port></output>
    </layer>
    <layer id="2" name="sum" type="Add" version="opset1">
      <input><port id="0"/><port id="1"/></input>
      <output><port id="2" precision="BF16" names="total"/></output>
    </layer>
    <layer id="3" name="result" type="Result" version="opset1">
      <input><port id="0" precision="BF16"/></input>
    </layer>
  </layers>
  <edges>
    <edge from-layer="0" from-port="0" to-layer="2" to-port="0"/>
    <edge from-layer="1" from-port="0" to-layer="2" to-port="1"/>
    <edge from-layer="2" from-port="2" to-layer="3" to-port="0"/>
  </edges>
</net>
"""


def read(text, tmp_path):
    file = tmp_path / "net.xml"
    file.write_text(text, "utf-8")
    return inspect(file, "net.xml")


def test_tensors_are_parameters_and_what_results_take(tmp_path):
    found = read(NET, tmp_path)
    assert [(t.name, t.data_type, t.shape) for t in found.inputs] == [
        ("a_x", "TYPE_FP32", (-1, 3)),
        ("in,put", "TYPE_INT64", (4,)),
    ]
    assert [(t.name, t.data_type, t.shape) for t in found.outputs] == [("total", "TYPE_BF16", ())]


def test_a_type_that_triton_has_not_is_told_as_such(tmp_path):
    found = read(NET.replace('precision="I64"', 'precision="U4"'), tmp_path)
    assert found.inputs[1].data_type == "TYPE_INVALID"


def test_an_older_file_without_tensor_names_is_not_known(tmp_path):
    found = read(NET.replace(' names="total"', ""), tmp_path)
    assert (found.inputs, found.outputs) == (None, None)


BOMB = "".join(
    f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' if n else '<!ENTITY e1 "boom">' for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"<!DOCTYPE net [{BOMB}]><net>&e9;</net>", "a DOCTYPE (net) has no place in a model"),
        ('<!DOCTYPE net SYSTEM "file:///etc/passwd"><net/>', "a DOCTYPE (net) has no place"),
        ("<net><layers>", "is not XML that can be read"),
        ("<model/>", "is XML, but no OpenVINO network: it begins with <model>"),
        ("version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        ("", "is empty"),
    ],
)
def test_what_is_no_network_is_refused_in_words(text, what, tmp_path):
    with pytest.raises(SpecError) as error:
        read(text, tmp_path)
    assert what in error.value.findings[0].message
