"""How much is tried: ``FUZZ_ROUNDS=100`` for a long run, 1 otherwise."""

import os

from hypothesis import HealthCheck, settings

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "1"))


def tries(count: int) -> settings:
    """Return settings for ``count`` examples, times the rounds asked for."""
    return settings(
        max_examples=count * ROUNDS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
