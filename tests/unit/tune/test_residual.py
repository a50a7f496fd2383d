"""What measurements say beyond the simulation: errors are learned, luck is not."""

import pytest

from tritongen.parts.searches._residual import THROUGHPUT, Residual

PLACES = [[n / 9] for n in range(10)]


def test_an_error_that_neighbours_share_is_believed() -> None:
    residual = Residual(THROUGHPUT, PLACES, [0.2 * place for (place,) in PLACES])
    means, devs = residual.at([[0.0], [1.0]])
    assert means == pytest.approx([0.0, 0.2], abs=0.02)
    assert max(devs) < 0.03


def test_a_measurement_that_no_neighbour_confirms_was_lucky() -> None:
    seen = [0.1, -0.1, 0.12, -0.09, 0.11, -0.1, 0.08, -0.12, 0.1, -0.1]
    means, devs = Residual(THROUGHPUT, PLACES, seen).at(PLACES)
    assert max(abs(means)) < 0.05
    assert min(devs) > 0.01


def test_without_measurements_the_simulation_is_taken_as_it_is() -> None:
    means, devs = Residual(THROUGHPUT, [], []).at([[0.5]])
    assert means.tolist() == [0.0]
    assert devs[0] == pytest.approx(0.1)
