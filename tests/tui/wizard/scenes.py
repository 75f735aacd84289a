"""Every screen of the wizard with something on it, for the pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.screen import Screen

from core.answers import Answers
from tests.tui.wizard.site_a import download, transfer
from tests.tui.wizard.site_a.ground import changed
from tui.follower import Sight
from tui.screens.prepare import PrepareScreen


@dataclass(frozen=True, slots=True)
class Scene:
    """A screen, and how to come to it.

    Attributes:
        name: of the picture.
        step: to begin at; 0 is Start.
        wait: texts that are there once the step is drawn whole.
        keys: to press then.
        then: a text that is there after them.
        sight: how the import stands; None where there is none.
        changes: values of answers, by section, that differ from the sample site's.
        checked: steps whose checks ended before.
        shines_through: a dialog lies over a step that can still be seen.
        opens: a screen that belongs to no step, in place of Start.
    """

    name: str
    step: int
    wait: Sequence[str]
    keys: Sequence[str] = ()
    then: str = ""
    sight: Sight | None = None
    changes: tuple[tuple[str, str, object], ...] = ()
    checked: Sequence[int] = ()
    shines_through: bool = False
    opens: Callable[[], Screen[None]] | None = None

    def answers(self, site: Answers) -> Answers | None:
        """Those of the sample site, as this scene wants them."""
        if not self.step:
            return None
        for section, field, value in self.changes:
            site = changed(site, section, field, value)
        return site


_BUNDLE = (("registry", "ca_file", Path("site-a-bundle.pem")),)

SCENES = (
    Scene("00-start", 0, ("site-b", "27.1.1", "31.4 GB")),
    Scene(
        "00-start-load",
        0,
        ("site-b", "27.1.1", "31.4 GB"),
        ("end", "enter"),
        "a cluster's YAML",
        shines_through=True,
    ),
    Scene("00-start-help", 0, ("site-b", "27.1.1", "31.4 GB"), ("f1",), "Help: Start"),
    Scene("01-artifacts", 1, ("1 warning", "To import")),
    Scene("01-artifacts-pick-file", 1, ("1 warning", "To import"), ("f4",), "root.crt"),
    Scene("02-registry", 2, ("1 warning",)),
    Scene(
        "02-registry-wrong", 2, ("1 warning",), ("end", "slash", "x", "tab"), "Leave out the path"
    ),
    Scene("03-trust", 3, ("1 problem", "Site A Root CA"), changes=_BUNDLE),
    Scene(
        "03-trust-chain",
        3,
        ("1 problem", "Site A Root CA"),
        ("tab", "tab"),
        "",
        changes=_BUNDLE,
    ),
    Scene(
        "03-trust-any",
        3,
        ("1 problem", "Site A Root CA"),
        ("tab", "space"),
        "Tick it",
        shines_through=True,
    ),
    Scene("04-credentials", 4, ("All checks pass", "Stored")),
    Scene("05-namespaces", 5, ("1 project is missing", "1 of 156")),
    Scene(
        "05-namespaces-create",
        5,
        ("1 project is missing", "1 of 156"),
        ("c",),
        "Private",
        shines_through=True,
    ),
    Scene(
        "05-namespaces-steps",
        5,
        ("1 project is missing",),
        ("f2",),
        "needs step",
        checked=(1, 2, 3, 4),
    ),
    Scene(
        "05-namespaces-help", 5, ("1 project is missing", "1 of 156"), ("f1",), "Help: Namespaces"
    ),
    Scene(
        "05-namespaces-preview", 5, ("1 project is missing", "1 of 156"), ("f6",), "ociNamespaces"
    ),
    Scene("06-cluster", 6, ("1 warning", "vSphere with Ubuntu")),
    Scene("07-admin-machine", 7, ("does the rest",)),
    Scene("08-review", 8, ("registryMirrorConfiguration", "Write "), checked=(1, 2, 3, 4, 5, 6, 7)),
    Scene(
        "08-review-files",
        8,
        ("registryMirrorConfiguration", "Write "),
        ("2",),
        "answers.yaml",
        checked=(3,),
    ),
    Scene(
        "08-review-points",
        8,
        ("registryMirrorConfiguration", "Write "),
        ("3",),
        "would refuse",
        checked=(3,),
    ),
    Scene(
        "08-review-write",
        8,
        ("registryMirrorConfiguration", "Write "),
        ("n",),
        "Write anyway",
        checked=(3,),
        shines_through=True,
    ),
    Scene("09-import-ready", 9, ("24.6 GB to send", "none is running")),
    Scene("09-import-running", 9, ("312 of 438 MB",), sight=transfer.RUNNING),
    Scene("09-import-log", 9, ("312 of 438 MB",), ("2",), "9c0abc9c5bd3", transfer.RUNNING),
    Scene(
        "09-import-find", 9, ("312 of 438 MB",), ("slash", "e", "n", "v"), "envoy", transfer.RUNNING
    ),
    Scene(
        "09-import-stop",
        9,
        ("312 of 438 MB",),
        ("s",),
        "Keep running",
        transfer.RUNNING,
        shines_through=True,
    ),
    Scene(
        "09-import-workers",
        9,
        ("312 of 438 MB",),
        ("w",),
        "Uploads at a time",
        transfer.RUNNING,
        shines_through=True,
    ),
    Scene(
        "09-import-artifact",
        9,
        ("312 of 438 MB",),
        ("home", "enter"),
        "One artifact",
        transfer.RUNNING,
    ),
    Scene("09-import-failed", 9, ("again",), ("3",), "Cause", transfer.FAILED),
    Scene("10-done", 10, ("Not in the tarball", "that nodes use")),
    Scene("11-prepare", 0, ("24.6 GB to fetch",), opens=PrepareScreen),
    Scene(
        "11-prepare-estimate",
        0,
        ("24.6 GB to fetch",),
        ("pagedown", "pagedown"),
        "HTTPS_PROXY",
        opens=PrepareScreen,
    ),
    Scene("11-prepare-running", 0, ("312 of 438 MB",), opens=download.running),
    Scene("11-prepare-failed", 0, ("166 of 167", "Cause"), opens=download.failed),
    Scene("11-prepare-done", 0, ("eksa-mirror import",), opens=download.done),
)
