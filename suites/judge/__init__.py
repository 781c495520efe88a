"""What is right: gradients, solutions and digits, judged by code that no kernel shares."""

from suites.judge.digits import log_relative_error, normwise_digits, solution_ratio
from suites.judge.errors import WrongAnswerError, unit_roundoff
from suites.judge.exact import ExactSolution, Rational, exact_gradient, exact_rank, exact_solution
from suites.judge.gradient import GradientOracle
from suites.judge.solution import RIGHT, SolutionJudge, check_solution

__all__ = [
    "RIGHT",
    "ExactSolution",
    "GradientOracle",
    "Rational",
    "SolutionJudge",
    "WrongAnswerError",
    "check_solution",
    "exact_gradient",
    "exact_rank",
    "exact_solution",
    "log_relative_error",
    "normwise_digits",
    "solution_ratio",
    "unit_roundoff",
]
