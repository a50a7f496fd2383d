"""A digest is taken from what the image's own registry called it, or there is none."""

import pytest

from tritongen.cli.containers import driver
from tritongen.cli.pinning import digest_of

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("image", "known", "pinned"),
    [
        ("haproxy:3.0.8", [f"haproxy@{DIGEST}"], f"haproxy:3.0.8@{DIGEST}"),
        ("haproxy:3.0.8", [f"docker.io/library/haproxy@{DIGEST}"], f"haproxy:3.0.8@{DIGEST}"),
        ("nvcr.io/nvidia/x:24.10-py3", [f"nvcr.io/nvidia/x@{DIGEST}"],
         f"nvcr.io/nvidia/x:24.10-py3@{DIGEST}"),
        ("registry:5000/x", [f"registry:5000/x@{DIGEST}"], f"registry:5000/x@{DIGEST}"),
        ("haproxy:3.0.8", [f"mirror.example/haproxy@{DIGEST}"], None),
        ("haproxy:3.0.8", [], None),
    ],
)  # fmt: skip
def test_only_the_images_own_registry_gives_a_digest(
    image: str, known: list[str], pinned: str | None
) -> None:
    assert digest_of(image, [{"RepoDigests": known}]) == pinned


def test_an_image_that_is_not_here_has_no_digest() -> None:
    assert digest_of("haproxy:3.0.8", []) is None


@pytest.mark.parametrize(
    ("gpu", "release", "state"),
    [
        ("NVIDIA H100, 535.104.05", "24.10", "ok"),
        ("NVIDIA H100, 470.57.02", "24.10", "low"),
        ("NVIDIA H100, 570.10.01", "25.08", "low"),
        ("NVIDIA H100, 580.65.06", "26.10", "ok"),
        ("NVIDIA H100, 535.104.05", None, "ok"),
        ("NVIDIA H100, [N/A]", "24.10", "low"),
    ],
)
def test_a_driver_is_held_against_the_release_of_the_container(
    gpu: str, release: str | None, state: str
) -> None:
    row = driver(gpu, release)
    assert row.state == state
    assert bool(row.remedy) == (state != "ok")
