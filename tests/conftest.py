"""What all tests share."""

import pytest

from allocator.page_alloc import COMPILED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without the compiled core the tests that need its speed are left out, and say so."""
    if COMPILED:
        return
    for item in items:
        if item.get_closest_marker("speed"):
            reason = "needs the compiled core: no C compiler when pagereel was installed"
            item.add_marker(pytest.mark.skip(reason=reason))


pytest_plugins = ["tests.pipeline.commands", "tests.renderer.browser"]
