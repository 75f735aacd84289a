"""One Harbor feeds another: what is made, what is found again, and why it cannot be."""

import json
from dataclasses import replace

import pytest
from pydantic import SecretStr

from core.errors import Code, RegistryError
from core.registry.credentials import Credentials
from core.registry.feeding import Target, Trigger, Wanted, carry_out, survey
from core.registry.feeding_troubles import cause_of
from tests.core.registry.feeding_ground import (
    FEEDER,
    GUEST,
    RULE,
    URL,
    WANTED,
    B,
    feed,
    replication,
    writes,
)
from tests.core.registry.servers import HttpServer
from tests.fixtures.harbor_mock import HarborMock

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def refused(server: HttpServer, target: Target) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        feed(server, target)
    assert FEEDER.password.get_secret_value() not in f"{caught.value} {caught.value.mend}"
    return caught.value


def test_a_target_gets_an_endpoint_and_a_rule(server: HttpServer, mock: HarborMock) -> None:
    feed(server)

    endpoint, rule = mock.endpoints[1], mock.rules[1]
    assert (endpoint["name"], endpoint["url"]) == ("harbor-b.example.com-8443", URL)
    assert (endpoint["type"], endpoint["insecure"]) == ("harbor", False)
    assert (endpoint["access_key"], endpoint["access_secret"]) == ("robot$feed", "s3cret-of-b")
    assert (rule["name"], rule["dest_registry"]) == (RULE, {"id": 1})
    assert rule["filters"] == [{"type": "name", "value": "eks-a/**"}]
    assert rule["trigger"] == {"type": "event_based"}
    assert (rule["override"], rule["enabled"], rule["dest_namespace"]) == (True, True, "")
    assert "src_registry" not in rule


def test_a_second_time_changes_nothing(server: HttpServer) -> None:
    feed(server)
    before = writes(server)

    assert feed(server).is_done
    assert feed(server, Target(B)).is_done  # the source holds the login already
    assert writes(server) == before


def test_looking_alone_changes_nothing(server: HttpServer, mock: HarborMock) -> None:
    with replication(server) as source:
        step = survey(source, Target(B, FEEDER), WANTED)

    told = {one.what: one.after for one in (*step.endpoint_changes, *step.rule_changes)}
    assert told == {
        "address": URL,
        "login": "robot$feed",
        "target": B,
        "repositories": "eks-a/**",
        "moves": "at every push",
        "what is there": "is replaced where it differs",
    }
    assert writes(server) == []


def test_several_projects_are_one_pattern(server: HttpServer, mock: HarborMock) -> None:
    feed(server, wanted=replace(WANTED, projects=("hub", "eks-a"), trigger=Trigger.MANUAL))

    assert mock.rules[1]["filters"][0]["value"] == "{eks-a,hub}/**"
    assert mock.rules[1]["trigger"] == {"type": "manual"}


def test_imports_into_other_namespaces_have_rules_of_their_own(
    server: HttpServer, mock: HarborMock
) -> None:
    feed(server)
    feed(server, wanted=Wanted("harbor-a.example.com", "lab/eks", ("lab",)))

    assert [one["filters"][0]["value"] for one in mock.rules.values()] == ["eks-a/**", "lab/**"]
    assert len(mock.endpoints) == 1


def test_what_somebody_changed_is_brought_in_line_and_the_rest_kept(
    server: HttpServer, mock: HarborMock
) -> None:
    feed(server)
    mock.rules[1] |= {
        "speed": 512,
        "description": "feeds the north",
        "enabled": False,
        "override": False,
        "dest_namespace": "elsewhere",
        "trigger": {"type": "scheduled", "trigger_settings": {"cron": "0 0 * * * *"}},
        "filters": [
            {"type": "name", "value": "eks-a/**"},
            {"type": "tag", "value": "v1*", "decoration": "excludes"},
        ],
    }

    step = feed(server)

    assert step.endpoint_changes == ()
    told = {one.what: one.before for one in step.rule_changes}
    assert told["repositories"] == "eks-a/**; tag excludes v1*"
    assert told["moves"] == "scheduled"
    assert {"namespace there", "what is there", "state"} <= set(told)
    rule = mock.rules[1]
    assert (rule["speed"], rule["description"]) == (512, "feeds the north")
    assert rule["trigger"] == {"type": "event_based"}
    assert (rule["enabled"], rule["override"], rule["dest_namespace"]) == (True, True, "")
    assert feed(server).is_done


def test_an_endpoint_that_is_there_is_used_whatever_it_is_called(
    server: HttpServer, mock: HarborMock
) -> None:
    mock.endpoints[1] = {
        "id": 1,
        "name": "site north",
        "url": "https://Harbor-C.example.com:443/",
        "type": "harbor",
        "insecure": False,
        "access_key": FEEDER.username,
        "access_secret": FEEDER.password.get_secret_value(),
    }
    mock.sites[mock.endpoints[1]["url"]] = mock.sites[URL]

    step = feed(server, Target("harbor-c.example.com", FEEDER))

    assert step.endpoint_changes == ()
    assert list(mock.endpoints) == [1]
    assert mock.rules[1]["dest_registry"] == {"id": 1}


def test_a_new_password_is_given_to_the_source(server: HttpServer, mock: HarborMock) -> None:
    feed(server)
    mock.sites[URL].logins[FEEDER.username] = "n3w"

    step = feed(server, Target(B, Credentials(FEEDER.username, SecretStr("n3w"))))

    assert [one.what for one in step.endpoint_changes] == ["password"]
    assert mock.endpoints[1]["access_secret"] == "n3w"


def test_another_user_is_given_to_the_source(server: HttpServer, mock: HarborMock) -> None:
    feed(server)
    mock.sites[URL].logins["other"] = "0ther"

    step = feed(server, Target(B, Credentials("other", SecretStr("0ther"))))

    assert [(one.what, one.before, one.after) for one in step.endpoint_changes] == [
        ("login", "robot$feed", "other")
    ]
    assert mock.endpoints[1]["access_key"] == "other"


def test_a_ca_that_the_source_needs_goes_along(server: HttpServer, mock: HarborMock) -> None:
    mock.sites[URL].is_trusted, mock.sites[URL].ca = False, PEM

    feed(server, Target(B, FEEDER, ca_certificate=PEM))

    assert mock.endpoints[1]["ca_certificate"] == PEM
    assert feed(server, Target(B, FEEDER, ca_certificate=PEM)).is_done
    assert feed(server, Target(B, FEEDER)).is_done


def test_an_untrusted_certificate_is_told_apart(server: HttpServer, mock: HarborMock) -> None:
    mock.sites[URL].is_trusted = False

    error = refused(server, Target(B, FEEDER))

    assert error.code is Code.TLS_UNTRUSTED
    assert error.message == f"harbor-a.example.com does not accept the certificate of {B}."
    assert "--to-ca-file" in error.mend
    assert mock.endpoints == {}
    with_ca = refused(server, Target(B, FEEDER, ca_certificate=PEM))
    assert "too old to take a CA" in with_ca.cause


def test_nobody_is_shown_the_password_whose_certificate_was_not_verified(
    server: HttpServer, mock: HarborMock
) -> None:
    mock.sites[URL].is_trusted = False

    refused(server, Target(B, FEEDER))

    pings = [json.loads(one.body) for one in server.asked if one.path.endswith("/ping")]
    assert [one for one in pings if one["insecure"] and "access_secret" in one] == []
    assert any(one["insecure"] for one in pings)


def test_any_certificate_is_accepted_only_where_that_was_said(
    server: HttpServer, mock: HarborMock
) -> None:
    mock.sites[URL].is_trusted = False

    feed(server, Target(B, FEEDER, verify=False))

    assert mock.endpoints[1]["insecure"] is True
    mock.sites[URL].is_trusted = True
    step = feed(server)
    assert [(one.before, one.after) for one in step.endpoint_changes] == [
        ("any is accepted", "is verified")
    ]
    assert mock.endpoints[1]["insecure"] is False


def test_a_refused_login_is_told_apart(server: HttpServer) -> None:
    error = refused(server, Target(B, Credentials("robot$feed", SecretStr("wrong"))))

    assert error.code is Code.LOGIN_REFUSED
    assert B in error.message


def test_a_target_that_is_not_reached_is_told_apart(server: HttpServer, mock: HarborMock) -> None:
    mock.sites.clear()

    error = refused(server, Target(B, FEEDER))

    assert error.code is Code.REGISTRY_UNREACHABLE
    assert error.message.startswith(f"harbor-a.example.com does not reach {B}.")
    assert f"curl -v https://{B}/api/version" in error.mend


def test_without_any_login_it_is_asked_for(server: HttpServer) -> None:
    error = refused(server, Target(B))

    assert error.code is Code.LOGIN_MISSING
    assert "--to-username" in error.mend
    assert not any(one.path.endswith("/ping") for one in server.asked)


def test_who_is_no_administrator_is_told_so(server: HttpServer) -> None:
    with replication(server, GUEST) as source, pytest.raises(RegistryError) as caught:
        survey(source, Target(B, FEEDER), WANTED)

    assert caught.value.code is Code.RIGHT_MISSING
    assert "registry: list" in caught.value.cause


def test_a_name_that_another_endpoint_has_is_told(server: HttpServer, mock: HarborMock) -> None:
    mock.sites["https://elsewhere"] = mock.sites[URL]
    feed(server, Target("elsewhere", FEEDER))
    mock.endpoints[1] |= {"name": "harbor-b.example.com-8443"}

    error = refused(server, Target(B, FEEDER))

    assert error.code is Code.REGISTRY_REFUSED
    assert "harbor-b.example.com-8443 already" in error.message


def test_what_an_old_harbor_does_not_keep_is_told(server: HttpServer, mock: HarborMock) -> None:
    mock.knows_ca = False

    error = refused(server, Target(B, FEEDER, ca_certificate=PEM))

    assert error.message == "Harbor took the change, but does not hold it: CA."
    assert "too old" in error.cause


def test_the_rule_that_was_made_can_be_started(server: HttpServer) -> None:
    with replication(server) as source:
        rule = carry_out(source, survey(source, Target(B, FEEDER), WANTED))
        assert source.start(rule) == 1


def test_long_names_stay_within_what_harbor_takes() -> None:
    hosts = [f"{letter * 60}.{'x' * 60}.example.com" for letter in "ab"]
    names = {WANTED.rule_name(Target(host)) for host in hosts}
    assert len(names) == 2
    assert {len(name) for name in names} == {64}


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("http status code: 403, body: denied", "The login at the target may not push there"),
        ("dial tcp: lookup b: no such host", "The source does not reach the target"),
        (
            "x509: certificate signed by unknown authority",
            "does not trust the target's certificate",
        ),
        ("adding 1 GiB will exceed the configured upper limit", "quota at the target"),
        ("write: no space left on device", "disk is full"),
        ("The system is in read only mode.", "read-only mode"),
        ("configured as immutable", "forbids to replace"),
    ],
    ids=["right", "name", "certificate", "quota", "disk", "read-only", "immutable"],
)
def test_reasons_have_a_cause_and_a_mend(reason: str, cause: str) -> None:
    found, mend = cause_of(reason)
    assert cause in found
    assert mend
