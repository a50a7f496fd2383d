"""An ONNX file is newer than the ONNX Runtime of the chosen release.

Every ONNX file is stamped with a version of the format (IR) and of the operators (opset). The
ONNX Runtime inside a Triton release loads files up to the versions that existed when it was made
and refuses newer ones («Unsupported model IR version», «Opset 22 is under development»), however
simple the model is. Exporters stamp the newest version they know.

Ways out: choose a newer `triton:` release, export with an older opset
(`torch.onnx.export(..., opset_version=21)`), or convert the file (`onnx.version_converter`; the
IR version alone can be lowered by setting `model.ir_version` and saving).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan
from tritongen.records.release import releases
from tritongen.records.views import models_with_files

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about files whose IR or opset the release's ONNX Runtime does not load."""
    release = plan.release
    for model, version, facts in models_with_files(plan):
        if facts.ir_version is None:
            continue
        stamps = (
            ("IR version", facts.ir_version, release.onnx_ir),
            ("opset", facts.opsets.get("", 0), release.onnx_opset),
        )
        for what, stamped, newest in stamps:
            if newest is not None and stamped > newest:
                yield Complaint(
                    path=(*model.path, "source"),
                    message=f"version {version} of {model.name} has {what} {stamped}; the ONNX "
                    f"Runtime {release.onnxruntime} of Triton {release.tag} loads up to {newest}",
                    why="Triton refuses the model when it loads it",
                    fix=_fix(what, newest, stamped),
                )


def _fix(what: str, newest: int, stamped: int) -> str:
    limit = "onnx_ir" if what == "IR version" else "onnx_opset"
    able = [
        release.tag
        for release in releases().values()
        if (known := getattr(release, limit)) is not None and known >= stamped
    ]
    instead = f'choose triton: "{able[0]}" or newer, or ' if able else ""
    return f"{instead}export the model with {what} {newest} or older"
