"""Markers of tests whose clients are fetched from registries: they run with `-m clients` or `-m frameworks` alone."""

import pytest

MARKERS = {
    "clients": "fetches other people's clients; runs with -m clients",
    "frameworks": "fetches agent frameworks (a gigabyte); runs with -m frameworks",
}


def pytest_configure(config: pytest.Config) -> None:
    for name, about in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {about}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("markexpr", "")
    others = [name for name in MARKERS if name not in wanted]
    fetched = [item for item in items if any(item.get_closest_marker(name) is not None for name in others)]
    if fetched:
        config.hook.pytest_deselected(items=fetched)
        items[:] = [item for item in items if item not in fetched]
