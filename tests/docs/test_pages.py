"""The pages' commands work as written, on the real server, and print what the pages show."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.pages import normal, run, run_page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WITH_COMMANDS = {
    "tutorial": "tutorial.md",
    "serve": "how-to/serve-a-repository.md",
    "step": "how-to/write-a-step.md",
    "silence": "how-to/silence-a-finding.md",
}
"""The folder that a page is tried in, which some outputs show, and the page."""


@pytest.mark.server
@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_every_command_of_a_page_prints_what_it_shows(tmp_path: Path, name: str) -> None:
    text = (DOCS / WITH_COMMANDS[name]).read_text("utf-8")
    folder = tmp_path / name
    folder.mkdir()
    try:
        tried = [line for line, shown, got in compared(text, folder) if got == shown]
    finally:
        run("tritongen down", folder)
    assert len(tried) == len(re.findall(r"^\$ ", text, re.MULTILINE))


def compared(text: str, folder: Path) -> list[tuple[str, str, str]]:
    found = []
    for line, shown, got in run_page(text, folder):
        assert normal(got) == normal(shown), line
        found.append((line, normal(shown), normal(got)))
    return found


def test_commands_that_no_page_runs_are_commands_with_options_that_exist() -> None:
    pages = [(DOCS / "index.md"), (DOCS / "how-to" / "use-in-ci.md")]
    lines = [
        line
        for page in pages
        for line in re.findall(r"^(?:.*run: )?(tritongen .*)$", page.read_text("utf-8"), re.M)
    ]
    assert len(lines) >= 6
    for line in lines:
        words = line.split(" > ")[0].split()
        command = run(f"tritongen {words[1]} --help", ROOT)
        for option in (word for word in words[2:] if word.startswith("--")):
            assert option in command, line


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    mkdocs = Path(sys.executable).parent / "mkdocs"
    if not mkdocs.exists():
        pytest.skip("NOT TESTED: mkdocs is not installed; make does it")
    built = subprocess.run(
        [mkdocs, "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) >= 15
    for page in pages:
        assert not re.search(r"(unpkg|jsdelivr|googleapis|gstatic)", page.read_text("utf-8")), page
