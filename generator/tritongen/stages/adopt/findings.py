"""What can be said of a model repository while it is read; each with a code and a page."""

from pathlib import Path

from tritongen.records.finding import Finding, Place, Severity

TABLE = {
    "TG070": "A `config.pbtxt` is not what Triton's parser reads, so the model is left out. The "
    "finding names the place and what was probably meant; a file may have several. The repair was "
    "tried: with it, the rest of the file is read further.",
    "TG071": "A `config.pbtxt` is a template: a placeholder (`${name}`, a bare word, "
    "`TYPE_#DTYPE`, Jinja) stands where a value belongs. Fill the template in, then import what "
    "comes out. A placeholder inside quotes is text and is kept as it is, with a note.",
    "TG072": "A folder in the repository is no model: it has neither `config.pbtxt` nor a version "
    "folder. Triton tries to load it all the same, and fails. It is not imported.",
    "TG073": "The `name` in a `config.pbtxt` is not the name of its folder, which Triton refuses. "
    "The folder's name is the model's.",
    "TG074": "A folder's name cannot be a model's: it is part of URLs that Triton does not decode. "
    "The model is left out.",
    "TG075": "Something in a model's folder can't be carried over: a link to nothing, a socket, a "
    "name that no text can hold. It is left out, the model is not.",
    "TG076": "A value in a `config.pbtxt` can't be said in a spec: an enum's number that no "
    "release has, infinity. The model is left out.",
    "TG077": "A folder looks like a version and is none for Triton, which wants a number without "
    "leading zeros. It is carried over as files.",
    "TG078": "The spec does not build a model back as it was. This is said of what could not be "
    "said otherwise; the spec is written all the same.",
    "TG079": "A member of an ensemble is not in the repository, or could not be imported. It is "
    "declared with `external: true`: wired, and not written.",
}


def finding(
    code: str,
    message: str,
    place: Path | Place,
    *,
    severity: Severity = "error",
    why: str = "",
    fix: str = "",
) -> Finding:
    """Return a finding; a path is the start of that file or folder."""
    where = place if isinstance(place, Place) else Place(file=str(place), line=1, column=1)
    return Finding(code=code, severity=severity, place=where, message=message, why=why, fix=fix)
