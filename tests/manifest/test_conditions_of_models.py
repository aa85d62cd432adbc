"""manifest/model.py: conditions of routes and patterns of intents are read by the engine of rules when the file is."""

from collections.abc import Callable

from fedgate.manifest.model import Manifest

Load = Callable[..., Manifest]
Problems = Callable[..., list[str]]

ROUTES = """models:
  providers: {o: {type: openai, base_url: "http://127.0.0.1:1/v1", api_key: "key-0123456789"}}
  intents: {code: ["write code", %s]}
  routes:
    small: {targets: [{provider: o, model: m}]}
    auto: {rules: [{when: %s, route: small}, {route: small}]}
"""


def test_good_ones_pass(loaded: Load) -> None:
    manifest = loaded(ROUTES % ('"/refactor|implement/i"', "'llm.max_tokens <= 100 && !llm.has_tools'"))
    assert set(manifest.models.routes) == {"small", "auto"}


def test_a_variable_that_nobody_has_is_named_with_its_place(problems: Problems) -> None:
    (problem,) = problems(ROUTES % ('"/x/"', "'llm.max_tokenz > 3'"))
    assert problem.startswith("m.yaml:6:")
    assert "models.routes.auto.rules[0].when knows no variable llm.max_tokenz" in problem
    assert problem.endswith('did you mean "max_tokens"?')


def test_a_pattern_that_could_run_for_ever_is_none(problems: Problems) -> None:
    assert problems(ROUTES % ('"/(?=x)/"', "'true'")) == [
        "m.yaml:3:34: models.intents.code[1] is not a regular expression; "
        "RE2 syntax: no look-around, no back-references"
    ]
