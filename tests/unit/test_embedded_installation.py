"""What must be there before anything is served, and what is said if it is not."""

from pathlib import Path

import pytest

from tritongen.errors import ToolMissingError
from tritongen.parts.engines.embedded.installation import (
    check_numpy,
    check_platform,
    existing,
    find_libpython,
    find_stub,
)


@pytest.mark.parametrize(
    ("system", "machine", "libc", "found"),
    [
        ("darwin", "arm64", ("", ""), "darwin on arm64"),
        ("linux", "aarch64", ("glibc", "2.36"), "linux on aarch64"),
        ("linux", "x86_64", ("glibc", "2.31"), "linux on x86_64 with glibc 2.31"),
    ],
)
def test_a_platform_without_the_wheel_is_refused(
    system: str, machine: str, libc: tuple[str, str], found: str
) -> None:
    with pytest.raises(ToolMissingError, match=f"does not run here: this is {found}"):
        check_platform(system, machine, libc)


def test_a_platform_with_the_wheel_passes() -> None:
    check_platform("linux", "x86_64", ("glibc", "2.35"))


@pytest.mark.parametrize(("version", "found"), [("2.1.0", "found 2.1.0"), (None, "found none")])
def test_numpy_2_or_none_is_refused_with_the_command(version: str | None, found: str) -> None:
    with pytest.raises(ToolMissingError, match=f"needs numpy older than 2, {found}") as caught:
        check_numpy(version)
    assert caught.value.fix == "pip install 'tritongen[embedded]'"


def test_numpy_1_passes() -> None:
    check_numpy("1.26.4")


@pytest.mark.parametrize("version", [(3, 13), (3, 14), (3, 9)])
def test_a_python_without_stub_or_numpy_1_is_refused(
    tmp_path: Path, version: tuple[int, int]
) -> None:
    for text in ("3.11", "3.13"):
        (tmp_path / text).mkdir()
        (tmp_path / text / "triton_python_backend_stub").touch()
    with pytest.raises(ToolMissingError, match=r"from Python 3\.\d+") as caught:
        find_stub(tmp_path, version)
    assert "pip install 'tritongen[embedded]'" in caught.value.fix
    assert find_stub(tmp_path, (3, 11)).is_file()


def test_a_python_without_shared_library_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    folders = [tmp_path / "a", tmp_path / "b"]
    with pytest.raises(ToolMissingError, match=r"no libpython3\.11\.so\.1\.0"):
        find_libpython(folders, (3, 11))
    (tmp_path / "b" / "libpython3.11.so.1.0").touch()
    assert find_libpython(folders, (3, 11)) == tmp_path / "b"


def test_another_wheel_than_we_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError, match="has no tritonserver"):
        existing(tmp_path / "tritonserver")
