"""The state of each namespace mapping: by EKS Anywhere's rules, and by the project it needs."""

from collections.abc import Sequence

from core.answers import Answers, MappingAnswer, RegistryAnswers
from core.checks.finding import Finding, State, failed, passed
from core.checks.row_states import row_states

EXISTS = passed("exists, push and pull allowed", subject="eks-a")
MISSING = failed("missing, needed for docker.io", cause="", mend="", subject="hub")


def states(
    projects: Sequence[Finding], namespace: str = "eks-a", **mapped: str
) -> dict[str, State | None]:
    mappings = tuple(
        MappingAnswer(registry=name.replace("_", "."), namespace=place)
        for name, place in mapped.items()
    )
    registry = RegistryAnswers(endpoint="h.example", namespace=namespace, mappings=mappings)
    return {
        name: one.state for name, one in row_states(Answers(registry=registry), projects).items()
    }


def test_nothing_is_known_before_the_projects_are() -> None:
    assert set(states([]).values()) == {None}


def test_a_mapping_is_no_better_than_its_project() -> None:
    found = states([EXISTS, MISSING], docker_io="hub/mirror", quay_io="eks-a/quay")

    assert found["public.ecr.aws"] is State.PASS
    assert found["quay.io"] is State.PASS
    assert found["docker.io"] is State.WARN


def test_where_there_are_no_projects_one_finding_is_about_all() -> None:
    assert set(states([passed("made at the first push")]).values()) == {State.PASS}


def test_without_a_namespace_any_missing_project_counts() -> None:
    assert states([EXISTS, MISSING], namespace="")["public.ecr.aws"] is State.WARN


def test_the_rules_go_before_the_projects() -> None:
    packages = "783794618700.dkr.ecr.us-west-2.amazonaws.com"
    registry = RegistryAnswers(
        endpoint="h.example",
        namespace="eks-a",
        mappings=(MappingAnswer(registry=packages, namespace="eks-a/elsewhere"),),
    )

    found = row_states(Answers(registry=registry), [EXISTS])

    assert found[packages].state is State.WARN
    assert "Curated packages are looked for in" in found[packages].words
    assert found["public.ecr.aws"].state is State.PASS


def test_what_eks_anywhere_refuses_fails() -> None:
    others = {
        f"783794618700.dkr.ecr.us-{side}-1.amazonaws.com": "eks-a" for side in ("east", "west")
    }
    registry = RegistryAnswers(
        endpoint="h.example",
        namespace="eks-a",
        mappings=tuple(
            MappingAnswer(registry=name, namespace=place) for name, place in others.items()
        ),
    )

    found = row_states(Answers(registry=registry), [EXISTS])

    assert {found[name].state for name in others} == {State.FAIL}
