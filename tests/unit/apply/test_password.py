"""Grafana's password: made once, for its owner only, out of Git's sight."""

import stat
from pathlib import Path

import pytest

from tritongen.errors import HostError
from tritongen.stages.apply import make_password


def test_it_is_made_once_and_never_again(tmp_path: Path) -> None:
    assert make_password(tmp_path)
    text = (tmp_path / ".env").read_text()
    name, _, password = text.splitlines()[-1].partition("=")
    assert name == "GRAFANA_PASSWORD"
    assert len(password) >= 24
    assert not make_password(tmp_path)
    assert (tmp_path / ".env").read_text() == text


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    make_password(tmp_path)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_two_folders_have_two_passwords(tmp_path: Path) -> None:
    passwords = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        make_password(tmp_path / name)
        passwords.add((tmp_path / name / ".env").read_text())
    assert len(passwords) == 2


def test_compose_can_read_it(tmp_path: Path) -> None:
    make_password(tmp_path)
    password = (tmp_path / ".env").read_text().splitlines()[-1].partition("=")[2]
    assert not set(password) & set("$'\"\\ #")


@pytest.mark.parametrize("there", ["", "mine=1\n"])
def test_a_file_of_the_user_s_is_left_alone(tmp_path: Path, there: str) -> None:
    (tmp_path / ".env").write_text(there)
    assert not make_password(tmp_path)
    assert (tmp_path / ".env").read_text() == there


def test_a_broken_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "vault" / "secrets")
    assert not make_password(tmp_path)


def test_git_is_told_to_ignore_it(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "deploy"
    folder.mkdir()
    (folder / ".gitignore").write_text("*.onnx\n")
    make_password(folder)
    lines = (folder / ".gitignore").read_text().splitlines()
    assert (lines[0], lines[-1]) == ("*.onnx", "/.env")


def test_git_is_told_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text(".env\n")
    make_password(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == ".env\n"


def test_outside_of_git_no_gitignore_is_written(tmp_path: Path) -> None:
    make_password(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


def test_a_folder_that_can_t_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="cannot be written"):
        make_password(tmp_path / "file")
