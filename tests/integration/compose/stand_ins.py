"""Images for names that can't be pulled here: the real programs, laid out as in the real images.

Each keeps the entrypoint, the user and the tools of the image whose name it takes, so that what
the real image lacks is missing here, too.
"""

import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.integration.compose import debian
from tests.integration.compose.engine import Engine

from tritongen.parts.engines.embedded import RELEASE
from tritongen.parts.engines.embedded.installation import installation
from tritongen.parts.engines.embedded.surroundings import lay_out_backends
from tritongen.records.release import Release, releases

HERE = Path(__file__).parent / "images"
STAND_INS = {
    "nvcr.io/nvidia/tritonserver": "triton",
    "haproxy": "haproxy",
    "prom/prometheus": "prometheus",
    "prom/alertmanager": "alertmanager",
    "redis": "redis",
    "locustio/locust": "locust",
}
"""Dockerfiles by the repository of the image that they stand in for."""
SHELL = (
    "bash",
    "dash",
    "coreutils",
    "sed",
    "grep",
    "findutils",
    "libc-bin",
    "base-files",
    "base-passwd",
)
ROOTS: Mapping[str, tuple[str, ...]] = {
    "python": (
        *SHELL,
        "passwd",
        "python3",
        "libpython3.11",
        "libstdc++6",
        "curl",
        "ca-certificates",
    ),
    "servers": (
        *(*SHELL, "busybox", "util-linux"),
        *("prometheus", "prometheus-alertmanager", "haproxy", "redis-server"),
    ),
}
UNUSED = {"coloredlogs", "sympy"}
"""What ONNX Runtime requires for tools that no server runs: 60 MB."""
SUITES = {"python": "bookworm", "servers": "trixie"}
PACKAGES = {
    "triton": ("numpy", "onnxruntime", "pip"),
    "locust": (
        *("locust", "tritonclient[grpc,http]", "numpy", "pip"),
        *("hdrhistogram", "hpack", "hyperframe"),
    ),
}
"""Distributions of this environment that an image holds, with what they need."""
FOLDERS = {
    "triton": "usr/local/lib/python3.11/dist-packages",
    "locust": "opt/venv/lib/python3.11/site-packages",
}


def bases(engine: Engine, suites: Mapping[str, debian.Suite], folder: Path) -> None:
    """Make the images that the Dockerfiles start from, with all that is copied into them."""
    folder.mkdir()
    for name, packages in ROOTS.items():
        root = folder / name
        suites[SUITES[name]].unpack(packages, root)
        finish(root)
    server = folder / "tritonserver"
    lay_out_triton(server, releases()[RELEASE])
    take_in(engine, "servers", {"": folder / "servers"})
    for name, packages in PACKAGES.items():
        content = {"": folder / "python"}
        content.update({f"{FOLDERS[name]}/{file}": path for file, path in files_of(packages)})
        if name == "triton":
            content["opt/tritonserver"] = server
        take_in(engine, name, content)


def finish(root: Path) -> None:
    """Do what the packages' own scripts would do."""
    for each in ("passwd", "group"):
        shutil.copy(root / f"usr/share/base-passwd/{each}.master", root / "etc" / each)
    for each in ("bin", "sbin", "lib"):
        (root / "usr/local" / each).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)


def take_in(engine: Engine, name: str, content: Mapping[str, Path]) -> None:
    """Make the image ``tritongen-test/<name>`` of files and folders by their place in it."""
    command = [engine.program, "import", "--change=ENV LANG=C.UTF-8", "-", f"tritongen-test/{name}"]
    environment = dict(engine.environment)
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as taking:
        assert taking.stdin
        with tarfile.open(fileobj=taking.stdin, mode="w|") as archive:
            for place, path in content.items():
                archive.add(path, f"./{place}")
        taking.stdin.close()
    assert taking.returncode == 0, name


def build(engine: Engine, image: str) -> None:
    """Build the stand-in for ``image`` and give it that name."""
    dockerfile = HERE / f"{STAND_INS[image.rpartition(':')[0]]}.Dockerfile"
    engine.docker("build", "--quiet", "--tag", image, "--file", str(dockerfile), str(HERE))


def lay_out_triton(folder: Path, release: Release) -> None:
    """Put the wheel's server where NVIDIA's container has it."""
    found = installation()
    lay_out_backends(folder / "backends", found, release)
    (folder / "bin").mkdir()
    shutil.copy2(found.server, folder / "bin")
    shutil.copytree(found.caches, folder / "caches")
    shutil.copytree(found.libraries, folder / "lib", ignore=shutil.ignore_patterns("libpython3*"))
    (folder / "repoagents").mkdir()
    (folder / "bin" / "tritonserver").chmod(0o755)
    (folder / "backends/python/triton_python_backend_stub").chmod(0o755)


def files_of(names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Return the files of distributions and of all that they require, compiled ones too."""
    for name in closure(names):
        found = distribution(name)
        for file in found.files or ():
            path = Path(str(found.locate_file(file)))
            if ".." not in file.parts and path.is_file():
                yield file.as_posix(), path


def closure(requirements: Iterable[str]) -> set[str]:
    """Return the distributions that requirements name, and all that these require here."""
    found: set[tuple[str, str]] = set()
    left = [Requirement(each) for each in requirements]
    while left:
        wanted = left.pop()
        name = canonicalize_name(wanted.name)
        for extra in ("", *wanted.extras):
            if (name, extra) in found or name in UNUSED:
                continue
            found.add((name, extra))
            needs = map(Requirement, distribution(name).requires or ())
            left += [
                each for each in needs if not each.marker or each.marker.evaluate({"extra": extra})
            ]
    return {name for name, _ in found}
