"""The verdicts of `make compare` on simulated noise: as often wrong as they say, and not blind."""

import math
import random
from collections.abc import Callable
from statistics import fmean

import pytest

from suites.compare.sequential import (
    LEVEL,
    Comparison,
    Evidence,
    evidence_above,
    interval,
    is_above,
    lower_bound,
)

Noise = Callable[[random.Random], float]  # of the log of the seconds of one process


def normal(rng: random.Random) -> float:
    return rng.gauss(0, 0.05)


def heavy(rng: random.Random) -> float:
    """Student's t of three degrees of freedom."""
    return 0.04 * rng.gauss(0, 1) / math.sqrt(rng.gammavariate(1.5, 2) / 3)


def disturbed(rng: random.Random) -> float:
    """One process in ten is half as slow again."""
    return rng.gauss(0, 0.03) + (math.log(1.5) if rng.random() < 0.1 else 0)


def bimodal(rng: random.Random) -> float:
    return rng.gauss(0, 0.02) + rng.choice([0, 0.12])


NOISES: list[Noise] = [normal, heavy, disturbed, bimodal]
noises = pytest.mark.parametrize("noise", NOISES, ids=lambda noise: str(noise.__name__))


def pair(rng: random.Random, noise: Noise, effect: float = 0.0) -> tuple[float, float]:
    """Return the seconds of base and head in two processes in turn, by a coin."""
    first, second = noise(rng), noise(rng)
    base, head = (first, second) if rng.random() < 0.5 else (second, first)
    return 1e-5 * math.exp(base), 1e-5 * math.exp(head + effect)


def compared(
    rng: random.Random, noise: Noise, *, effect: float = 0.0, cells: int = 1, pairs: int = 60
) -> Evidence:
    """Return one cell of several, whose level it shares, after so many pairs at most."""
    evidence = Evidence(LEVEL / cells)
    for _ in range(pairs):
        if evidence.verdict == "undecided":
            evidence.add(*pair(rng, noise, effect))
    return evidence


@pytest.mark.parametrize("differences", [[0.3], [0.3, -0.1], [0.02, 0.05, -0.4, 0.01]])
@pytest.mark.parametrize("m", [-0.2, 0.0, 0.03])
def test_the_mean_of_the_evidence_over_all_signs_is_one(differences: list[float], m: float) -> None:
    n = len(differences)
    signs = [[1 if k >> i & 1 else -1 for i in range(n)] for k in range(2**n)]
    values = [
        math.exp(
            evidence_above([m + s * (d - m) for s, d in zip(row, differences, strict=True)], m)
        )
        for row in signs
    ]
    assert fmean(values) == pytest.approx(1)


def test_a_bound_is_where_the_evidence_meets_the_level() -> None:
    rng = random.Random(1)
    differences = [rng.gauss(0.1, 0.05) for _ in range(25)]
    low = lower_bound(differences, 0.01)
    assert is_above(differences, low, 0.01)
    assert not is_above(differences, low + 1e-4, 0.01)
    assert 0 < low < 0.1
    assert lower_bound(differences[:7], 0.01) == -math.inf  # 1.9⁷ < 100
    assert interval([], 0.05) == (-math.inf, math.inf)


def test_an_interval_turns_with_the_signs_and_moves_with_the_data() -> None:
    rng = random.Random(2)
    differences = [rng.gauss(0, 0.05) for _ in range(20)]
    low, high = interval(differences, 0.05)
    assert interval([-d for d in differences], 0.05) == pytest.approx((-high, -low))
    moved = interval([d + 0.3 for d in differences], 0.05)
    assert moved == pytest.approx((low + 0.3, high + 0.3), abs=1e-4)


@noises
@pytest.mark.parametrize("effect", [0.0, 0.05], ids=["same", "5 %"])
def test_an_interval_holds_at_all_looks_at_once(noise: Noise, effect: float) -> None:
    """Looked at after each of 30 pairs, at 20 %: a level that chance reaches."""
    missed = 0
    for trial in range(200):
        rng = random.Random(trial)
        differences: list[float] = []
        for _ in range(30):
            base, head = pair(rng, noise, effect)
            differences.append(math.log(head / base))
            below = [-d for d in differences]
            if is_above(differences, effect, 0.1) or is_above(below, -effect, 0.1):
                missed += 1
                break
    assert missed <= 40 + 3 * math.sqrt(200 * 0.2 * 0.8)


@noises
def test_what_is_the_same_is_hardly_ever_accused(noise: Noise) -> None:
    """Of 200 comparisons of something with itself, at the level of all cells at once."""
    verdicts = [compared(random.Random(trial), noise).verdict for trial in range(200)]
    assert sum(verdict in ("slower", "faster") for verdict in verdicts) <= 200 * LEVEL


@noises
def test_ten_percent_are_found_among_twenty_cells(noise: Noise) -> None:
    trials = [
        compared(random.Random(trial), noise, effect=math.log(1.1), cells=20, pairs=100)
        for trial in range(20)
    ]
    assert sum(trial.verdict == "slower" for trial in trials) >= 19
    assert not any(trial.verdict in ("faster", "equal") for trial in trials)


def test_what_is_little_noise_is_called_equal() -> None:
    evidence = compared(random.Random(3), lambda rng: rng.gauss(0, 0.01), cells=20)
    assert evidence.verdict == "equal"
    assert evidence.delta == math.log(1.02)


def test_faster_is_slower_the_other_way_round() -> None:
    evidence = compared(random.Random(4), normal, effect=-0.2)
    assert evidence.verdict == "faster"
    assert evidence.location == pytest.approx(-0.2, abs=0.05)


def test_the_machine_may_drift_and_jump_for_minutes() -> None:
    """The coin makes the test valid, not independence: noise that several processes share."""
    wrong = 0
    for trial in range(100):
        state, left, drift = 0.0, 0, 0.0

        def shared(rng: random.Random) -> float:
            nonlocal state, left, drift
            if left == 0:
                state, left = rng.choice([0, 0.3]), rng.randint(1, 12)
            left -= 1
            drift += 0.005
            return state + drift + rng.gauss(0, 0.02)

        wrong += compared(random.Random(trial), shared).verdict in ("slower", "faster")
    assert wrong <= 100 * LEVEL


def test_a_difference_that_was_chance_is_not_told() -> None:
    evidence, rng = Evidence(LEVEL), random.Random(6)
    while not is_above(evidence.differences, evidence.delta, LEVEL / 2):
        evidence.add(1.0, 1.2)
    for _ in range(30):
        evidence.add(*pair(rng, normal))
    assert evidence.verdict == "undecided"


def test_delta_is_what_the_cell_differs_from_itself() -> None:
    evidence = Evidence(LEVEL)
    for seconds in (1.0, math.exp(0.2), 1.0, math.exp(0.2)):
        evidence.add(seconds, seconds)
    assert evidence.delta == pytest.approx(2 * 1.4826 * 0.2 / math.sqrt(4))


def test_cells_share_the_level() -> None:
    comparison = Comparison([str(k) for k in range(20)])
    assert sum(cell.level for cell in comparison.cells.values()) == pytest.approx(LEVEL)
    assert len(comparison.open()) == 20
