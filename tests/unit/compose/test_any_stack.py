"""Whatever stands under ``stack:``: it is refused with a place, or gives files that can be read."""

import tempfile
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.compose.stacks import planned, texts

from tritongen.errors import SpecError
from tritongen.records.finding import Finding
from tritongen.records.stack import Stack

SCALARS = st.sampled_from(
    ["none", "all", "haproxy", "", "0", "1", "-1", "2GiB", "5/s", "1.5", "true", "::1", "10.0.0.1",
     "t:1", "a b", "$X", "${", "x\ny", "é", "null", "1e999", "http://a/b", "keys.txt"]
) | st.text(max_size=8)  # fmt: skip
KEYS = st.sampled_from(
    [*Stack.model_fields, "haproxy", "tls", "certificate", "key", "env", "triton", "redis", "rate",
     "docker-compose.yml", "services", "environment", "http", "webhook", "statistics"]
) | st.text(max_size=5)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
LIKELY = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.sampled_from(["1", "3"]),
        "bind": st.sampled_from(["::1", "10.0.0.1"]),
        "gpus": st.sampled_from(["all", ["0", "2"]]),
        "memory": st.sampled_from(["2GiB", {"redis": "100MB", "triton": "8GB"}]),
        "images": st.sampled_from([{"locust": "a/b:c"}, "x"]),
        "tracing": st.just({}),
        "gateway": st.sampled_from(["none", {"haproxy": {"api_keys": "a $b"}}]),
        "extra": st.dictionaries(st.just("docker-compose.yml"), VALUES),
    },
)


def outcome(said: dict[str, object]) -> tuple[Finding, ...] | str:
    """Return what is wrong, or the compose file."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return texts(planned(Path(folder), stack=said))["docker-compose.yml"]
        except SpecError as refusal:
            return tuple(refusal.findings)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=3) | LIKELY)
def test_a_stack_is_refused_with_a_place_or_rendered(said: dict[str, object]) -> None:
    found = outcome(said)
    assert found
    if isinstance(found, str):
        assert isinstance(yaml.safe_load(found), dict)
    else:
        assert all(each.place for each in found)
