"""The compact schemas say what the installed SDKs say. After an update: python -m lab.cloud.sdk_schema."""

import pytest

from lab.cloud.registry import NAMES, load_provider
from lab.cloud.schema import load_schema
from lab.cloud.sdk_schema import read_schema


@pytest.mark.parametrize("provider", NAMES)
def test_the_stored_schema_is_the_installed_sdks(provider):
    assert load_schema(provider) == read_schema(provider)


@pytest.mark.parametrize("provider", NAMES)
def test_every_type_and_every_field_that_the_lab_speaks_of_exists(provider):
    schema = load_schema(provider)
    assert set(load_provider(provider).kinds) == set(schema)
    for token, kind in load_provider(provider).kinds.items():
        inputs = set(schema[token]["inputs"])
        assert kind.replaces | kind.unordered | kind.unstored <= inputs, token
        assert kind.secret_outputs <= set(schema[token]["outputs"]), token
