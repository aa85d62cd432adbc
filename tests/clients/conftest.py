"""The marker `clients`: tests whose clients are fetched from registries. They run with `-m clients` alone."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "clients: fetches other people's clients; runs with -m clients")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "clients" in config.getoption("markexpr", ""):
        return
    fetched = [item for item in items if item.get_closest_marker("clients") is not None]
    if fetched:
        config.hook.pytest_deselected(items=fetched)
        items[:] = [item for item in items if item not in fetched]
