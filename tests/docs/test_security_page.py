"""Each line that the page on security shows stands in what is rendered."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tritongen.records.tree import Text
from tritongen.stages.render import render
from tritongen.testing.cases import plan_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
BOXES = re.findall(r'```(\w+) title="([^",]+)(, with everything said)?"\n(.*?)```', PAGE, re.DOTALL)
SPEC = re.findall(r'```yaml title="spec.yaml, everything said"\n(.*?)```', PAGE, re.DOTALL)
FILES = {"m": {"input": {"x": "FP32[-1,4]"}, "output": {"y": "FP32[-1,4]"}}}
ROOTS = {"root", "0", "0:0"}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The files of the page's own spec."""
    plan = plan_of({"spec": SPEC[0], "files": FILES}, tmp_path_factory.mktemp("spec"))
    entries = render(plan).entries
    return {path: entry.text for path, entry in entries.items() if isinstance(entry, Text)}


def shown(kind: str) -> list[tuple[str, bool, str]]:
    """Return (file, with everything said, line) for each line in a box."""
    return [
        (path, bool(said), line)
        for language, path, said, lines in BOXES
        if language == kind
        for line in lines.splitlines()
    ]


def text(path: str, said: bool, everything: Mapping[str, str]) -> str:
    return everything[path] if said else (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize(("path", "said", "line"), shown("haproxy"))
def test_a_line_of_haproxy_is_rendered(
    everything: Mapping[str, str], path: str, said: bool, line: str
) -> None:
    assert line in [each.strip() for each in text(path, said, everything).splitlines()]


@pytest.mark.parametrize(("path", "said", "line"), shown("yaml"))
def test_a_value_of_the_compose_file_is_rendered(
    everything: Mapping[str, str], path: str, said: bool, line: str
) -> None:
    ((key, value),) = yaml.safe_load(line).items()
    document = yaml.safe_load(text(path, said, everything))
    found = list(at(document, key.removesuffix("[]").split(".")))
    assert found
    if key.endswith("[]"):
        assert all(value in each for each in found)
    else:
        assert found == [value] * len(found)


def at(value: Any, path: list[str]) -> Iterator[Any]:
    """Yield what is at a dotted path; `*` is every key, an absent key is `None`."""
    if not path:
        yield value
    elif path[0] == "*":
        for inner in value.values():
            yield from at(inner, path[1:])
    elif isinstance(value, list):
        yield from at(value[int(path[0])], path[1:])
    else:
        yield from at((value or {}).get(path[0]), path[1:])


def test_the_page_has_each_item_of_the_checklist() -> None:
    assert re.findall(r"^## (\d+)\.", PAGE, re.MULTILINE) == [str(n) for n in range(1, 18)]
    assert len(SPEC) == 1
    assert len(shown("yaml")) > 20
    assert len(shown("haproxy")) > 15


@pytest.mark.parametrize("said", [False, True])
def test_no_service_is_root_or_without_limits(everything: Mapping[str, str], said: bool) -> None:
    services = yaml.safe_load(text("docker-compose.yml", said, everything))["services"]
    for name, service in services.items():
        assert str(service["user"]) not in ROOTS, name
        assert {"memory", "pids"} <= set(service["deploy"]["resources"]["limits"]), name
        assert "privileged" not in service, name


@pytest.mark.parametrize("said", [False, True])
def test_ports_are_bound_to_an_address_and_only_the_gateway_joins_the_networks(
    everything: Mapping[str, str], said: bool
) -> None:
    services = yaml.safe_load(text("docker-compose.yml", said, everything))["services"]
    for name, service in services.items():
        for port in service.get("ports", []):
            closed = name not in ("gateway", "grafana") or not said
            assert port.startswith("127.0.0.1:" if closed else "10.0.0.5:"), name
    mounts = {
        name: [each for each in service.get("volumes", []) if "gateway-run" in str(each)]
        for name, service in services.items()
    }
    assert {name for name, found in mounts.items() if found} == {"gateway", "ops"}


def test_no_secret_is_in_a_rendered_file(everything: Mapping[str, str]) -> None:
    password = (ROOT / ".env").read_text().partition("=")[2].strip() if _has_env() else None
    for path, content in everything.items():
        assert "BEGIN" not in content, path
        assert password is None or password not in content, path


def _has_env() -> bool:
    return (ROOT / ".env").is_file()
