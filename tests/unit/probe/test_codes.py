"""Every code of a reading error is explained, once."""

import re
from pathlib import Path

import tritongen
from tritongen.stages.probe.mistakes import TABLE


def test_the_codes_that_are_raised_are_those_that_are_explained():
    root = Path(tritongen.__file__).parent
    folders = ("parts/sources", "parts/backends", "stages/probe")
    texts = [file.read_text("utf-8") for name in folders for file in (root / name).glob("*.py")]
    raised = {code for text in texts for code in re.findall(r'"(TG\d+)",', text)}
    assert raised == set(TABLE)
