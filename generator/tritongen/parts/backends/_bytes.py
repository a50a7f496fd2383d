"""What a file that is not the expected format looks like."""

from pathlib import Path

LFS = "a Git LFS pointer"
HTML = "an HTML page"

REMEDIES = {
    LFS: "fetch the file itself: git lfs pull",
    HTML: "use the address of the file itself; this one shows a page, or wants a login",
}

SIGNATURES = (
    (b"version https://git-lfs", LFS),
    (b"PK\x03\x04", "a zip archive (PyTorch saves like this)"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x89HDF", "an HDF5 file (Keras)"),
    (b"ptrt", "a TensorRT plan"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"\x7fELF", "a program"),
    (b"%PDF", "a PDF"),
    (b"GGUF", "a GGUF model"),
)

INNER = {b"TFL3": "a TensorFlow Lite model", b"ORTM": "a model in ONNX Runtime's own format (.ort)"}
"""Flatbuffers carry their signature behind four bytes."""


def describe(file: Path) -> str:
    """Return what the first bytes of ``file`` look like, empty if like nothing known."""
    with file.open("rb") as stream:
        head = stream.read(512)
    if not head:
        return "empty"
    for signature, name in SIGNATURES:
        if head.startswith(signature):
            return name
    return INNER.get(head[4:8]) or _describe_text(head)


def _describe_text(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return HTML
    if text.startswith(b"<"):
        return "XML"
    return "JSON" if text.startswith((b"{", b"[")) else ""
