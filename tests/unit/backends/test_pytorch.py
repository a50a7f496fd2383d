"""TorchScript archives: real ones where PyTorch is installed, and made as it makes them."""

import io
import zipfile

import pytest

from tritongen.errors import SpecError
from tritongen.parts.backends.pytorch import inspect

# What torch.jit.save writes begins with the class of the module: PROTO 2, GLOBAL module name.
DATA = b"\x80\x02c__torch__.nets\nNet\nq\x00)\x81}q\x01b."
CODE = """class Other(Module):
  def forward(self: __torch__.nets.Other, z: Tensor) -> Tensor:
    return z
class Net(Module):
  __parameters__ = []
  training : bool
  def forward(self: __torch__.nets.Net,
    image: Tensor,
    mask: {mask}=None) -> Tuple[Tensor, Tensor]:
    _0 = annotate(List[Tensor], [])
    return (image, ops.prim.NumToTensor(1), )
"""


def archive(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in files.items():
            packed.writestr(f"net/{name}", content)
    return out.getvalue()


def script(mask="Optional[Tensor]", data=DATA, module="nets"):
    code = {f"code/__torch__/{module}.py": CODE.format(mask=mask)}
    return archive(**{"data.pkl": data, "constants.pkl": b"", **code})


def read(content, tmp_path):
    file = tmp_path / "m.pt"
    file.write_bytes(content)
    return inspect(file, "m.pt").arguments


def test_arguments_are_those_of_the_modules_forward(tmp_path):
    assert read(script(), tmp_path) == ("image", "mask")
    assert read(script(mask="List[str]"), tmp_path) == ("image", "mask")


@pytest.mark.parametrize(
    "content",
    [script(mask="Dict[str, Tensor]"), script(mask="int"), script(data=b"."), script(module="x")],
)
def test_other_arguments_and_unusual_archives_are_not_known(content, tmp_path):
    assert read(content, tmp_path) is None


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (archive(**{"data.pkl": DATA, "data/0": b"1234"}), "a checkpoint, not TorchScript"),
        (archive(**{"readme.txt": b"x"}), "a checkpoint, not TorchScript"),
        (b"\x80\x02}q\x00.", "is a Python pickle"),
        (script()[:-30], "is not a TorchScript archive"),
        (b"<html>", "is an HTML page"),
        (b"", "is empty"),
    ],
)
def test_what_libtorch_can_not_load_is_refused_in_words(content, what, tmp_path):
    with pytest.raises(SpecError) as error:
        read(content, tmp_path)
    assert what in error.value.findings[0].message


def test_a_file_that_pytorch_wrote_is_read(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: made archives only")

    class Net(torch.nn.Module):
        def forward(self, image, mask):
            return image + mask, image

    torch.jit.script(Net()).save(tmp_path / "m.pt")
    assert inspect(tmp_path / "m.pt", "m.pt").arguments == ("image", "mask")
