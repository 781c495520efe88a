"""The views of the records, in the order of the page: a file for each, its rows and its chart."""

from report.views.autograd import Autograd
from report.views.certified import Certified
from report.views.chart import Colours
from report.views.condition import Condition
from report.views.conformance import Conformance
from report.views.convergence import Convergence, Evaluations
from report.views.deficient import Deficient
from report.views.fastest import Fastest
from report.views.gradient_cost import GradientCost
from report.views.history import History
from report.views.payback import Payback
from report.views.roofline import Roofline
from report.views.times import Times
from report.views.upgrade import Upgrade
from report.views.view import View

VIEWS: list[View] = [
    Fastest(),
    Times(),
    Roofline(),
    GradientCost(),
    Autograd(),
    Payback(),
    Deficient(),
    Conformance(),
    Certified(),
    Condition(),
    Convergence(),
    Evaluations(),
    History(),
    Upgrade(),
]

__all__ = ["VIEWS", "Colours", "View"]
