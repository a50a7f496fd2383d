"""The mistakes found while reading, collected; and what each code means."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tritongen.errors import SpecError
from tritongen.records.finding import Finding, Place, Places

TABLE = {
    "TG050": "A file or folder that the spec names is not there, or can't be read. A relative path "
    "starts at the folder of the YAML file that says it.",
    "TG051": "An address is of a kind that nothing is fetched from. Paths, `pkg://` (files of an "
    "installed Python package) and `https://` work.",
    "TG052": "A `pkg://` address does not name an installed package. It begins with the name that "
    "Python imports; the package is found and not run.",
    "TG053": "A download did not give a file: the server says that it is not there, wants a login, "
    "or sends us to an address without encryption.",
    "TG054": "The bytes are not those that `sha256` in the spec promises.",
    "TG055": "Nothing tells which backend runs the model: neither `backend:`, nor `platform:`, nor "
    "the file's suffix.",
    "TG056": "The file is something else than its backend loads, such as a Git LFS pointer, an "
    "HTML page or a pickle.",
    "TG057": "An ONNX file is damaged, cut short, or larger than ONNX files can be.",
    "TG058": "An ONNX model keeps its weights in another file (external data), and that file is "
    "missing, too short, or outside of the model's folder.",
    "TG059": "An ONNX model takes or gives something that is no tensor (a sequence, a map). Triton "
    "carries tensors only.",
    "TG060": "A file can't be placed where Triton would look for it, or where another file of the "
    "model stands already: `files:` and `labels:` share the folder with the model's own files, "
    "with `config.pbtxt` and, beside a plain Python step, with the runner (`1/model.py`, "
    "`1/step.json`).",
    "TG061": "A Python file is not Python that can be read: a syntax error, an encoding, or syntax "
    "that the Python of the chosen release does not have yet.",
    "TG062": "The function that `python:` names is not in the file.",
    "TG063": "What `python:` names is not a function at the top level of the file. Signatures are "
    "read without running the file, so it has to be defined there with `def`.",
    "TG064": "The parameters of a step can't be filled by name. Inputs are keyword arguments.",
    "TG065": "A Python model file has no `TritonPythonModel` that can `execute`.",
    "TG066": "An import of a step finds another file in Triton than where it was written.",
}

START = Place(file="", line=1, column=1)


class Mistakes:
    """The findings of one reading."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._found: list[tuple[Place | None, Finding]] = []

    @contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """Collect what is refused inside; a finding without a place gets that of ``path``.

        A file that can't be read (permissions, a name too long) is the user's to correct, too.
        """
        try:
            yield
        except SpecError as error:
            findings = error.findings
        except OSError as error:
            message = f"{error.filename or 'a file'} can't be read: {error.strerror or error}"
            findings = SpecError.of("TG050", message, fix="correct the path or its rights").findings
        else:
            return
        place = self._places.of(*path)
        self._found += [(place, replace(one, place=one.place or place)) for one in findings]

    def refuse(self) -> None:
        """Raise ``SpecError`` if anything was collected, in the order of the spec.

        A finding made twice (two models share a file) is said once.
        """
        if self._found:
            ordered = sorted(self._found, key=lambda item: (item[0] is None, item[0] or START))
            raise SpecError(list(dict.fromkeys(finding for _, finding in ordered)))
