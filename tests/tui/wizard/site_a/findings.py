"""What the live checks of the sample site found, by the name of the check."""

from collections.abc import Mapping, Sequence

from core.checks.finding import Finding, failed, passed, warned

HOST = "harbor.site-a.example"

ARTIFACTS: Mapping[str, Sequence[Finding]] = {
    "manifest": [passed("kind Bundles, v0.26.0, Kubernetes 1.30 to 1.36")],
    "tarball": [passed("docker archive, linux/amd64, 156 images")],
    "images": [passed("156 of 156 found")],
    "charts": [passed("5 of 5 found")],
    "package-bundles": [
        warned(
            "v1-36-latest is not in the tarball",
            effect="Curated packages will not install on Kubernetes 1.36.",
            mend="Download again on the connected side, or untick 1.36.",
        )
    ],
    "architecture": [passed("all for linux/amd64")],
    "disk": [passed("212 GB free, 1 GB is enough")],
}
REGISTRY: Mapping[str, Sequence[Finding]] = {
    "dns": [passed(f"{HOST} is 10.20.0.14")],
    "port": [passed("443 is open, answered in 2 ms")],
    "tls": [
        warned(
            "TLS 1.3, signed by an authority not known here",
            mend="Nothing yet: the CA file comes in step 3.",
        )
    ],
    "v2": [passed("/v2/ answers, a login is needed")],
    "kind": [passed("Harbor 2.11.1")],
    "login-address": [passed(f"https://{HOST}/service/token")],
    "clock": [passed("both clocks agree within a second")],
}
TRUST: Mapping[str, Sequence[Finding]] = {
    "name": [passed(f"the certificate covers {HOST}")],
    "validity": [
        warned(
            "the server certificate ends on 2026-11-30",
            effect="Nodes can pull nothing from that day on.",
            mend="Renew it with the same CA.",
        )
    ],
    "signature": [passed("SHA-256 with ECDSA")],
    "chain": [passed("complete")],
    "ca-file": [
        failed(
            "EKS Anywhere would refuse this file",
            cause="It reads the first certificate only, the server's.",
            mend="Use the root alone. Press u and the wizard writes it, or:",
            command="awk '/BEGIN/{n++} n==3' site-a-bundle.pem > root.crt",
        )
    ],
    "import-trust": [passed("the import accepts the certificate")],
    "docker-trust": [passed("docker accepts the certificate")],
    "node-trust": [passed("nodes accept the certificate")],
}
CREDENTIALS: Mapping[str, Sequence[Finding]] = {
    "login": [passed("accepted as robot$eksa-mirror")],
    "pull": [passed("may read eks-a")],
    "push": [passed("may write to eks-a (upload opened, cancelled)")],
    "node-login": [passed("the basic login that nodes send is accepted")],
    "keyring": [passed("unlocked, written and read back")],
}
NAMESPACES: Mapping[str, Sequence[Finding]] = {
    "projects": [
        passed("exists, push and pull allowed, 1.8 TB quota left", subject="eks-a"),
        failed(
            "missing, needed for docker.io",
            cause="Nothing can go to dockerhub before the project exists.",
            mend="Create it in Harbor: New Project, or c in the wizard.",
            subject="dockerhub",
        ),
    ],
    "body-size": [passed("512 MB in one request are taken")],
    "node-view": [passed("/v2/eks-a/ answers as a node asks")],
}
ADMIN_MACHINE: Mapping[str, Sequence[Finding]] = {
    "docker": [passed("27.1.1, answers on /var/run/docker.sock")],
    "stray-files": [passed("no .cert without its .key")],
    "docker-ca": [
        warned(
            f"missing for {HOST}:443",
            effect="docker looks under the exact name. EKS Anywhere adds :443.",
            mend="Leave the first box ticked, or run:",
            command=f"sudo install -D -m 644 root.crt /etc/docker/certs.d/{HOST}:443/ca.crt",
        )
    ],
    "docker-login": [passed("logged in as robot$eksa-mirror")],
    "docker-pull": [passed("docker pulls, with the CA and the login")],
    "eksctl": [passed("v0.26.0, fits the bundle")],
}
BEFORE_IMPORT: Mapping[str, Sequence[Finding]] = {
    "tarball-there": [passed("images.tar is there, 31.4 GB")],
    "job-folder": [passed("is writable, 212 GB free")],
    "other-import": [passed("none is running for this registry")],
}
BY_CHECK: Mapping[str, Sequence[Finding]] = {
    **ARTIFACTS,
    **REGISTRY,
    **TRUST,
    **CREDENTIALS,
    **NAMESPACES,
    **ADMIN_MACHINE,
    **BEFORE_IMPORT,
}
