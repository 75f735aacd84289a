"""Reading a chain for people: order, sources, the tree, and picking a root from it."""

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from core.checks.chain import Source, links, read_certificate, read_chain, read_pem
from core.checks.trust import certificate_tree, write_ca
from core.errors import Code, EksaMirrorError, RegistryError, UsageError
from tests.core.checks.looking import answers, context
from tests.fixtures.zoo import HOST, Specimen, Zoo, ZooServer, make_signer, pem


def ders(specimen: Specimen) -> list[bytes]:
    return [one.public_bytes(Encoding.DER) for one in specimen.sent]


def test_a_certificate_is_read_for_people(zoo: Zoo) -> None:
    leaf = read_chain(ders(zoo.good(names=(HOST, "harbor.example")))).leaf
    assert leaf.name == "registry.zoo.example"
    assert leaf.subject == "CN=registry.zoo.example"
    assert (leaf.issuer, leaf.issuer_name) == ("CN=Zoo Issuing CA", "Zoo Issuing CA")
    assert leaf.alternative_names == ("harbor.example", HOST)
    assert (leaf.key, leaf.signature) == ("RSA 2048 bits", "SHA-256 with RSA")
    assert (leaf.is_ca, leaf.is_self_signed, leaf.old_hash) == (False, False, False)
    assert leaf.begins < leaf.ends
    assert leaf.begins.tzinfo is not None


def test_a_fingerprint_is_that_of_openssl(zoo: Zoo, tmp_path: Path) -> None:
    import subprocess

    file = tmp_path / "root.crt"
    file.write_bytes(pem(zoo.root.certificate))
    said = subprocess.run(
        ["openssl", "x509", "-in", file, "-noout", "-fingerprint", "-sha256", "-serial"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (root,) = read_pem(file.read_bytes())
    assert root.fingerprint in said
    assert f"serial={root.serial}" in said.lower().replace("=0", "=")


def test_other_keys_and_signatures_have_their_names() -> None:
    import trustme

    leaf = trustme.CA().issue_cert("a.example").cert_chain_pems[0].bytes()
    (found,) = read_pem(leaf)
    assert (found.key, found.signature) == ("ECDSA P-256", "SHA-256 with ECDSA")


def test_a_chain_that_was_sent_in_order_is_in_order(zoo: Zoo) -> None:
    chain = read_chain(ders(zoo.good()))
    assert [one.name for one in chain.path] == ["registry.zoo.example", "Zoo Issuing CA"]
    assert chain.in_order
    assert chain.unused == ()


def test_a_chain_in_the_wrong_order_is_put_right(zoo: Zoo) -> None:
    chain = read_chain(ders(zoo.wrong_order()))
    assert not chain.in_order
    assert [one.name for one in chain.path] == [
        "registry.zoo.example",
        "Zoo Issuing CA",
        "Zoo Root CA",
    ]


def test_what_belongs_to_no_path_is_told(zoo: Zoo) -> None:
    sent = [zoo.leaf(), zoo.issuing.certificate, zoo.other_root.certificate]
    chain = read_chain(ders(zoo.specimen(sent)))
    assert [one.name for one in chain.unused] == ["Other Root CA"]
    assert chain.in_order


def test_a_sha1_signature_leads_to_its_issuer_all_the_same(zoo: Zoo) -> None:
    assert len(read_chain(ders(zoo.sha1())).path) == 2


def test_the_same_name_with_another_key_is_another_authority(zoo: Zoo) -> None:
    (true,) = read_pem(pem(zoo.root.certificate))
    (leaf,) = read_pem(pem(zoo.leaf(signer=zoo.root)))
    impostor = make_signer("Zoo Root CA", make_signer("Impostor"))
    (other,) = read_pem(pem(impostor.certificate))
    assert true.issued(leaf)
    assert not read_pem(pem(zoo.other_root.certificate))[0].issued(leaf)
    assert other.name == true.name


def test_names_in_a_certificate_cannot_move_the_cursor(zoo: Zoo) -> None:
    evil = make_signer("Evil\x1b[2J\nCA")
    (found,) = read_pem(pem(evil.certificate))
    for text in (found.name, found.subject, found.issuer, found.issuer_name):
        assert text.isprintable()
    assert found.issued(read_pem(pem(zoo.leaf(signer=evil)))[0])


def test_nothing_sent_and_nonsense_are_told() -> None:
    with pytest.raises(RegistryError, match="no certificate"):
        read_chain([])
    with pytest.raises(RegistryError, match="cannot be parsed"):
        read_certificate(b"\x30\x03abc")


def test_the_tree_has_the_root_on_top_and_says_where_each_comes_from(zoo: Zoo) -> None:
    chain = read_chain(ders(zoo.good()))
    tree = links(chain, read_pem(pem(zoo.root.certificate)))
    assert [(one.name, one.source) for one in tree] == [
        ("Zoo Root CA", Source.CA_FILE),
        ("Zoo Issuing CA", Source.SENT),
        ("registry.zoo.example", Source.SENT),
    ]


def test_a_root_that_nobody_has_is_missing_in_the_tree(zoo: Zoo) -> None:
    tree = links(read_chain(ders(zoo.good())), ())
    assert (tree[0].name, tree[0].source, tree[0].certificate) == (
        "Zoo Root CA",
        Source.MISSING,
        None,
    )


def test_authorities_that_sign_each_other_make_no_endless_tree(zoo: Zoo) -> None:
    first, second = make_signer("First"), make_signer("Second")
    a = make_signer("First", second).certificate
    b = make_signer("Second", first).certificate
    chain = read_chain(ders(zoo.specimen([zoo.leaf(signer=first)])))
    tree = links(chain, read_pem(pem(a) + pem(b)))
    assert len(tree) <= 4


def test_the_tree_of_a_real_server_knows_the_system_store(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    specimen = zoo.good()
    monkeypatch.setenv("SSL_CERT_FILE", str(specimen.ca_file))
    with ZooServer(specimen) as server, context(answers(server.address)) as made:
        tree = certificate_tree(made)
    assert (tree[0].name, tree[0].source) == ("Zoo Root CA", Source.SYSTEM)


def test_the_tree_of_a_real_server_with_a_ca_file(zoo: Zoo) -> None:
    specimen = zoo.good()
    given = answers("", ca_file=specimen.ca_file)
    with ZooServer(specimen) as server:
        given = answers(server.address, ca_file=specimen.ca_file)
        with context(given) as made:
            tree = certificate_tree(made)
    assert [one.source for one in tree] == [Source.CA_FILE, Source.SENT, Source.SENT]


@pytest.mark.parametrize("spelling", ["{}", "SHA256:{}", "sha-256 {}", " {} "])
def test_a_confirmed_root_is_written_alone(zoo: Zoo, tmp_path: Path, spelling: str) -> None:
    chain = read_chain(ders(zoo.root_sent()))
    file = tmp_path / "root.crt"
    written = write_ca(file, chain.sent, spelling.format(chain.sent[2].fingerprint.lower()))
    assert written.name == "Zoo Root CA"
    assert [one.name for one in read_pem(file.read_bytes())] == ["Zoo Root CA"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_without_the_right_fingerprint_nothing_is_written(zoo: Zoo, tmp_path: Path) -> None:
    chain = read_chain(ders(zoo.root_sent()))
    file = tmp_path / "root.crt"
    file.write_text("as it was")
    right = chain.sent[2].fingerprint
    for fingerprint in ("", "AB:CD", right[:-1] + ("1" if right.endswith("0") else "0")):
        with pytest.raises(UsageError) as caught:
            write_ca(file, chain.sent, fingerprint)
        assert caught.value.code is Code.CA_FILE_INVALID
    assert file.read_text() == "as it was"


def test_a_servers_own_certificate_is_not_written_as_a_ca(zoo: Zoo, tmp_path: Path) -> None:
    chain = read_chain(ders(zoo.good()))
    with pytest.raises(UsageError, match="not a CA"):
        write_ca(tmp_path / "root.crt", chain.sent, chain.leaf.fingerprint)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_told(zoo: Zoo, tmp_path: Path) -> None:
    chain = read_chain(ders(zoo.root_sent()))
    with pytest.raises(EksaMirrorError) as caught:
        write_ca(tmp_path / "none" / "root.crt", chain.sent, chain.sent[2].fingerprint)
    assert caught.value.code is Code.FILE_NOT_WRITTEN


def test_a_write_that_fails_leaves_the_old_file(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    chain = read_chain(ders(zoo.root_sent()))
    file = tmp_path / "root.crt"
    file.write_text("as it was")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EksaMirrorError, match="No space left"):
        write_ca(file, chain.sent, chain.sent[2].fingerprint)
    assert file.read_text() == "as it was"
    assert [one.name for one in tmp_path.iterdir()] == ["root.crt"]
