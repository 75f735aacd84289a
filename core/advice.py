"""The troubles that there are: a code for each, and what holds for every case of it.

A code is stable for ever: reports group by it, and the README explains each. A new one needs its
`Advice` here and its row in the README (tests tell).
"""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Names of troubles, stable for ever."""

    BAD_USAGE = "bad-usage"
    BAD_ANSWERS = "bad-answers"
    INTERRUPTED = "interrupted"
    BUG = "bug"
    TOOL_MISSING = "tool-missing"

    ARCHIVE_NOT_FOUND = "archive-not-found"
    ARCHIVE_UNREADABLE = "archive-unreadable"
    ARCHIVE_UNKNOWN_FORMAT = "archive-unknown-format"
    ARCHIVE_TRUNCATED = "archive-truncated"
    ARCHIVE_DAMAGED = "archive-damaged"
    ARCHIVE_HOSTILE = "archive-hostile"
    ARCHIVE_CHANGED = "archive-changed"
    NOT_IN_ARCHIVE = "not-in-archive"
    NO_SCRATCH_SPACE = "no-scratch-space"

    MANIFEST_NOT_FOUND = "manifest-not-found"
    MANIFEST_WRONG_KIND = "manifest-wrong-kind"
    MANIFEST_INVALID = "manifest-invalid"
    KUBE_VERSION_UNKNOWN = "kube-version-unknown"

    REFERENCE_INVALID = "reference-invalid"
    ENDPOINT_INVALID = "endpoint-invalid"
    UPSTREAM_UNKNOWN = "upstream-unknown"
    DESTINATION_CLASH = "destination-clash"
    MIRROR_REJECTED = "mirror-rejected"

    REGISTRY_UNREACHABLE = "registry-unreachable"
    REGISTRY_STALLED = "registry-stalled"
    REGISTRY_BUSY = "registry-busy"
    REGISTRY_FAULT = "registry-fault"
    REGISTRY_NOT_FOUND = "registry-not-found"
    REGISTRY_PROTOCOL = "registry-protocol"
    REGISTRY_REFUSED = "registry-refused"
    TLS_UNTRUSTED = "tls-untrusted"
    TLS_NAME_MISMATCH = "tls-name-mismatch"
    TLS_EXPIRED = "tls-expired"
    TLS_FAILED = "tls-failed"
    CA_FILE_INVALID = "ca-file-invalid"
    LOGIN_REFUSED = "login-refused"
    LOGIN_MISSING = "login-missing"
    CREDENTIALS_UNREADABLE = "credentials-unreadable"
    TOKEN_SERVER_ELSEWHERE = "token-server-elsewhere"  # noqa: S105 - the name of a trouble
    REDIRECT_REFUSED = "redirect-refused"
    PUSH_DENIED = "push-denied"
    RIGHT_MISSING = "right-missing"
    BODY_TOO_LARGE = "body-too-large"
    TAG_IMMUTABLE = "tag-immutable"
    QUOTA_EXCEEDED = "quota-exceeded"
    REGISTRY_DISK_FULL = "registry-disk-full"
    DIGEST_REFUSED = "digest-refused"
    MIRROR_DIFFERS = "mirror-differs"

    DOCKER_UNREACHABLE = "docker-unreachable"
    DOCKER_REFUSED = "docker-refused"
    CLIENT_KEY_MISSING = "client-key-missing"
    NEEDS_ROOT = "needs-root"

    JOB_NOT_FOUND = "job-not-found"
    JOB_RUNNING = "job-running"
    JOB_FOLDER_UNSAFE = "job-folder-unsafe"
    JOURNAL_DAMAGED = "journal-damaged"
    DISK_FULL = "disk-full"
    FILE_CHANGED = "file-changed"
    FILE_NOT_WRITTEN = "file-not-written"


@dataclass(frozen=True, slots=True)
class Advice:
    """What holds for every trouble of one code.

    Attributes:
        title: what the operator would call it; reports group failures under it.
        cause: the likely cause.
        mend: what to do about it, with the command or setting where there is one.
    """

    title: str
    cause: str
    mend: str


ADVICE: dict[Code, Advice] = {
    Code.BAD_USAGE: Advice(
        "The command line does not fit together",
        "A flag is missing, has a value it cannot have, or contradicts another.",
        "See eksa-mirror --help, or the help of the verb.",
    ),
    Code.BAD_ANSWERS: Advice(
        "The answers file cannot be used",
        "A key or value in it is unknown or has the wrong type.",
        "Mend the line that is named, or let the wizard write the file anew.",
    ),
    Code.INTERRUPTED: Advice(
        "Stopped on request",
        "Somebody pressed Ctrl-C, or the machine was told to shut down.",
        "Run the same command again: it goes on where it stopped.",
    ),
    Code.BUG: Advice(
        "A defect of eksa-mirror",
        "Something happened that the program did not expect.",
        "Run the same command again; nothing that arrived is lost. Report it with worker.log.",
    ),
    Code.TOOL_MISSING: Advice(
        "A program is not installed",
        "Something that was asked for needs a program that this machine does not have.",
        "Install the package that is named.",
    ),
    Code.ARCHIVE_NOT_FOUND: Advice(
        "The tarball is not there",
        "The path is wrong, or the disk that holds it is not mounted.",
        "Check the path with ls -l.",
    ),
    Code.ARCHIVE_UNREADABLE: Advice(
        "The tarball cannot be read",
        "The account may not read it, or the disk gives errors.",
        "Check its rights with ls -l and the disk with dmesg.",
    ),
    Code.ARCHIVE_UNKNOWN_FORMAT: Advice(
        "The file is no archive that can be imported",
        "It is neither a tarball of `download images`, nor a docker save file, nor an OCI layout.",
        "Give the file that `eksctl anywhere download images -o` wrote.",
    ),
    Code.ARCHIVE_TRUNCATED: Advice(
        "The tarball is cut off",
        "The copy did not finish, or the disk it was written to was full.",
        "Compare ls -l and sha256sum with the connected side, copy it again.",
    ),
    Code.ARCHIVE_DAMAGED: Advice(
        "The tarball is damaged",
        "It was altered on the way here.",
        "Compare sha256sum with the connected side, copy it again.",
    ),
    Code.ARCHIVE_HOSTILE: Advice(
        "The tarball holds an entry that no honest one has",
        "A path or link that points outside, a circle of links, or an absurd size.",
        "Do not use this file; fetch it again from a source that you trust.",
    ),
    Code.ARCHIVE_CHANGED: Advice(
        "The tarball is not the one that this import began with",
        "It was replaced or written to since.",
        "Put the first file back, or begin anew with --restart; what arrived is not sent again.",
    ),
    Code.NOT_IN_ARCHIVE: Advice(
        "Not in the tarball",
        "The download left it out, or the tarball belongs to another bundles manifest.",
        "Download with the same bundles manifest, or leave its version out with --kube-version.",
    ),
    Code.NO_SCRATCH_SPACE: Advice(
        "No room to unzip the tarball",
        "A gzip-ed tarball is unzipped once for speed.",
        "Free the space, or name another folder with --scratch; without room it is read slowly.",
    ),
    Code.MANIFEST_NOT_FOUND: Advice(
        "A manifest is missing",
        "The bundles manifest points to a file that is not on this machine.",
        "Unpack eks-anywhere-downloads.tar.gz beside it, or give that tarball to -b.",
    ),
    Code.MANIFEST_WRONG_KIND: Advice(
        "The wrong manifest was given",
        "The folder of `download artifacts` holds several; only one lists the images.",
        "Give eks-anywhere-downloads/bundle-release.yaml.",
    ),
    Code.MANIFEST_INVALID: Advice(
        "A manifest cannot be understood",
        "It is damaged, or an error page was saved in its place.",
        "Look at the line that is named; download it again.",
    ),
    Code.KUBE_VERSION_UNKNOWN: Advice(
        "The Kubernetes version is not in the bundles manifest",
        "This release of EKS Anywhere does not carry it.",
        "Choose one of the versions that are listed.",
    ),
    Code.REFERENCE_INVALID: Advice(
        "A name of an image is not valid",
        "It does not have the form registry/repository:tag.",
        "Mend it where it is written.",
    ),
    Code.ENDPOINT_INVALID: Advice(
        "The registry's address is not valid",
        "It must be HOST, HOST:PORT or HOST:PORT/NAMESPACE, without https://.",
        "For example: -r harbor.example.com:8443/eks-a",
    ),
    Code.UPSTREAM_UNKNOWN: Advice(
        "An image comes from a registry without a namespace",
        "Nothing says where in your registry it belongs, and it is never pushed upstream.",
        "Map its registry with --map UPSTREAM=NAMESPACE, or leave it out.",
    ),
    Code.DESTINATION_CLASH: Advice(
        "Two artifacts want the same place",
        "Two namespace mappings lead different images to one name.",
        "Give the upstream registries different namespaces.",
    ),
    Code.MIRROR_REJECTED: Advice(
        "EKS Anywhere would refuse the mirror's settings",
        "It checks them before it creates or changes a cluster.",
        "Mend what is named; to write the files all the same, add --anyway.",
    ),
    Code.REGISTRY_UNREACHABLE: Advice(
        "The registry does not answer",
        "It is down, the address or port is wrong, or the network is cut.",
        "Try: curl -v https://HOST:PORT/v2/; a registry: eksa-mirror check; the internet: set "
        "HTTPS_PROXY.",
    ),
    Code.REGISTRY_STALLED: Advice(
        "The registry stopped in the middle",
        "It hangs: its disk may be full, or a proxy before it waits for the whole layer.",
        "On the registry's host: df -h; in nginx: proxy_request_buffering off;",
    ),
    Code.REGISTRY_BUSY: Advice(
        "The registry asks to slow down",
        "It limits how often one client may ask (HTTP 429).",
        "Use fewer uploads at a time: --jobs 2",
    ),
    Code.REGISTRY_FAULT: Advice(
        "The registry has a fault of its own",
        "It answered with a server error; often its disk or its database.",
        "Look at the registry's log; on its host: df -h",
    ),
    Code.REGISTRY_NOT_FOUND: Advice(
        "The registry does not know the name",
        "It is not there, or the address is not that of a registry.",
        "Check the address and namespace.",
    ),
    Code.REGISTRY_PROTOCOL: Advice(
        "The answer is not that of a registry",
        "Something else listens there, or a proxy answers in its place.",
        "Open https://HOST:PORT/v2/ with curl -v and look who answers.",
    ),
    Code.REGISTRY_REFUSED: Advice(
        "The registry refuses what was sent",
        "It does not take this kind of artifact, or a rule of it forbids it.",
        "Look at its answer and at its log.",
    ),
    Code.TLS_UNTRUSTED: Advice(
        "The certificate is signed by an authority that is not trusted here",
        "The registry uses a private CA.",
        "Give its root certificate with --ca-file ca.crt",
    ),
    Code.TLS_NAME_MISMATCH: Advice(
        "The certificate is made for another name",
        "The address that was given is not among its subject alternative names.",
        "Use a name that the certificate holds, or have it issued anew with this one.",
    ),
    Code.TLS_EXPIRED: Advice(
        "The certificate is out of date",
        "It has ended, has not begun, or the clock of this machine is wrong.",
        "Check date; have the certificate renewed.",
    ),
    Code.TLS_FAILED: Advice(
        "No secure connection comes about",
        "The port speaks plain HTTP, or only old versions of TLS.",
        "Check the port; for a registry without TLS use --plain-http (nodes cannot use it).",
    ),
    Code.CA_FILE_INVALID: Advice(
        "The CA file cannot be used",
        "It holds no certificate in PEM form.",
        "It must begin with -----BEGIN CERTIFICATE-----; ask for the CA's root in PEM.",
    ),
    Code.LOGIN_REFUSED: Advice(
        "The registry refuses the login",
        "The user name or the password is wrong, or the account has ended.",
        "Try the login in the registry's own page; robot accounts need their full name.",
    ),
    Code.LOGIN_MISSING: Advice(
        "The registry wants a login",
        "No user name and password were given or found.",
        "Set REGISTRY_USERNAME and REGISTRY_PASSWORD, or use --username and --password-stdin.",
    ),
    Code.CREDENTIALS_UNREADABLE: Advice(
        "Saved credentials cannot be read",
        "The docker config or its credential helper gives an error.",
        "Mend it, or set REGISTRY_USERNAME and REGISTRY_PASSWORD.",
    ),
    Code.TOKEN_SERVER_ELSEWHERE: Advice(
        "The registry sends logins somewhere else",
        "Its token server has another host name, or its own address is set wrongly.",
        "Name the host with --trust-host, or correct the registry's external address.",
    ),
    Code.REDIRECT_REFUSED: Advice(
        "The registry redirects to where nothing may be sent",
        "It answers with an address in plain HTTP, or with none that makes sense.",
        "Correct the registry's external address; on Harbor: external_url in harbor.yml.",
    ),
    Code.PUSH_DENIED: Advice(
        "No right to push, or the project is missing",
        "The project does not exist, or the account may not push and pull there.",
        "Create the project; on Harbor grant the account Push and Pull.",
    ),
    Code.RIGHT_MISSING: Advice(
        "The account lacks a right in the registry",
        "It may push and pull perhaps, but not do this.",
        "Have somebody with that right do it, or grant it to the account.",
    ),
    Code.BODY_TOO_LARGE: Advice(
        "The proxy in front of the registry refuses large uploads",
        "Its limit is below the smallest piece that can be sent (HTTP 413).",
        "In nginx: client_max_body_size 0; then reload it.",
    ),
    Code.TAG_IMMUTABLE: Advice(
        "The tag exists with other content and may not be changed",
        "The project has a rule for immutable tags.",
        "Remove the tag or lift the rule in the registry.",
    ),
    Code.QUOTA_EXCEEDED: Advice(
        "The project's quota is used up",
        "The project may not hold more.",
        "Raise its quota in the registry.",
    ),
    Code.REGISTRY_DISK_FULL: Advice(
        "The registry's disk is full",
        "It cannot store what was sent.",
        "On the registry's host: df -h, then free or add space.",
    ),
    Code.DIGEST_REFUSED: Advice(
        "The registry read other bytes than were sent",
        "A proxy alters uploads, or the registry lost a part.",
        "Try again; if it stays, send around the proxy.",
    ),
    Code.MIRROR_DIFFERS: Advice(
        "The registry does not hold what was sent",
        "Something was removed or replaced there.",
        "Run the import again: it sends only what is missing.",
    ),
    Code.DOCKER_UNREACHABLE: Advice(
        "Docker does not answer",
        "It is not running, or this account is not in its group.",
        "sudo systemctl start docker; for the group: sudo usermod -aG docker $USER",
    ),
    Code.DOCKER_REFUSED: Advice(
        "Docker says no",
        "The daemon cannot do what it was asked.",
        "Try the same with the docker command, and look at: journalctl -u docker",
    ),
    Code.CLIENT_KEY_MISSING: Advice(
        "A client certificate for docker has no key",
        "Docker then refuses every contact with this registry.",
        "Put the .key beside the .cert, or remove it; the file of a CA must end in .crt.",
    ),
    Code.NEEDS_ROOT: Advice(
        "Root rights are needed",
        "The folder belongs to the system.",
        "Run the same command with sudo.",
    ),
    Code.JOB_NOT_FOUND: Advice(
        "There is no such import",
        "Nothing was started under this name, or its folder was removed.",
        "List them: eksa-mirror status",
    ),
    Code.JOB_RUNNING: Advice(
        "This import is running already",
        "Another worker holds its folder.",
        "Watch it: eksa-mirror attach; end it: eksa-mirror stop",
    ),
    Code.JOB_FOLDER_UNSAFE: Advice(
        "The job folder cannot be used",
        "It belongs to somebody else, is a link, or cannot be written.",
        "Check its owner and rights, or set XDG_STATE_HOME to a folder of your own.",
    ),
    Code.JOURNAL_DAMAGED: Advice(
        "The journal of this import was damaged",
        "The machine lost power or the disk is failing.",
        "It was set aside; the import goes on from what the registry holds.",
    ),
    Code.DISK_FULL: Advice(
        "The disk of this machine is full",
        "The journal could not be written.",
        "Free some space (df -h), then run the same command again.",
    ),
    Code.FILE_CHANGED: Advice(
        "A file was changed in the meantime",
        "Somebody wrote to it after it was read, so it was left alone.",
        "Look at it, then do the same again.",
    ),
    Code.FILE_NOT_WRITTEN: Advice(
        "A file could not be written",
        "The account has no right to write there, or the disk is full or read-only.",
        "Check the folder with ls -ld and df -h; what was there before is still whole.",
    ),
}
