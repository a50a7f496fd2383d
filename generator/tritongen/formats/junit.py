"""JUnit's XML, as CI systems read it: one suite of checks that passed or failed."""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

XML = str.maketrans({code: "\ufffd" for code in range(32) if chr(code) not in "\t\n\r"})
"""Control characters that no XML can hold."""


@dataclass(frozen=True)
class Check:
    """A check by name; ``failure`` says what is wrong, empty if nothing is."""

    name: str
    failure: str = ""


def write(suite: str, checks: Iterable[Check], *, seconds: float) -> str:
    """Return the text of a suite's file."""
    checks = list(checks)
    root = Element("testsuites")
    element = SubElement(
        root,
        "testsuite",
        name=_plain(suite),
        tests=str(len(checks)),
        failures=str(sum(bool(check.failure) for check in checks)),
        time=f"{seconds:.3f}",
    )
    for check in checks:
        case = SubElement(element, "testcase", classname=_plain(suite), name=_plain(check.name))
        if check.failure:
            text = _plain(check.failure)
            SubElement(case, "failure", message=text.partition("\n")[0]).text = text
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _plain(text: str) -> str:
    return text.translate(XML)
