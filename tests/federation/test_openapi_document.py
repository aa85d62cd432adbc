from typing import Any

import pytest

from fedgate.federation.openapi_document import Broken, Document, is_json, is_text, media_type
from tests.federation.openapi_kit import document

PATHS: dict[str, Any] = {"/x": {}}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "it is no OpenAPI document: openapi: 3.x is missing at its top"),
        ({}, "it is no OpenAPI document"),
        ({"swagger": "2.0", "paths": PATHS}, "it is Swagger 2.0; convert it to OpenAPI 3.0 or 3.1"),
        ({"openapi": "4.0.0", "paths": PATHS}, "it is OpenAPI 4.0.0; only 3.x is understood"),
        ({"openapi": "30", "paths": PATHS}, "it is OpenAPI 30"),
        ({"openapi": "3.0.0"}, "it has no paths: there is nothing to call"),
        ({"openapi": "3.0.0", "paths": []}, "it has no paths"),
    ],
)
def test_what_is_no_openapi_document_is_said(data: object, said: str) -> None:
    with pytest.raises(Broken, match=said):
        Document(data)


@pytest.mark.parametrize(
    ("version", "is_30"), [("3.0.0", True), ("3.0.4", True), (3.0, True), ("3.1.1", False), (3.1, False)]
)
def test_the_dialect_follows_the_version(version: str, is_30: bool) -> None:
    assert document(PATHS, version).is_30 == is_30


def test_references_are_followed_inside_the_document() -> None:
    found = document({"/a b": {"get": {"x": [1, {"y": 2}]}}}, components={"schemas": {"a/b~c": {"z": 3}}})
    assert found.resolve("#/paths/~1a%20b/get/x/1/y") == 2
    assert found.resolve("#/components/schemas/a~1b~0c") == {"z": 3}
    assert found.follow({"$ref": "#/components/schemas/a~1b~0c"}) == {"z": 3}
    assert found.follow({"plain": 1}) == {"plain": 1}
    assert found.follow(None) == {}


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("#/nowhere", "it refers to #/nowhere, which is not there"),
        ("#/paths/~1x/0", "which is not there"),
        ("#/tags/5", "which is not there"),
        ("#/tags/-1", "which is not there"),
        ("other.yaml#/a", "it refers to other.yaml, outside of the document; bundle the parts into one document"),
        ("http://h/x.json", "it refers to http://h/x.json, outside of the document"),
    ],
)
def test_a_reference_that_leads_nowhere_is_broken(reference: str, said: str) -> None:
    with pytest.raises(Broken, match=said):
        document(PATHS, tags=[1]).resolve(reference)


def test_references_in_a_circle_are_broken() -> None:
    found = document(PATHS, a={"$ref": "#/b"}, b={"$ref": "#/a"})
    with pytest.raises(Broken, match="circle"):
        found.follow({"$ref": "#/a"})


def servers(*urls: str, **more: Any) -> dict[str, Any]:
    return {"servers": [{"url": url, **more} for url in urls]}


def test_the_innermost_server_counts_and_the_first_of_several() -> None:
    found = document(PATHS, **servers("https://a.example.com/1", "https://b.example.com"))
    assert found.base({}, {}) == "https://a.example.com/1"
    assert found.base({}, servers("https://path.example.com")) == "https://path.example.com"
    both = (servers("https://own.example.com"), servers("https://path.example.com"))
    assert found.base(*both) == "https://own.example.com"


def test_variables_of_a_server_have_their_defaults() -> None:
    variables = {"region": {"default": "eu"}, "port": {"default": 8443}}
    found = document(PATHS, **servers("https://{region}.example.com:{port}/{none}", variables=variables))
    assert found.base() == "https://eu.example.com:8443/"


@pytest.mark.parametrize("more", [{}, servers("/api"), servers("api"), {"servers": [{}]}])
def test_a_file_without_an_absolute_server_needs_a_base_url(more: dict[str, Any]) -> None:
    with pytest.raises(Broken, match="set base_url in the manifest"):
        document(PATHS, **more).base()


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (None, "https://api.example.com/"),
        ("/v2", "https://api.example.com/v2"),
        ("v2", "https://api.example.com/docs/v2"),
        ("https://api.example.com:443/v2", "https://api.example.com:443/v2"),
    ],
)
def test_servers_of_a_document_with_an_address_are_relative_to_it(url: str | None, base: str) -> None:
    data = {"openapi": "3.1.0", "paths": PATHS, **(servers(url) if url else {})}
    assert Document(data, "https://api.example.com/docs/openapi.json").base() == base


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com",
        "http://api.example.com",
        "//169.254.169.254/",
        "https://[",
        "https://api.example.com:99999/",
    ],
)
def test_a_fetched_document_cannot_point_the_gateway_elsewhere(url: str) -> None:
    found = Document({"openapi": "3.1.0", "paths": PATHS, **servers(url)}, "https://api.example.com/openapi.json")
    with pytest.raises(Broken, match=r"set base_url|cannot be read"):
        found.base()


@pytest.mark.parametrize(
    ("name", "json", "text"),
    [
        ("application/json; charset=utf-8", True, False),
        ("Application/Problem+JSON", True, False),
        ("*/*", True, False),
        ("text/json", True, True),
        ("text/plain", False, True),
        ("application/xml", False, True),
        ("image/svg+xml", False, True),
        ("application/x-ndjson", False, True),
        ("image/png", False, False),
        ("application/octet-stream", False, False),
        ("", False, False),
    ],
)
def test_media_types_are_told_apart(name: str, json: bool, text: bool) -> None:
    assert (is_json(media_type(name)), is_text(media_type(name))) == (json, text)
