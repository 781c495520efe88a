"""What a view is: a question to the records, its rows and its chart."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from report.benchmarks import Benchmark
from report.results import Cell, Newest, Record
from report.text import spread
from report.views.chart import Colours, Spec

Rows = list[dict[str, Any]]


class View(ABC):
    """A section of the page. All that is shown of it stands in its class.

    A view takes for each point the newest record on the machine that has it, and names its commit.
    A row of a way that failed its check has no value and says "wrong"; it is drawn as such, never
    as fast.
    """

    id: ClassVar[str]  # also in permanent links: it stays
    title: ClassVar[str]
    note: ClassVar[str]
    #: The fields by which a reader can choose among the rows, with what is chosen at first.
    choose: ClassVar[dict[str, str]] = {}

    @property
    def frame(self) -> str:
        """The name of the rows: views of the same rows share them."""
        return self.id

    @abstractmethod
    def rows(self, records: list[Record]) -> Rows:
        """Return the rows that are drawn, from the records of a machine, the oldest first."""

    @abstractmethod
    def chart(self, colours: Colours) -> Spec:
        """Return the chart in Vega-Lite, without its rows."""


def points(records: list[Record], benchmark: Benchmark, value: str) -> Rows:
    """Return a row for each choice of parameters that was run, parameters under their names."""
    return [
        {
            **{
                name: int(entry) if name in ("n", "p") else entry
                for name, entry in zip(benchmark.parameters, key, strict=True)
            },
            **measured(cell, value),
            "commit": record.commit[:8],
        }
        for key, (cell, record) in Newest(records).points(benchmark).items()
    ]


def measured(cell: Cell, value: str) -> dict[str, Any]:
    """Return the fields of a cell: its value under a name of its own, its interval, its processes.

    An interval that is not known is drawn as the value alone. Nor is it known which kind of failure
    has left no value: the page lists them.
    """
    if cell.value is None:
        return {value: None, "status": "wrong"}
    low, high = cell.interval or (cell.value, cell.value)
    known = {"unsure": cell.is_unsure, "spread": spread(cell)} if cell.processes else {}
    return {value: cell.value, "low": low, "high": high, "status": "right", **known}
