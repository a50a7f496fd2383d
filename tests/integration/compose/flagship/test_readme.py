"""What the README shows of the stack is what this stack does."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.compose.project import TRITONGEN, Project

README = Path(__file__).parents[4] / "README.md"
LEFT_OUT = "..."
"""A line of the page in whose place there were others."""


def commands() -> Iterator[tuple[str, str]]:
    """Yield the commands of the page's session with Docker, and what it shows of their output."""
    (session,) = re.findall(r"```sh-session\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    for each in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        line, _, shown = each.partition("\n")
        yield line, shown


def normal(text: str) -> list[str]:
    """Return the lines of an output without what differs from run to run."""
    text = re.sub(r"Up .*?(?=  | \(|$)", "Up", text, flags=re.MULTILINE)
    text = re.sub(r"\d+\.\d+", "NUMBER", text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(("line", "shown"), list(commands()))
def test_a_command_of_the_readme_prints_what_it_shows(
    flagship: Project, line: str, shown: str
) -> None:
    path = Path(TRITONGEN).parent
    done = flagship.run(["bash", "-c", f"PATH={path}:$PATH; {line}"])
    assert done.returncode == 0, done.stdout + done.stderr
    printed = normal(done.stdout + done.stderr)
    assert [each for each in normal(shown) if each not in (*printed, LEFT_OUT)] == []
