"""a2a/operations.py: every operation has its names and routes, both ways, and no path means two things."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fedgate.a2a.errors import A2aError
from fedgate.a2a.operations import (
    MAX_ID,
    MAX_PATH,
    OPERATIONS,
    PUSH,
    SENDS,
    STREAMS,
    Route,
    allowed,
    method_name,
    names_tenant,
    of_json,
    of_method,
    of_route,
    route_path,
    version_of,
)
from fedgate.a2a.values import Version

CONFIGS = "/tasks/t-1/pushNotificationConfigs"
METHODS = [
    ("SendMessage", "SendMessage", "message/send"),
    ("SendStreamingMessage", "SendStreamingMessage", "message/stream"),
    ("GetTask", "GetTask", "tasks/get"),
    ("ListTasks", "ListTasks", None),
    ("CancelTask", "CancelTask", "tasks/cancel"),
    ("SubscribeToTask", "SubscribeToTask", "tasks/resubscribe"),
    ("CreateTaskPushNotificationConfig", "CreateTaskPushNotificationConfig", "tasks/pushNotificationConfig/set"),
    ("GetTaskPushNotificationConfig", "GetTaskPushNotificationConfig", "tasks/pushNotificationConfig/get"),
    ("ListTaskPushNotificationConfigs", "ListTaskPushNotificationConfigs", "tasks/pushNotificationConfig/list"),
    ("DeleteTaskPushNotificationConfig", "DeleteTaskPushNotificationConfig", "tasks/pushNotificationConfig/delete"),
    ("GetExtendedAgentCard", "GetExtendedAgentCard", "agent/getAuthenticatedExtendedCard"),
]
ROUTES = [
    ("SendMessage", "POST", "/message:send", "", ""),
    ("SendStreamingMessage", "POST", "/message:stream", "", ""),
    ("GetTask", "GET", "/tasks/t-1", "t-1", ""),
    ("CancelTask", "POST", "/tasks/t-1:cancel", "t-1", ""),
    ("SubscribeToTask", "POST", "/tasks/t-1:subscribe", "t-1", ""),
    ("SubscribeToTask", "GET", "/tasks/t-1:subscribe", "t-1", ""),
    ("CreateTaskPushNotificationConfig", "POST", CONFIGS, "t-1", ""),
    ("ListTaskPushNotificationConfigs", "GET", CONFIGS, "t-1", ""),
    ("GetTaskPushNotificationConfig", "GET", CONFIGS + "/c-1", "t-1", "c-1"),
    ("DeleteTaskPushNotificationConfig", "DELETE", CONFIGS + "/c-1", "t-1", "c-1"),
]
"""Those that are in both versions."""
OWN_ROUTES: list[tuple[Version, str, str, str]] = [
    ("1.0", "ListTasks", "GET", "/tasks"),
    ("1.0", "GetExtendedAgentCard", "GET", "/extendedAgentCard"),
    ("0.3", "GetExtendedAgentCard", "GET", "/v1/card"),
]


def test_there_are_eleven_operations_and_each_has_a_row_here() -> None:
    assert len(OPERATIONS) == 11
    assert {row[0] for row in METHODS} == OPERATIONS
    assert len(SENDS) == len(STREAMS) == 2
    assert len(PUSH) == 4
    assert OPERATIONS >= SENDS | STREAMS | PUSH


@pytest.mark.parametrize(("operation", "current", "legacy"), METHODS)
def test_method_names_go_both_ways(operation: str, current: str, legacy: str | None) -> None:
    assert method_name(operation, "1.0") == current
    assert method_name(operation, "0.3") == legacy
    assert of_method(current) == (operation, "1.0")
    assert legacy is None or of_method(legacy) == (operation, "0.3")
    assert of_json(b'"%b"' % current.encode()) == (operation, "1.0")
    assert of_json(current.encode()) is None


def test_other_names_are_no_methods() -> None:
    for name in ("", "sendMessage", "tasks/list", "message/Send", "tools/call", "SendMessage "):
        assert of_method(name) is None
    assert method_name("tools/call", "1.0") is None
    assert method_name("tools/call", "0.3") is None


@pytest.mark.parametrize("version", ["1.0", "0.3"])
@pytest.mark.parametrize(("operation", "method", "path", "task", "config"), ROUTES)
def test_routes_are_read_and_written(
    version: Version, operation: str, method: str, path: str, task: str, config: str
) -> None:
    prefix = "/v1" if version == "0.3" else ""
    assert of_route(method, prefix + path) == Route(operation, version, path, task, config)
    written = route_path(operation, version, task, config)
    assert written is not None
    assert of_route(*written) == Route(operation, version, path, task, config)


@pytest.mark.parametrize(("version", "operation", "method", "path"), OWN_ROUTES)
def test_some_routes_are_of_one_version(version: Version, operation: str, method: str, path: str) -> None:
    assert of_route(method, path) == Route(operation, version, path.removeprefix("/v1"))
    assert route_path(operation, version) == (method, path)


def test_list_tasks_has_no_route_in_the_old_version() -> None:
    assert route_path("ListTasks", "0.3") is None
    assert of_route("GET", "/v1/tasks") is None
    assert of_route("GET", "/v1/extendedAgentCard") is None
    assert of_route("GET", "/card") is None
    assert route_path("tools/call", "1.0") is None


def test_subscribing_is_written_as_each_version_has_it() -> None:
    assert route_path("SubscribeToTask", "1.0", "t") == ("POST", "/tasks/t:subscribe")
    assert route_path("SubscribeToTask", "0.3", "t") == ("GET", "/v1/tasks/t:subscribe")


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "//", "/tasks/", "tasks", "/v1", "/v1/", "/v2/tasks", "/Tasks", "/tasks//", "/tasks/:cancel"),
        *("/tasks/t/", "/tasks/t/other", "/tasks/t/pushNotificationConfigs/", "/tasks/t/pushNotificationConfigs/c/d"),
        *("/tasks//pushNotificationConfigs", "/message:sent", "/message/send", "/v1/v1/tasks/t", "/t/tasks/t"),
        *("/{}", "/tasks/{}", "/%7B%7D"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_there_are_no_other_routes(method: str, path: str) -> None:
    assert of_route(method, path) is None


@pytest.mark.parametrize(("method", "path"), [("POST", "/tasks/t"), ("GET", "/tasks/t:cancel"), ("HEAD", "/tasks")])
def test_a_method_that_the_path_does_not_have_is_no_route(method: str, path: str) -> None:
    assert of_route(method, path) is None


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/tasks/t:subscribe", "GET, POST"),
        ("/tasks/t:cancel", "POST"),
        (CONFIGS, "GET, POST"),
        ("/v1" + CONFIGS + "/c", "DELETE, GET"),
        ("/v1/card", "GET"),
        ("/tasks", "GET"),
        ("/v1/tasks", ""),
        ("/nothing", ""),
        ("/%FF", ""),
    ],
)
def test_a_path_says_which_methods_it_has(path: str, methods: str) -> None:
    assert allowed(path) == methods


@pytest.mark.parametrize(
    ("written", "task"),
    [
        ("a%20b", "a b"),
        ("%61", "a"),
        ("a:b", "a:b"),
        ("a%3Ab", "a:b"),
        ("%C3%A9", "é"),
        ("a%25b", "a%b"),
        ("a+b", "a+b"),
        ("a=b;c,d@e", "a=b;c,d@e"),
        ("%7B%7D", "{}"),
        ("..a", "..a"),
    ],
)
def test_ids_are_decoded_and_the_path_is_kept_as_it_was_written(written: str, task: str) -> None:
    assert of_route("GET", f"/tasks/{written}") == Route("GetTask", "1.0", f"/tasks/{written}", task)
    assert of_route("POST", f"/v1/tasks/{written}:cancel") == Route(
        "CancelTask", "0.3", f"/tasks/{written}:cancel", task
    )


def test_a_verb_counts_however_it_is_written() -> None:
    assert of_route("GET", "/tasks/t%3Asubscribe") == Route("SubscribeToTask", "1.0", "/tasks/t%3Asubscribe", "t")
    assert of_route("GET", "/tasks/t%3acancel") is None
    assert of_route("POST", "/tasks/a:b:cancel") == Route("CancelTask", "1.0", "/tasks/a:b:cancel", "a:b")


@pytest.mark.parametrize(
    "path",
    [
        *("/tasks/a%2Fb", "/tasks/a%2fpushNotificationConfigs", "/tasks%2Fa", "/tasks/a%5Cb", "/tasks/a\\b"),
        *("/tasks/.", "/tasks/..", "/tasks/%2e%2e", "/tasks/.%2E", "/v1/../tasks/t", "/%76%31/tasks/t"),
        *("/tasks/%", "/tasks/%4", "/tasks/%zz", "/tasks/%FF", "/tasks/%C3", "/tasks/%ED%A0%80"),
        *("/tasks/a?b", "/tasks/a#b", "/tasks/a b", "/tasks/é", "/tasks/a\n", "/tasks/a\0", '/tasks/"'),
        "/tasks/" + "a" * MAX_PATH,
    ],
)
def test_what_another_reader_could_take_for_another_path_is_no_route(path: str) -> None:
    assert of_route("GET", path) is None
    assert allowed(path) == ""


@pytest.mark.parametrize("written", ["%00", "a%0Ab", "%7F", "a%1f", "a" * (MAX_ID + 1)])
def test_an_id_that_is_none_is_refused(written: str) -> None:
    for path in (f"/tasks/{written}", f"/tasks/t/pushNotificationConfigs/{written}"):
        with pytest.raises(A2aError) as caught:
            of_route("GET", path)
        assert caught.value.code == -32602


@pytest.mark.parametrize("task", [".", ".."])
def test_an_id_that_would_lead_elsewhere_is_not_written(task: str) -> None:
    with pytest.raises(A2aError):
        route_path("GetTask", "1.0", task)


@pytest.mark.parametrize(
    ("path", "tenant"),
    [
        ("/acme/tasks/t", True),
        ("/acme/message:send", True),
        ("/acme/extendedAgentCard", True),
        ("/v1/tasks/t", False),
        ("/acme/v1/tasks/t", False),
        ("/tasks/t", False),
        ("/acme/other", False),
        ("/acme", False),
        ("", False),
    ],
)
def test_a_path_with_a_tenant_is_known_as_one(path: str, tenant: bool) -> None:
    assert names_tenant(path) is tenant
    assert not tenant or of_route("GET", path) is None


def test_the_prefix_says_the_version() -> None:
    assert version_of("/v1") == version_of("/v1/anything") == "0.3"
    assert version_of("") == version_of("/v10/tasks") == version_of("/tasks") == "1.0"


IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


VERSIONS: list[Version] = ["1.0", "0.3"]


@given(IDS, IDS, st.sampled_from(VERSIONS))
def test_whatever_an_id_is_made_of_it_comes_back(task: str, config: str, version: Version) -> None:
    try:
        written = route_path("GetTaskPushNotificationConfig", version, task, config)
    except A2aError:
        assert {task, config} & {".", ".."}
        return
    assert written is not None
    found = of_route(*written)
    if {"/", "\\"} & set(task + config):
        assert found is None
    else:
        assert found is not None
        assert found[:2] + found[3:] == ("GetTaskPushNotificationConfig", version, task, config)


@given(st.text(max_size=60), st.sampled_from(["GET", "POST", "DELETE", "PUT"]))
@example("/tasks/%00", "GET")
@example("/v1/tasks/t", "GET")
def test_any_path_is_a_route_or_none_or_refused(path: str, method: str) -> None:
    try:
        found = of_route(method, path)
    except A2aError:
        return  # an id that is none
    assert found is None or found.path == path.removeprefix("/v1")
    assert isinstance(allowed(path), str)
