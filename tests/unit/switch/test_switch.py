"""In which order models are loaded, and how what a server had is kept."""

from pathlib import Path

import pytest

from tritongen.records.messages import ModelConfig, ModelEnsembling
from tritongen.stages.switch import order, read_found, write_found


def configs(a: int, b: int, inner: int, outer: int) -> dict[str, ModelConfig]:
    """Return two members, an ensemble of them and one around it, by ``max_batch_size``."""
    steps = ModelEnsembling(step=[ModelEnsembling.Step(model_name="a")])
    return {
        "a": ModelConfig(name="a", max_batch_size=a),
        "b": ModelConfig(name="b", max_batch_size=b),
        "inner": ModelConfig(name="inner", max_batch_size=inner, ensemble_scheduling=steps),
        "outer": ModelConfig(name="outer", max_batch_size=outer, ensemble_scheduling=steps),
    }


@pytest.mark.parametrize(
    ("before", "after", "loaded"),
    [
        ((8, 8, 8, 8), (8, 8, 8, 8), []),
        ((8, 8, 8, 8), (8, 4, 8, 8), ["b"]),
        ((4, 4, 4, 4), (8, 8, 8, 8), ["a", "b", "inner", "outer"]),
        ((8, 8, 8, 8), (4, 4, 4, 4), ["outer", "inner", "a", "b"]),
        ((8, 4, 4, 4), (2, 8, 2, 2), ["outer", "inner", "a", "b"]),
    ],
)
def test_no_ensemble_ever_exceeds_its_members(
    before: tuple[int, int, int, int], after: tuple[int, int, int, int], loaded: list[str]
) -> None:
    assert list(order(configs(*before), configs(*after))) == loaded


def test_members_come_first_where_nothing_is_known() -> None:
    assert list(order({}, configs(4, 4, 4, 4))) == ["a", "b", "inner", "outer"]


def test_what_a_server_had_is_read_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "tune" / "found.json"
    assert read_found(path) is None
    write_found(path, "127.0.0.1:8001", configs(1, 2, 3, 4))
    assert read_found(path) == ("127.0.0.1:8001", configs(1, 2, 3, 4))
