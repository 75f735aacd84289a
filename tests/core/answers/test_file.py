"""The answers file: what it holds, and how it says where it is wrong."""

import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.answers import (
    AdminMachineAnswers,
    Answers,
    ArtifactAnswers,
    ClusterAnswers,
    CredentialAnswers,
    CredentialSource,
    MappingAnswer,
    OsFamily,
    OutputAnswers,
    Provider,
    RegistryAnswers,
    TransferAnswers,
    dump_answers,
    load_answers,
    read_answers,
    save_answers,
)
from core.errors import Code, UsageError


def _hexadecimal(address: object) -> str:
    """References know IPv6 without a dotted tail."""
    return "::1" if "." in str(address) else str(address)


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_paths = st.none() | _texts.map(lambda text: Path("/srv") / text.replace("/", "_"))
_labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
_letters = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
_hosts = st.tuples(st.lists(_labels, max_size=2), _letters).map(lambda p: ".".join([*p[0], p[1]]))
_endpoints = (
    st.just("") | _hosts | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(_hexadecimal)
)
_namespaces = st.lists(_labels.map(lambda t: t.replace("--", "-")), max_size=3).map("/".join)
_ports = st.none() | st.integers(1, 65535)
_usernames = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters=":"), max_size=20
)


_LOWER_CASE = "Lower case letters, digits, and . _ - / only."
_PROVIDERS = "vSphere, bare metal, Nutanix, Snow, CloudStack or Docker."


@st.composite
def _answers(draw: st.DrawFn) -> Answers:
    registries = draw(st.lists(_hosts, max_size=3, unique=True))
    return Answers(
        artifacts=ArtifactAnswers(
            archive=draw(_paths),
            bundles=draw(_paths),
            kube_versions=tuple(draw(st.lists(st.sampled_from(["1.30", "1.9", "v1.33"])))),
            include_all=draw(st.booleans()),
            platforms=tuple(draw(st.lists(st.sampled_from(["linux/amd64", "linux/arm/v7"])))),
        ),
        registry=RegistryAnswers(
            endpoint=draw(_endpoints),
            port=draw(_ports),
            namespace=draw(_namespaces),
            mappings=tuple(
                MappingAnswer(registry=one, namespace=draw(_namespaces)) for one in registries
            ),
            packages_registry=draw(st.none() | st.just("") | _hosts),
            ca_file=draw(_paths),
            insecure=draw(st.booleans()),
            plain_http=draw(st.booleans()),
            trusted_hosts=tuple(draw(st.lists(_hosts, max_size=2))),
        ),
        credentials=CredentialAnswers(
            source=draw(st.sampled_from(CredentialSource)),
            username=draw(_usernames),
            file=draw(_paths),
            authenticate=draw(st.booleans()),
        ),
        cluster=ClusterAnswers(
            file=draw(_paths),
            provider=draw(st.none() | st.sampled_from(Provider)),
            os_family=draw(st.none() | st.sampled_from(OsFamily)),
            external_etcd=draw(st.booleans()),
        ),
        output=OutputAnswers(
            fragment=draw(_paths), environment=draw(_paths), with_password=draw(st.booleans())
        ),
        admin_machine=AdminMachineAnswers(
            trust_ca=draw(st.booleans()), docker_login=draw(st.booleans())
        ),
        transfer=TransferAnswers(
            jobs=draw(st.integers(1, 16)),
            compression=draw(st.sampled_from(["none", "gzip", "gzip:9"])),
            chunk_size=draw(st.integers(64 * 2**10, 512 * 2**20)),
            limit_rate=draw(st.integers(0, 10**15)),
            patience=draw(st.floats(0, 1e300)),
            scratch=draw(_paths),
            verify=draw(st.booleans()),
        ),
    )


@given(_answers())
def test_what_is_written_is_read_back(answers: Answers) -> None:
    assert read_answers(dump_answers(answers), "answers.yaml") == answers


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_is_in_the_file_it_is_read_or_told(content: bytes) -> None:
    for prefix in (b"", b"version: 1\n"):
        with suppress(UsageError):  # any other exception is a defect
            read_answers(prefix + content, "answers.yaml")


def test_a_saved_file_is_private_and_begins_with_its_version(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    os.umask(os.umask(0))  # whatever it is, the file is private
    save_answers(Answers(registry=RegistryAnswers(address="harbor.local:8443/eks-a")), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == (
        "version: 1\nregistry:\n  endpoint: harbor.local\n  port: 8443\n  namespace: eks-a\n"
    )


def test_a_relative_path_is_meant_from_the_folder_of_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "usb"
    folder.mkdir()
    file = folder / "answers.yaml"
    file.write_text("version: 1\nartifacts:\n  archive: images.tar\n  bundles: ~/b.yaml\n")
    artifacts = load_answers(file).artifacts
    assert artifacts.archive == folder / "images.tar"
    assert artifacts.bundles == Path(os.environ["HOME"]) / "b.yaml"


def test_a_path_given_in_code_is_meant_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ArtifactAnswers(archive=Path("images.tar")).archive == tmp_path / "images.tar"


def test_a_version_stays_the_text_that_it_is() -> None:
    answers = _read("artifacts:\n  kube_versions: [1.30, 1.9]\n")
    assert answers.artifacts.kube_versions == ("1.30", "1.9")


def test_one_value_or_several_with_commas_make_a_list() -> None:
    assert _read("artifacts: {kube_versions: 1.30}").artifacts.kube_versions == ("1.30",)
    several = _read("artifacts: {platforms: 'linux/amd64, linux/arm64'}").artifacts.platforms
    assert several == ("linux/amd64", "linux/arm64")


def test_an_empty_value_is_as_by_default() -> None:
    assert _read("registry:\n  port:\n  endpoint: ~\nartifacts:\n") == Answers()


def test_words_of_yaml_in_quotes_stay_words() -> None:
    answers = _read("credentials: {username: 'null'}")
    assert answers.credentials.username == "null"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (
            "registry:\n  endPoint: x\n",
            "2:3",
            "registry.endPoint: There is no such key. Did you mean endpoint?",
        ),
        ("registri: {}\n", "1:1", "registri: There is no such key. Did you mean registry?"),
        ("registry:\n  port: 70000\n", "2:9", "registry.port: A number from 1 to 65535."),
        ("registry:\n  port: true\n", "2:9", "registry.port: A number from 1 to 65535."),
        ("registry:\n  endpoint: [a]\n", "2:3", "registry.endpoint: A host name or an IP address."),
        ("registry: harbor.local\n", "1:11", "registry: A mapping of keys and values."),
        (
            "registry:\n  mappings:\n    - registry: docker.io\n",
            "3:7",
            "registry.mappings[0].namespace: It is missing.",
        ),
        (
            "registry:\n  mappings:\n  - {registry: a/b, namespace: x}\n",
            "3:16",
            "registry.mappings[0].registry: Host name only. The path of the image name stays.",
        ),
        ("registry: {address: 'https://x'}\n", "1:21", "registry.address: Leave out https://."),
        ("registry: {address: 'x:70000'}\n", "1:21", "registry.port: A number from 1 to 65535."),
        ("registry: {address: 'x/A'}\n", "1:21", f"registry.namespace: {_LOWER_CASE}"),
        (
            "registry: {endpoint: x, address: x}\n",
            "1:34",
            "registry.address: Give either an address, or endpoint, port and namespace.",
        ),
        ("registry: {insecure: perhaps}\n", "1:22", "registry.insecure: true or false."),
        ("transfer: {jobs: 99}\n", "1:18", "transfer.jobs: A number from 1 to 16."),
        ("transfer: {patience: nan}\n", "1:22", "transfer.patience: A number of seconds."),
        ("artifacts: {archive: {a: b}}\n", "1:13", "artifacts.archive: One value, as text."),
        ("cluster: {provider: azure}\n", "1:21", f"cluster.provider: {_PROVIDERS}"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_column(text: str, place: str, message: str) -> None:
    line, _, column = place.partition(":")
    error = _refusal(text)
    assert error.where == f"answers.yaml:{int(line) + 1}:{column}"
    assert error.message == message


def test_the_first_of_several_errors_is_told_with_the_number_of_the_others() -> None:
    error = _refusal("transfer: {jobs: 99}\nregistry: {port: x, insecure: maybe}\n")
    assert error.message == "transfer.jobs: A number from 1 to 16. 2 more are wrong."


@pytest.mark.parametrize(
    "text",
    [
        "password: hunter2",
        "credentials:\n  Password: hunter2",
        "registry: {api_key: hunter2}",
        "credentials: {bot_secret: hunter2}",
        "transfer: {jobs: 99}\ncredentials: {passwd: hunter2}",
    ],
)
def test_a_secret_is_refused_before_all_else_and_not_repeated(text: str) -> None:
    error = _refusal(text)
    assert "secrets have no place in an answers file" in error.message
    assert "keyring" in error.mend
    assert "hunter2" not in f"{error} {error.cause} {error.mend} {error.where}"


@pytest.mark.parametrize(
    "text",
    ["registry: {address: 'robot:hunter2@x'}", "registry: {endpoint: 'robot:hunter2@x'}"],
)
def test_a_login_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    error = _refusal(text)
    assert "No user name and no password in an address." in error.message
    assert "hunter2" not in f"{error}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2", "The key a is there twice."),
        ("registry:\n  port: 1\n  port: 2", "The key port is there twice."),
        ("a: &x 1", "no place in answers"),
        ("a: *x", "no place in answers"),
        ("a: !!python/name:os.system x", "python/name"),
        ("a: !mine x", "The tag !mine"),
        ("a: !!set {x, y}", "The tag set"),
        ("a: !!python/object:os.system {}", "The tag python/object"),
        ("<<: {a: b}", "There is no such key"),
        ("? [a]\n: b", "stands where a key belongs"),
        ("a: " + "[" * 20 + "]" * 20, "nested deeper than 16"),
        ("a: [", "Not valid YAML"),
        ("a: b\n---\nversion: 1\n", "A second document begins here"),
    ],
)
def test_what_has_no_place_in_answers_is_refused(text: str, words: str) -> None:
    error = _refusal(text)
    assert words in error.message
    assert error.where.startswith("answers.yaml:")


def test_ten_million_laughs_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    assert "no place in answers" in _refusal("\n".join(lines)).message


def test_a_file_of_another_size_or_kind_is_told() -> None:
    for content, words in (
        (b"version: 1\n#" + b"x" * 2**20, "larger than 1 MiB"),
        (b"", "It is empty."),
        (b"# nothing\n---\n", "It is empty."),
        (b"- a\n", "must begin with version: 1"),
        (b"registry: {}\n", "it has no version"),
        (b"\xff\xfe\x00", "Not a"),
        (b"version: 1\na: \xc3\x28\n", "Not a"),
    ):
        with pytest.raises(UsageError, match=words):
            read_answers(content, "answers.yaml")


def test_a_file_of_a_newer_version_is_told_as_such_whatever_else_is_in_it() -> None:
    with pytest.raises(UsageError) as caught:
        read_answers(b"version: 2\nregistry: {planet: mars}\n", "answers.yaml")
    assert caught.value.message == "It was written by version 2; this is version 1."
    assert caught.value.where == "answers.yaml:1:10"


@pytest.mark.parametrize("version", ["0", "one", "1.0", "[1]", "-1", "''"])
def test_a_version_that_makes_no_sense_is_told(version: str) -> None:
    with pytest.raises(UsageError, match="The version must be 1"):
        read_answers(f"version: {version}\n".encode(), "answers.yaml")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file") as caught:
        load_answers(tmp_path / "none.yaml")
    assert caught.value.where == str(tmp_path / "none.yaml")


def test_a_disk_that_is_full_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "answers.yaml"
    save_answers(Answers(), path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_answers(Answers(transfer=TransferAnswers(jobs=2)), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_in_the_file_says_more_than_was_decided() -> None:
    assert yaml.safe_load(dump_answers(Answers())) == {"version": 1}


def _read(text: str) -> Answers:
    return read_answers(f"version: 1\n{text}".encode(), "answers.yaml")


def _refusal(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        _read(text)
    assert caught.value.code is Code.BAD_ANSWERS
    return caught.value
