"""What the tests share: the ways, by name."""

import pytest

from kernels import WAYS, Way


@pytest.fixture(params=list(WAYS))
def way(request: pytest.FixtureRequest) -> type[Way]:
    """Each way in turn."""
    return WAYS[request.param]
