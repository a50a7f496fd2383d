"""Triton's scheduler as a discrete-event simulation: arrival times in, latencies out.

It is pure: the same system, arrivals and seed give the same outcome. What it follows and what it
leaves out is told in ``docs/simulator.md``.
"""

from tritongen.simulate.profiles import Observation, merged, profile_key, profiled
from tritongen.simulate.simulation import BISTABLE, simulate
from tritongen.simulate.systems import system_of

__all__ = [
    "BISTABLE",
    "Observation",
    "merged",
    "profile_key",
    "profiled",
    "simulate",
    "system_of",
]
