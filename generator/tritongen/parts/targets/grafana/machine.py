"""The page of the machines: processors, memory, GPUs, the response cache."""

from collections.abc import Iterator

from tritongen.parts.targets.grafana import common
from tritongen.parts.targets.grafana.page import ORANGE, RED, Page, Panel, Query, Row
from tritongen.records.monitoring import parts
from tritongen.records.plan import Plan

HERE = 'job="triton", instance=~"$replica"'
FULL = ((0.9, ORANGE), (0.95, RED))


def page(plan: Plan) -> Page:
    """Return the page; GPUs are on it where the servers have some."""
    gpu = "gpu" in parts(plan)
    return Page(
        name="machine",
        title="CPU and GPU" if gpu else "CPU",
        description="What the servers' machines do. Triton tells of whole machines, not of its "
        "container.",
        rows=tuple(_rows(plan)),
        variables=(common.REPLICA,),
        notes=common.notes(plan),
    )


def _rows(plan: Plan) -> Iterator[Row]:
    has = parts(plan)
    yield Row(title="Processors and memory", panels=tuple(_cpu(has)))
    if "gpu" in has:
        yield Row(title="GPUs", panels=tuple(_gpu()))
    if "local_cache" in has:
        yield Row(title="Response cache", panels=tuple(_cache()))


def _cpu(has: frozenset[str]) -> Iterator[Panel]:
    yield Panel(
        title="Processors in use",
        description="Share of the whole machine's processor time, as each replica sees it.",
        unit="percentunit",
        most=1,
        queries=(Query(f"nv_cpu_utilization{{{HERE}}}", "{{instance}}"),),
        limits=FULL,
    )
    yield Panel(
        title="Memory in use",
        description="Share of the machine's memory.",
        unit="percentunit",
        most=1,
        queries=(
            Query(
                f"nv_cpu_memory_used_bytes{{{HERE}}} / nv_cpu_memory_total_bytes{{{HERE}}}",
                "{{instance}}",
            ),
        ),
        limits=FULL,
    )
    if "pinned_memory" in has:
        yield Panel(
            title="Pinned memory in use",
            description="Memory of the pool through which GPUs are fed; none is used without.",
            unit="bytes",
            queries=(
                Query(f"nv_pinned_memory_pool_used_bytes{{{HERE}}}", "{{instance}} used"),
                Query(f"nv_pinned_memory_pool_total_bytes{{{HERE}}}", "{{instance}} of"),
            ),
        )


def _gpu() -> Iterator[Panel]:
    name = "{{instance}} {{gpu_uuid}}"
    yield Panel(
        title="GPU in use",
        description="Share of the time in which the GPU ran something.",
        unit="percentunit",
        most=1,
        queries=(Query(f"nv_gpu_utilization{{{HERE}}}", name),),
    )
    yield Panel(
        title="GPU memory in use",
        description="Share of the GPU's memory; what a backend once took it may keep.",
        unit="percentunit",
        most=1,
        queries=(Query('tritongen:gpu_memory:ratio{instance=~"$replica"}', name),),
        limits=FULL,
    )
    yield Panel(
        title="GPU power",
        description="Power that the GPU draws, and may draw.",
        unit="watt",
        queries=(
            Query(f"nv_gpu_power_usage{{{HERE}}}", name),
            Query(f"nv_gpu_power_limit{{{HERE}}}", f"{name} limit"),
        ),
    )


def _cache() -> Iterator[Panel]:
    yield Panel(
        title="Cache in use",
        description="Share of the cache's bytes that hold answers.",
        unit="percentunit",
        most=1,
        queries=(Query(f"nv_cache_util{{{HERE}}}", "{{instance}}"),),
    )
    yield Panel(
        title="Answers in the cache",
        description="How many answers the cache of each replica holds.",
        unit="short",
        queries=(Query(f"nv_cache_num_entries{{{HERE}}}", "{{instance}}"),),
    )
    yield Panel(
        title="Thrown out of the cache",
        description="Answers a second that made room for others: many mean it is too small.",
        unit="suffix:/s",
        queries=(Query(f"rate(nv_cache_num_evictions{{{HERE}}}[1m])", "{{instance}}"),),
    )
