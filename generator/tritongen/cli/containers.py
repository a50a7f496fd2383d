"""What ``doctor`` says of containers: Docker, GPUs in it, images, and room for them."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from tritongen.cli.rows import GIB, Row, port, program
from tritongen.errors import TritongenError
from tritongen.parts.engines import compose
from tritongen.parts.engines.compose import Definition, Docker
from tritongen.records.stack import COMPOSE_FILE, TRITON

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STACK_PORTS = {"Grafana": 3000, "Prometheus": 9090, "Locust": 8089}
IMAGES_GIB = 20
"""What the images of a stack take, unpacked; Triton's most of it."""
RELEASE = re.compile(r"tritonserver:(\d\d\.\d\d)-")
PURPOSE = "the stack in containers: `tritongen up --engine compose`"


def rows() -> Iterator[Row]:
    """Yield what serving in containers can need."""
    docker = Docker(Path.cwd(), os.environ)
    try:
        engine, version = docker.check()
    except TritongenError as error:
        found = f"{error.message} ({error.why})" if error.why else error.message
        yield Row(what="docker", state="absent", found=found, purpose=PURPOSE, remedy=error.fix)
        yield from _gpu(None, None)
        return
    info = json.loads(docker.ask("info", "--format", "{{json .}}"))
    yield Row(what="docker", state="ok", found=f"engine {engine}", purpose=PURPOSE)
    yield Row(what="docker compose", state="ok", found=version, purpose=PURPOSE)
    said = _definition(docker)
    yield from _gpu(info, said)
    yield from _images(docker, said)
    yield from _room(info)
    yield from _ports(docker, said)


def _definition(docker: Docker) -> Definition | None:
    """Return what the compose file here says, ``None`` without one that can be read."""
    if not (docker.root / COMPOSE_FILE).is_file():
        return None
    try:
        return compose.definition(docker)
    except TritongenError:
        return None


def _gpu(info: dict[str, Any] | None, said: Definition | None) -> Iterator[Row]:
    row = program(
        "GPU",
        ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"],
        "models on a GPU, in NVIDIA's container; the embedded server runs on the CPU",
        "install NVIDIA's driver, where there is a GPU",
    )
    yield row
    if row.state == "ok":
        yield driver(row.found, _release(said))
    if info is not None:
        there = "nvidia" in info.get("Runtimes", {})
        yield Row(
            what="NVIDIA runtime",
            state="ok" if there else "absent",
            found="known to Docker" if there else "not known to Docker",
            purpose="GPUs inside containers",
            remedy=""
            if there
            else "where there is a GPU: install the NVIDIA Container Toolkit, then "
            "nvidia-ctk runtime configure --runtime=docker and restart Docker",
        )


def driver(gpu: str, release: str | None) -> Row:
    """Return whether a driver (``name, 550.54.15``) runs the container of a release."""
    text = files("tritongen.resources").joinpath("drivers.toml").read_text("utf-8")
    table = tomllib.loads(text)["driver"]
    fitting = [each for each in table if release is None or each["since"] <= release]
    needed = (fitting or table)[-1 if release else 0]
    version = gpu.rpartition(",")[2].strip()
    enough = (
        version.partition(".")[0].isdigit() and int(version.partition(".")[0]) >= (needed["least"])
    )
    image = f"the container of {release}" if release else "NVIDIA's containers up to 25.07"
    return Row(
        what="GPU driver",
        state="ok" if enough else "low",
        found=version,
        purpose=f"{image} is CUDA {needed['cuda']}: from driver {needed['least']} on",
        remedy="" if enough else f"install NVIDIA's driver {needed['least']} or newer",
    )


def _release(said: Definition | None) -> str | None:
    triton = said.services.get(TRITON) if said else None
    match = RELEASE.search(triton.image) if triton else None
    return match[1] if match else None


def _images(docker: Docker, said: Definition | None) -> Iterator[Row]:
    if said is None:
        return
    needed = dict.fromkeys(each.image for each in said.services.values())
    lacking = [image for image in needed if compose.missing(docker, image)]
    yield Row(
        what="images",
        state="absent" if lacking else "ok",
        found=f"not here: {', '.join(lacking)}" if lacking else f"all {len(needed)} are here",
        purpose=f"what {COMPOSE_FILE} starts",
        remedy="`tritongen up --engine compose` pulls and builds them; without a network, "
        "`docker save` elsewhere and `docker load` here"
        if lacking
        else "",
    )


def _room(info: dict[str, Any]) -> Iterator[Row]:
    folder = Path(info.get("DockerRootDir", ""))
    try:
        left = shutil.disk_usage(folder).free / GIB
    except OSError:  # another machine's Docker, or not ours to look into
        return
    enough = left >= IMAGES_GIB
    yield Row(
        what="disk for images",
        state="ok" if enough else "low",
        found=f"{left:.1f} GiB free below {folder}",
        purpose="Triton's image alone takes 15 GiB and more",
        remedy=""
        if enough
        else f"free {IMAGES_GIB} GiB there; `docker system df` says what takes it",
    )


def _ports(docker: Docker, said: Definition | None) -> Iterator[Row]:
    if said is None:
        for name, number in STACK_PORTS.items():
            yield port(number, name, "say another one in the spec: stack: {ports: ...}")
        return
    own = {
        int(where.rpartition(":")[2])
        for each in compose.running(docker.root, os.environ)
        for where in each.ports.values()
    }
    for service in said.services.values():
        for _, number in service.ports:
            if number not in own and number not in (8000, 8001, 8002):
                yield port(number, service.name, "say another one in the spec: stack: {ports: ...}")
