"""Namespace mappings as rows: shown, edited, added, removed."""

from core.answers import Answers, MappingAnswer, RegistryAnswers
from core.mirror.mapping_rows import MappingRow, example, mapping_rows, with_row, without_row
from core.mirror.upstreams import PACKAGES_REGISTRY, PUBLIC_ECR
from core.transfer.settings import mirror_of

ADDRESS = "harbor.site-a.example/eks-a"


def answers(*mapped: tuple[str, str]) -> Answers:
    rows = tuple(MappingAnswer(registry=name, namespace=place) for name, place in mapped)
    registry = RegistryAnswers.model_validate({"address": ADDRESS, "mappings": rows})
    return Answers(registry=registry)


def test_the_defaults_come_first_and_must_stay() -> None:
    assert mapping_rows(answers(("docker.io", "hub"))) == (
        MappingRow(PUBLIC_ECR, "eks-a", False),
        MappingRow(PACKAGES_REGISTRY, "eks-a/eks-anywhere", False),
        MappingRow("docker.io", "hub", True),
    )


def test_rows_say_what_the_import_does() -> None:
    given = answers(("docker.io", "hub"))
    for row in mapping_rows(given):
        assert mirror_of(given).namespace_for(row.registry) == row.namespace


def test_the_row_of_public_ecr_is_the_namespace_of_the_address() -> None:
    changed = with_row(answers().registry, MappingRow(PUBLIC_ECR, "other", False))
    assert changed.namespace == "other"
    assert changed.mappings == ()


def test_a_row_is_added_changed_and_removed() -> None:
    registry = with_row(answers().registry, MappingRow("docker.io", "hub", True))
    registry = with_row(registry, MappingRow("docker.io", "dockerhub", True))
    assert [one.namespace for one in registry.mappings] == ["dockerhub"]
    assert without_row(registry, "docker.io") == ()


def test_the_example_follows_what_is_typed_right_or_not() -> None:
    name = "public.ecr.aws/eks/cilium/cilium:v1"
    assert example(answers(), name) == (
        name,
        "harbor.site-a.example:443/eks-a",
        "/eks/cilium/cilium:v1",
    )
    typed = MappingRow(PUBLIC_ECR, "Wrong Case", False)
    assert example(answers(), name, typed)[1] == "harbor.site-a.example:443/Wrong Case"
    assert example(answers(), "quay.io/a:1") == ("quay.io/a:1", "", "quay.io/a:1")
