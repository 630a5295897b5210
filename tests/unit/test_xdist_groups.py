"""Tests that share what is dear to start run on one worker; pytest and pytest-xdist must agree on how that is told."""

import pytest


@pytest.mark.xdist_group("here")
def test_xdist_knows_of_a_group(request: pytest.FixtureRequest) -> None:
    spread = hasattr(request.config, "workerinput")
    assert request.node.nodeid.endswith("@here") == spread
