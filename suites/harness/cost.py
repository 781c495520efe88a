"""What being judged costs a timed call, at 100 x 4.

python -m suites.harness.cost      # prints the time through the harness over that of a bare loop
"""

from time import perf_counter

import numpy as np

from kernels import WAYS, Array, Way
from suites.data import problems
from suites.harness.threads import use_threads
from suites.harness.verified import Truth, Verified

_BATCH, _ROUNDS = 2e-3, 400  # a batch in seconds, as in suites/harness/timing.py


def _bare(way: Way, w: Array, number: int) -> float:
    gradient = way.gradient
    gradient(w)
    began = perf_counter()
    for _ in range(number):
        gradient(w)
    return perf_counter() - began


def main() -> None:
    problem = problems.gaussian(100, 4)
    truth = Truth(problem)
    use_threads(1)
    for name in WAYS:
        way = WAYS[name](problem)
        turns = Verified(way, truth).gradient
        number = max(4, int(_BATCH / _bare(way, truth.points[0], 100) * 100))
        times = np.empty((_ROUNDS, 2))
        for k in range(_ROUNDS):
            for i in (0, 1) if k % 2 else (1, 0):
                times[k, i] = _bare(way, truth.points[0], number) if i else turns.batch(number)
        turns.check()
        judged, bare = np.median(times, axis=0) / number
        low, ratio, high = np.quantile(times[:, 0] / times[:, 1], [0.25, 0.5, 0.75])
        print(
            f"{name:6} {bare * 1e6:7.3f} µs bare, {judged * 1e6:7.3f} µs judged,"
            f" ratio {ratio:.3f} [{low:.3f}, {high:.3f}]"
        )


if __name__ == "__main__":
    main()
