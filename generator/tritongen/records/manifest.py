"""Which files below the output folder are ours: the text of ``.tritongen/manifest.json``."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from tritongen.records.paths import is_reserved
from tritongen.records.tree import Entry, Text, check_path

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Owned:
    """A file that was written here: for whom, of what kind, and its content as it was written."""

    owner: str
    kind: Literal["text", "copy"]
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, entry: Entry) -> "Owned":
        """Describe what writing ``entry`` leaves on disk."""
        if isinstance(entry, Text):
            content = entry.text.encode()
            digest = hashlib.sha256(content).hexdigest()
            return cls(owner=entry.owner, kind="text", sha256=digest, size_bytes=len(content))
        return cls(owner=entry.owner, kind="copy", sha256=entry.sha256, size_bytes=entry.size_bytes)


@dataclass(frozen=True)
class Manifest:
    """Relative POSIX path -> the file of ours that stands there."""

    files: Mapping[str, Owned] = field(default_factory=dict)

    def to_text(self) -> str:
        """Return its JSON: sorted, one file a line so that diffs read well."""
        lines = [
            f"    {json.dumps(path)}: {json.dumps(asdict(owned), sort_keys=True)}"
            for path, owned in sorted(self.files.items())
        ]
        files = "{\n" + ",\n".join(lines) + "\n  }" if lines else "{}"
        return f'{{\n  "format": {FORMAT},\n  "files": {files}\n}}\n'


def parse_manifest(text: str) -> Manifest:
    """Read a manifest, trusting nothing in it.

    Raises ``ValueError`` that says what was found: not JSON, another format, a path that is not a
    plain one below the folder, a hash that is none.
    """
    try:
        raw = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("files"), dict):
        raise ValueError('expected {"format": 1, "files": {...}}')
    if raw.get("format") != FORMAT:
        raise ValueError(f"its format is {raw.get('format')!r}, this tritongen reads {FORMAT}")
    return Manifest({path: _owned(path, value) for path, value in raw["files"].items()})


def _owned(path: str, value: object) -> Owned:
    check_path(path)
    if is_reserved(path):
        raise ValueError(f"{path!r} can never be a generated file")
    if not isinstance(value, dict) or set(value) != {"owner", "kind", "sha256", "size_bytes"}:
        raise ValueError(f"{path!r} does not have exactly owner, kind, sha256 and size_bytes")
    digest, size = value["sha256"], value["size_bytes"]
    if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError(f"the sha256 of {path!r} is {digest!r}, not 64 hexadecimal digits")
    if type(size) is not int or size < 0:
        raise ValueError(f"the size_bytes of {path!r} is {size!r}, not a number of bytes")
    if value["kind"] not in ("text", "copy") or not isinstance(value["owner"], str):
        raise ValueError(f"{path!r} has kind {value['kind']!r} and owner {value['owner']!r}")
    return Owned(owner=value["owner"], kind=value["kind"], sha256=digest, size_bytes=size)
