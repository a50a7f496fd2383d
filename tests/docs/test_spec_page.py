"""Every spec on the language's page is read as it stands."""

import re
from pathlib import Path

import pytest

from tritongen.stages.load import load

PAGE = (Path(__file__).parents[2] / "docs" / "spec.md").read_text("utf-8")
SPECS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(SPECS)))
def test_a_spec_of_the_page_is_read(number: int, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SPECS[number], "utf-8")
    spec = load([path], {})
    assert spec.models or number == 0


def test_the_page_explains_every_key_of_a_model() -> None:
    from tritongen.records.spec import Model

    own = set(Model.model_fields) - {"config", "said"}
    assert [key for key in own if f"`{key}:" not in PAGE] == []
