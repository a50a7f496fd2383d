"""Files found on any machine, and a few made here for the kinds that may be missing or edgy."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import random
import sqlite3
import struct
import sys
import sysconfig
import tarfile
import wave
import zipfile
import zlib
from collections import Counter
from itertools import islice, zip_longest
from pathlib import Path

import numpy as np

ROOTS = (sysconfig.get_path("stdlib"), sysconfig.get_path("platlib"), "/usr/bin", "/usr/share")
MOST_BYTES = 2 << 20

Answers = dict[str, tuple[str, float]]
"""What a classifier said: label and score by the file's name."""


def found(count: int) -> dict[str, bytes]:
    """Return ``count`` files by path: from each root in turn, of each kind in turn."""
    turns = zip_longest(*(_by_kind(root) for root in ROOTS))
    paths = (path for turn in turns for path in turn if path)
    readable = ((path, _read(path)) for path in paths)
    return dict(islice(((path, data) for path, data in readable if data is not None), count))


def _by_kind(root: str) -> list[str]:
    """Return the files below ``root``, the first of every kind of name before any second."""
    paths = sorted(
        f"{folder}/{name}" for folder, _, names in islice(os.walk(root), 2000) for name in names
    )
    random.Random(0).shuffle(paths)
    seen: Counter[str] = Counter()
    ranks = []
    for path in paths:
        kind = Path(path).suffix
        kind = kind if kind[1:].isalpha() and len(kind) <= 5 else ""
        seen[kind] += 1
        ranks.append((seen[kind], path))
    return [path for _, path in sorted(ranks)]


def _read(path: str) -> bytes | None:
    try:
        file = Path(path)
        small = file.is_file() and file.stat().st_size <= MOST_BYTES
        return file.read_bytes() if small else None
    except OSError:
        return None


def made() -> dict[str, bytes]:
    """Return files of the machine's own formats, and the sizes where the rules change."""
    text = Path(os.__file__).read_bytes()
    noise = random.Random(1).randbytes(6000)
    return {
        "interpreter": Path(sys.executable).read_bytes(),
        "archive.zip": _zip(text),
        "archive.tar": _tar(text),
        "text.gz": gzip.compress(text, mtime=0),
        "text.bz2": bz2.compress(text),
        "text.xz": lzma.compress(text),
        "text.zlib": zlib.compress(text),
        "image.png": _png(),
        "sound.wav": _wav(),
        "table.sqlite": _sqlite(),
        "object.pickle": pickle.dumps({"a": list(range(999)), "b": "text"}),
        "array.npy": _npy(),
        "data.json": json.dumps({"a": [1, 2, {"b": None}], "c": "d" * 50}).encode(),
        "utf16.txt": text.decode().encode("utf-16"),
        "noise": noise,
        "large.bin": noise * 1000,
        "large.py": text * 100,
        "empty": b"",
        "one byte": b"x",
        "one strange byte": b"\xff",
        "seven bytes": b"import ",
        "eight bytes": b"import o",
        "tiny after blanks": b"\n" * 30 + b"seven77" + b" " * 30,
        "eight after blanks": b"\n" * 30 + b"eight888" + b" " * 30,
        "strange and tiny after blanks": b" " * 100 + b"\xfe\xff",
        "blank": b" \t\r\n\v\f" * 5,
        "a block of blanks": b" " * 4096,
        "blanks, then text after the block": b" " * 4096 + text,
        "blanks up to half a letter": b" " * 4095 + "é".encode() * 2000,
        "text, then many blanks": text[:3000] + b" " * 9000,
        "text within blanks": b" " * 3900 + text[:2000] + b"\n" * 3900,
        "control characters that str.strip would take": b"\x1c\x1d\x1e\x1f" * 9 + b"ab",
        **{f"text of {size} bytes": text[:size] for size in (1023, 1024, 1025, 2048, 4095, 4097)},
    }


def _zip(text: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("os.py"), text)
    return file.getvalue()


def _tar(text: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("os.py")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return file.getvalue()


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(b"\0" + bytes(range(64)) * 3 for _ in range(64))
    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(np.sin(np.arange(8000) / 9).astype("<f2").tobytes())
    return file.getvalue()


def _sqlite() -> bytes:
    with sqlite3.connect(":memory:") as database:
        database.execute("create table t (a, b)")
        database.executemany("insert into t values (?, ?)", [(i, str(i)) for i in range(200)])
        database.commit()
        if sys.version_info >= (3, 11):
            data = database.serialize()
        else:
            data = "\n".join(database.iterdump()).encode()
    database.close()
    return data


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(5000.0))
    return file.getvalue()
