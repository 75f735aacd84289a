"""How far a download is: counted by threads, written down, and read by others."""

from pathlib import Path
from threading import Thread

import pytest

from core.errors import Code, RegistryError
from core.fetch.blobs import Source
from core.fetch.images import Failure, Survey
from core.fetch.monitor import Monitor, written_down
from core.fetch.picture import (
    MOST_EVENTS,
    Picture,
    artifacts_of,
    look_at,
    read_names,
    stand_of,
)
from core.fetch.preparation import (
    Errand,
    Preparation,
    errand_for,
    existing_errands,
    import_command,
)
from core.fetch.resolve import Resolved
from core.fetch.shape import shape_of
from core.oci import Manifest, canonical_json, digest_of, parse_manifest
from core.reference import Artifact, Kind, Reference
from core.transfer.standing import Stand
from core.transfer.states import ArtifactState, JobState

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SHARED, OWN = digest_of(b"shared"), digest_of(b"own")


def image(name: str, *layers: tuple[str, int]) -> Resolved:
    config = {"mediaType": "application/vnd.oci.image.config.v1+json",
              "digest": digest_of(name.encode()), "size": 10}  # fmt: skip
    document = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config,
        "layers": [{"mediaType": LAYER, "digest": d, "size": size} for d, size in layers],
    }  # fmt: skip
    manifest: Manifest = parse_manifest(canonical_json(document), MANIFEST)
    artifact = Artifact(Kind.IMAGE, Reference.parse(f"public.ecr.aws/{name}:v1"))
    return Resolved(artifact, manifest, (manifest,))


def survey() -> Survey:
    found = (image("one", (SHARED, 100)), image("two", (SHARED, 100), (OWN, 50)))
    return Survey(found, (), shape_of(found, ""))


def monitor() -> Monitor:
    made = Monitor({}, "")
    made.expect([survey()])
    return made


def test_an_artifact_has_arrived_with_the_last_of_its_blobs() -> None:
    made = monitor()
    watcher = made.watcher()
    artifact = survey().resolved[0].artifact
    assert made.picture().total == 100 + 50 + 10 + 10

    arrived = []
    for digest, size in (
        (SHARED, 100),
        (digest_of(b"one"), 10),
        (OWN, 50),
        (digest_of(b"two"), 10),
    ):
        source = Source(digest, artifact)
        watcher.on_begin(source, size)
        watcher.on_bytes(size)
        watcher.on_end(source)
        arrived.append(made.picture().arrived)

    assert arrived == [0, 1, 1, 2]
    assert made.picture().done == made.picture().total


def test_each_thread_shows_what_it_has_in_hand_and_its_trouble_until_bytes_come() -> None:
    made = monitor()
    watcher = made.watcher()
    artifact = survey().resolved[0].artifact
    watcher.on_begin(Source(SHARED, artifact), 100)
    watcher.on_bytes(40)
    made.note_retry(RegistryError(Code.REGISTRY_STALLED, "It hangs."))
    other = Thread(target=lambda: watcher.on_begin(Source(OWN, artifact), 50))
    other.start()
    other.join()

    first, second = made.picture().flights
    assert (first.slot, first.done, first.trouble) == (0, 40, "It hangs.")
    assert (second.slot, second.done, second.size) == (1, 0, 50)
    assert made.picture().retries == 1
    watcher.on_bytes(10)
    assert made.picture().flights[0].trouble == ""


def test_bytes_that_are_fetched_again_are_not_counted_twice() -> None:
    made = monitor()
    made.watcher().on_bytes(100)
    made.watcher().on_bytes(-100)

    assert made.picture().done == 0


def test_a_picture_says_how_it_ended_and_what_is_lost(tmp_path: Path) -> None:
    made = monitor()
    error = RegistryError(Code.REGISTRY_NOT_FOUND, "It is not there.")
    with written_down(made, tmp_path / "picture.json"):
        made.lose([Failure(survey().resolved[0].artifact, error)])
        made.write("images.tar", 512)
        made.end(JobState.SOME_FAILED)

    read = Picture.model_validate_json((tmp_path / "picture.json").read_text())

    assert read.state is JobState.SOME_FAILED
    assert [one.source for one in read.lost] == ["public.ecr.aws/one:v1"]
    assert read.written == {"images.tar": 512}
    assert read.ended >= read.started > 0
    assert read.flights == ()


def test_each_artifact_has_its_name_and_state_and_what_happened_is_told(tmp_path: Path) -> None:
    errand = errand_for(tmp_path)
    errand.write(Preparation(folder=tmp_path))
    made, one = monitor(), survey().resolved[0].artifact
    watcher = made.watcher()
    with written_down(made, errand.picture):
        for digest in (SHARED, digest_of(b"one")):
            watcher.on_begin(Source(digest, one), 10)
            watcher.on_end(Source(digest, one))
        watcher.on_begin(Source(OWN, survey().resolved[1].artifact), 50)
        made.note_retry(RegistryError(Code.REGISTRY_STALLED, "It hangs."))
    picture = look_at(errand)[1]
    assert picture

    names = read_names(errand, picture.names)
    states = {row.name: row.state for row in artifacts_of(picture, names)}

    assert states == {
        "public.ecr.aws/one:v1": ArtifactState.DONE,
        "public.ecr.aws/two:v1": ArtifactState.RETRYING,
    }
    assert [(event.kind, event.text) for event in picture.log] == [
        ("arrived", "public.ecr.aws/one:v1"),
        ("retry", "public.ecr.aws/two:v1: It hangs."),
    ]
    assert read_names(errand, "of another picture") == ()


def test_the_log_goes_on_after_a_run_and_stays_small() -> None:
    before = monitor()
    before.end(JobState.STOPPED)
    made = Monitor({}, "", before.picture().log)
    for _ in range(MOST_EVENTS):
        made.note_retry(RegistryError(Code.REGISTRY_STALLED, "It hangs. " * 100))

    log = made.picture().log

    assert (len(log), log[-1].number) == (MOST_EVENTS, MOST_EVENTS + 1)
    assert len(made.picture().model_dump_json()) < 64_000


@pytest.mark.parametrize(
    ("state", "alive", "quiet", "stand"),
    [
        (JobState.SENDING, True, 1.0, Stand.RUNNING),
        (JobState.SENDING, True, 31.0, Stand.STALLED),
        (JobState.PLANNING, True, 31.0, Stand.RUNNING),
        (JobState.SENDING, False, 1.0, Stand.CUT_OFF),
        (JobState.STOPPED, False, 1.0, Stand.STOPPED),
        (JobState.DONE, True, 1.0, Stand.DONE),
    ],
)
def test_how_it_stands(state: JobState, alive: bool, quiet: float, stand: Stand) -> None:
    picture = Picture(state=state, since=50.0, moved=100.0)

    assert stand_of(picture, alive=alive, now=100.0 + quiet) is stand


def test_no_more_than_99_per_cent_before_all_is_written() -> None:
    assert Picture(state=JobState.SENDING, total=100, done=100).per_cent == 99
    assert Picture(state=JobState.DONE, total=100, done=100).per_cent == 100
    assert Picture().per_cent == 0


def test_a_folder_has_one_errand_however_it_is_spelled(tmp_path: Path) -> None:
    errand = errand_for(tmp_path / "carry" / ".." / "carry")
    errand.write(Preparation(folder=tmp_path / "carry", platforms=("linux/amd64",)))

    assert existing_errands() == [errand_for(tmp_path / "carry")] == [errand]
    assert errand.preparation().platforms == ("linux/amd64",)
    assert look_at(errand) == (Stand.READY, None)
    assert (errand.folder.stat().st_mode & 0o777) == 0o700


def test_damaged_pictures_and_orders_are_no_crash(tmp_path: Path) -> None:
    errand: Errand = errand_for(tmp_path)
    errand.write(Preparation(folder=tmp_path))
    errand.picture.write_text("{")
    (errand.folder / "orders.json").write_text("{}")

    assert look_at(errand) == (Stand.READY, None)
    with pytest.raises(Exception, match="cannot be read"):
        errand.preparation()


def test_the_way_to_upstream_is_no_part_of_what_is_fetched(tmp_path: Path) -> None:
    plain = Preparation(folder=tmp_path)

    assert plain.fingerprint == Preparation(folder=tmp_path, jobs=8, allow_missing=True).fingerprint
    assert plain.fingerprint != Preparation(folder=tmp_path, release="v0.26.0").fingerprint


def test_the_command_of_the_other_side_leads_packages_to_where_clusters_look() -> None:
    place = "783794618700.dkr.ecr.eu-west-1.amazonaws.com"

    assert import_command("images.tar", "m.tar.gz") == (
        "eksa-mirror import -i images.tar -b m.tar.gz -r HOST[:PORT][/NAMESPACE]"
    )
    mapped = import_command("p.tar", "", ("public.ecr.aws/eks-anywhere", "registry.example/x"))
    assert mapped.endswith("--all -r HOST[:PORT][/NAMESPACE] --map registry.example=[NAMESPACE]")
    assert import_command("my file.tar", "", (place,)).startswith(
        "eksa-mirror import -i 'my file.tar'"
    )
