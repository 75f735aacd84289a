"""The chain for the screen, and the CA file that the wizard offers to write."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from core.checks.chain import Source, read_pem
from core.checks.trust_view import DER_TEXT, TrustView, look_at_trust, write_offer
from core.errors import EksaMirrorError
from tests.core.checks.looking import answers, context
from tests.fixtures.zoo import Specimen, Zoo, ZooServer, key_pem, make_signer, pem


def seen(specimen: Specimen, folder: Path, ca: Path | None) -> TrustView:
    with ZooServer(specimen) as server, context(answers(server.address, ca_file=ca)) as made:
        return look_at_trust(made, folder)


def test_a_right_file_needs_nothing(zoo: Zoo, tmp_path: Path) -> None:
    specimen = zoo.good()
    view = seen(specimen, tmp_path, specimen.ca_file)
    assert (view.wrong, view.finding, view.offer, view.public) == ("", "", None, False)
    sources = [(link.name, link.source) for link in view.links]
    assert sources == [
        ("Zoo Root CA", Source.CA_FILE),
        ("Zoo Issuing CA", Source.SENT),
        ("registry.zoo.example", Source.SENT),
    ]


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ("leaf", "The first certificate is the server's own, not a CA."),
        ("issuing", ""),
    ],
)
def test_the_root_of_a_bundle_is_offered_alone(
    zoo: Zoo, tmp_path: Path, first: str, told: str
) -> None:
    specimen = zoo.bundle(first=first)
    view = seen(specimen, tmp_path, specimen.ca_file)
    assert view.finding == told
    assert view.offer is not None
    assert not view.offer.compare
    written = write_offer(view.offer, tmp_path)
    assert written == specimen.ca_file.with_name("root.crt")
    assert written.read_bytes() == pem(zoo.root.certificate)
    again = seen(specimen, tmp_path, written)
    assert (again.finding, again.offer) == ("", None)


def test_a_file_of_another_content_is_never_replaced(zoo: Zoo, tmp_path: Path) -> None:
    specimen = zoo.bundle(first="leaf")
    mine = specimen.ca_file.with_name("root.crt")
    mine.write_text("mine")
    view = seen(specimen, tmp_path, specimen.ca_file)
    assert view.offer is not None
    assert write_offer(view.offer, tmp_path) == mine.with_name("root-2.crt")
    assert mine.read_text() == "mine"


def test_der_becomes_pem(zoo: Zoo, tmp_path: Path) -> None:
    file = tmp_path / "ca.der"
    file.write_bytes(zoo.root.certificate.public_bytes(Encoding.DER))
    view = seen(zoo.good(), tmp_path, file)
    assert view.wrong == DER_TEXT
    assert len(view.links) == 3
    assert view.offer is not None
    assert write_offer(view.offer, tmp_path) == tmp_path / "ca.pem"
    assert [one.name for one in read_pem((tmp_path / "ca.pem").read_bytes())] == ["Zoo Root CA"]


def test_der_of_a_server_is_not_offered_as_a_ca(zoo: Zoo, tmp_path: Path) -> None:
    file = tmp_path / "ca.der"
    file.write_bytes(zoo.leaf().public_bytes(Encoding.DER))
    view = seen(zoo.good(), tmp_path, file)
    assert (view.wrong, view.offer) == (DER_TEXT, None)


def test_files_of_no_use_are_told(zoo: Zoo, tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_bytes(key_pem(zoo.root.key) + pem(zoo.root.certificate))
    told = seen(zoo.good(), tmp_path, file).wrong
    assert told == "This file holds a private key. Give only the certificate."
    file.write_text("nothing\n")
    told = seen(zoo.good(), tmp_path, file).wrong
    assert told == "No certificate inside: no line BEGIN CERTIFICATE."


def test_a_root_that_was_sent_is_offered_for_comparison(zoo: Zoo, tmp_path: Path) -> None:
    view = seen(zoo.root_sent(), tmp_path, None)
    assert view.offer is not None
    assert view.offer.compare
    assert view.offer.path == tmp_path / "root.crt"
    assert write_offer(view.offer, tmp_path).read_bytes() == pem(zoo.root.certificate)


def test_nothing_is_offered_where_no_root_is_known(zoo: Zoo, tmp_path: Path) -> None:
    view = seen(zoo.good(), tmp_path, None)
    assert (view.offer, view.public) == (None, False)
    assert view.links[0].source is Source.MISSING


def test_another_ca_is_told(zoo: Zoo, tmp_path: Path) -> None:
    specimen = zoo.other_ca()
    view = seen(specimen, tmp_path, specimen.ca_file)
    assert view.finding == "This CA did not sign the registry's certificate."


def test_an_ended_ca_is_told_with_its_day(zoo: Zoo, tmp_path: Path) -> None:
    old = make_signer("Old Root CA", ends=-timedelta(days=1))
    specimen = zoo.specimen([zoo.leaf()], ca=[old.certificate])
    view = seen(specimen, tmp_path, specimen.ca_file)
    assert view.finding == f"This CA ended on {old.certificate.not_valid_after_utc:%Y-%m-%d}."


def test_a_registry_that_is_down_is_told(zoo: Zoo, tmp_path: Path) -> None:
    with ZooServer(zoo.good()) as server:
        address = server.address
    with context(answers(address)) as made:
        view = look_at_trust(made, tmp_path)
    assert view.trouble is not None
    assert view.links == ()


def test_where_the_folder_cannot_be_written_another_takes_it(zoo: Zoo, tmp_path: Path) -> None:
    specimen = zoo.bundle(first="leaf")
    view = seen(specimen, tmp_path, specimen.ca_file)
    assert view.offer is not None
    gone = replace(view.offer, path=Path("/proc/no-such-folder/root.crt"))
    assert write_offer(gone, tmp_path) == tmp_path / "root.crt"
    with pytest.raises(EksaMirrorError):
        write_offer(gone, Path("/proc/no-such-folder"))
