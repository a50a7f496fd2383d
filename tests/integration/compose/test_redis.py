"""The stack's own Redis: it runs closed, and asks for the password that Triton is told.

Triton's side of the cache was not tried: the wheel's server has the local cache only.
"""

import json
from pathlib import Path

from tests.integration.compose.engine import Engine
from tests.integration.compose.flagship.test_closed import status_of
from tests.integration.compose.project import Project, build_images

SPEC = {
    "tritongen": 1,
    "name": "cached",
    "models": {"m": {"python": "step.py:m", "input": {"x": "FP32[1]"}, "output": {"y": "FP32[1]"}}},
    "server": {"response_cache": {"redis": {"password": {"env": "CACHE"}}}},
    "stack": {"memory": {"redis": "256MiB"}},
}


def test_redis_keeps_what_was_asked_last_for_who_has_the_password(
    engine: Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "cached"
    folder.mkdir()
    (folder / "step.py").write_text("def m(x):\n    return {'y': x}\n")
    (folder / "spec.yaml").write_text(json.dumps(SPEC))
    project = Project(Engine({**engine.environment, "CACHE": "sesame"}, engine.log), folder)
    project.tritongen("build")
    build_images(project)

    def ask(*words: str, password: str = "sesame") -> str:
        told = ("exec", "-T", "--env", f"REDISCLI_AUTH={password}", "redis", "redis-cli")
        return project.compose(*told, *words).strip()

    try:
        project.up("redis")
        (container,) = project.containers("redis")
        status = status_of(container)
        assert ask("set", "answer", "42") == "OK"
        assert ask("get", "answer") == "42"
        assert "NOAUTH" in ask("get", "answer", password="")
        assert ask("config", "get", "maxmemory").split() == ["maxmemory", str(192 << 20)]
        assert ask("config", "get", "maxmemory-policy").split()[1] == "allkeys-lru"
        assert list(container["NetworkSettings"]["Networks"]) == ["cached_inner"]
        assert not container["HostConfig"]["PortBindings"]
        assert "0" not in status["Uid"].split()
        assert int(status["CapBnd"], 16) == 0
    finally:
        project.down()
