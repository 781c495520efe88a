"""The recorded benchmarks that the reports read, each named once.

A test holds the names, and those of the parameters, to results/benchmarks.json.
"""


class Benchmark(str):
    """asv's name of a benchmark, module.Class.method, which knows its parameters' names."""

    parameters: tuple[str, ...]

    def __new__(cls, name: str, *parameters: str) -> "Benchmark":
        benchmark = super().__new__(cls, name)
        benchmark.parameters = parameters
        return benchmark


GRADIENT = Benchmark("gradient.Gradient.track_time", "way", "n", "p")
SPEEDUP = Benchmark("gradient.Gradient.track_speedup_over_numpy", "way", "n", "p")
GRADIENT_COST = Benchmark("gradient.Gradient.track_value_and_gradient_over_value", "way", "n", "p")
PREPARATION = Benchmark("gradient.Preparation.track_time", "way", "n", "p")
ONE_READ = Benchmark("gradient.ReadLimit.track_one_read", "n", "p")

READ_SHARE = Benchmark("roofline.Roofline.track_share_of_read_limit", "threads", "order", "X", "p")
ONE_THREAD = Benchmark("roofline.OneThread.track_speedup_over_numpy", "order", "X", "p")
ADVANTAGE = Benchmark("roofline.Advantage.track_speedup", "over", "order", "X", "p")

BREAK_EVEN = Benchmark("compilation.BreakEven.track_gradients_until_paid", "first call", "n", "p")

AUTOGRAD = Benchmark("autograd.Autograd.track_time", "call", "X")

PEERS_SPEEDUP = Benchmark("peers.Gradient.track_speedup_over_numpy", "way", "n", "p")
PEERS_TIME = Benchmark("peers.Gradient.track_time", "way", "n", "p")
PEERS_TALL = Benchmark("peers.Tall.track_time_over_minimum_norm", "routine", "family", "X")

CLUSTER_TIME = Benchmark("cluster.Times.track_time", "of", "X")
MESSAGES = Benchmark("cluster.Messages.track_time", "p", "workers")
SCHEDULER = Benchmark("cluster.Messages.track_time_of_scheduler", "p", "workers")

SOLVE = Benchmark("rank_deficient.Time.track_time", "solver", "family", "X")
DIGITS_LOST = Benchmark("rank_deficient.Time.track_digits_lost", "solver", "family", "X")

CONFORMANCE = Benchmark("conformance.Conformance.track_cases", "routine", "cases", "verdict")

CERTIFIED = Benchmark("accuracy.Certified.track_digits", "solver", "set")
VARIANCE = Benchmark("accuracy.Variance.track_digits", "solver", "set")
CONDITION = Benchmark("accuracy.Condition.track_digits", "solver", "dtype", "condition number")

DESCENT = Benchmark("descent.Descent.track_time", "solver", "condition number", "X")
DESCENT_SECONDS = Benchmark(
    "descent.Descent.track_seconds_curve", "solver", "condition number", "X"
)
DESCENT_GRADIENTS = Benchmark(
    "descent.Descent.track_evaluations_curve", "solver", "condition number", "X"
)

CURVES = (DESCENT_SECONDS, DESCENT_GRADIENTS)  # whose samples are the points of a curve

BENCHMARKS = [value for value in list(globals().values()) if isinstance(value, Benchmark)]

# What asv timed itself before all ways of a size were timed in one process. A record of then
# answers for it where there is no other, and is in no series with those of now.
FORMERLY: dict[str, str] = {
    GRADIENT: "gradient.Gradient.time_gradient",
    PREPARATION: "gradient.Preparation.time_prepare",
}
