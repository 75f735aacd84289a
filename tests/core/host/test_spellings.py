"""`host` and `host:443` are one registry."""

import pytest

from core.host.spellings import is_same_registry, spellings


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("h.example", ("h.example", "h.example:443")),
        ("h.example:443", ("h.example:443", "h.example")),
        ("h.example:5443", ("h.example:5443",)),
        ("H.Example:5000", ("H.Example:5000", "h.example:5000")),
        ("[fd00::1]", ("[fd00::1]", "[fd00::1]:443")),
        ("[fd00::1]:443", ("[fd00::1]:443", "[fd00::1]")),
        ("[fd00::443]:5000", ("[fd00::443]:5000",)),
    ],
)
def test_a_registry_is_looked_for_under_all_its_names(address: str, names: tuple[str, ...]) -> None:
    assert spellings(address) == names


@pytest.mark.parametrize(
    ("name", "address", "same"),
    [
        ("h.example", "h.example:443", True),
        ("https://h.example/v2/", "h.example", True),
        ("http://h.example:443", "h.example", True),
        ("H.EXAMPLE", "h.example", True),
        ("h.example:5000", "h.example", False),
        ("h.example.evil", "h.example", False),
        ("[fd00::1]", "[fd00::1]:443", True),
        ("https://index.docker.io/v1/", "h.example", False),
        ("", "h.example", False),
    ],
)
def test_keys_of_dockers_config_are_recognized(name: str, address: str, same: bool) -> None:
    assert is_same_registry(name, address) is same
