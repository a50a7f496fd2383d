"""The help of every command shows examples of it, which work as far as can be seen from here."""

import re
import shlex

import click
import pytest
from click.testing import CliRunner

from tritongen.cli import COMMANDS, cli


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_s_examples_stand_on_lines_of_their_own_and_parse(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"], terminal_width=100).output
    examples = re.findall(r"^\s+(tritongen .*)$", shown.partition("Example")[2], re.MULTILINE)
    assert examples, shown
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    for example in examples:
        program, called, *words = shlex.split(example.partition(" > ")[0])
        assert (program, called) == ("tritongen", name)
        command.make_context(name, [word for word in words if word != "..."])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_is_explained(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    options = [one for one in command.params if isinstance(one, click.Option)]
    unexplained = [one.opts for one in options if not one.help and one.metavar is None]
    allowed = {"--protocol", "--timeout", "--model-version", "--request-parameter"}
    assert not [opts for opts in unexplained if not allowed & set(opts)]


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    run = CliRunner().invoke(cli, ["chek"])
    assert run.exit_code == 2
    assert "Did you mean 'check'?" in run.output
