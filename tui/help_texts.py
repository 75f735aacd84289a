"""What F1 tells: what each step is for, what its fields mean, and the keys that only it has."""

from tui.step_help import StepHelp

HELP: dict[int, StepHelp] = {
    0: StepHelp(
        (
            "Choose between going on with a saved set-up, watching an import, and beginning anew.",
            (
                "Nothing is written, created or sent before step 8. Answers are saved as you type, "
                "without passwords, so you can leave at any moment."
            ),
            (
                "Tarball and bundle manifest are looked for in this folder, in its "
                "eks-anywhere-downloads, and on mounted sticks and disks. A new set-up begins with "
                "what was found."
            ),
        ),
        (
            (
                "load",
                "Answers file",
                "One that eksa-mirror wrote on any machine, or the YAML of a cluster.",
            ),
        ),
        (("Up Down", "choose"), ("Enter", "open"), ("F5  r", "look for the files again")),
    ),
    1: StepHelp(
        (
            (
                "Compares what was carried in with what EKS Anywhere will ask for, and lets you "
                "choose the Kubernetes versions."
            ),
            (
                "A tarball made on another day than the manifest may lack images. The table says "
                "what is missing before anything is sent."
            ),
        ),
        (
            (
                "field-artifacts-archive",
                "Images tarball",
                (
                    "The file that “eksctl anywhere download images” made, tar or tar.gz. It is "
                    "read where it lies and never unpacked."
                ),
            ),
            (
                "field-artifacts-bundles",
                "Bundle manifest",
                (
                    "bundle-release.yaml, or the eks-anywhere-downloads.tar.gz that holds it. The "
                    "file manifest.yaml beside it is of kind Release and not the right one."
                ),
            ),
            (
                "field-artifacts-kube_versions",
                "Kubernetes",
                "Ticked versions are imported. Each has images of its own; many images are shared.",
            ),
        ),
        (("F4", "browse for a file"), ("Space", "tick a version"), ("+  -", "tick all, none")),
    ),
    2: StepHelp(
        (
            (
                "The address that this machine and every node will use. It becomes endpoint and "
                "port in the cluster's registryMirrorConfiguration."
            ),
            (
                "The address must be known to the nodes too: a name that stands only in /etc/hosts "
                "of this machine is of no use to them."
            ),
        ),
        (
            (
                "field-registry-endpoint",
                "Endpoint",
                (
                    "Host name or IP address alone: no https://, no path. A pasted address is "
                    "taken apart by itself."
                ),
            ),
            (
                "field-registry-port",
                "Port",
                "443 unless your registry listens elsewhere.",
            ),
        ),
    ),
    3: StepHelp(
        (
            (
                "Makes sure that this machine and the nodes recognise the registry's certificate, "
                "by the rules that EKS Anywhere applies itself."
            ),
            (
                "EKS Anywhere reads the first certificate of the CA file only. A file that begins "
                "with the server's certificate is refused; u writes the right one beside it."
            ),
        ),
        (
            (
                "field-registry-ca_file",
                "CA file",
                (
                    "The certificate that signed the registry's, as PEM. It may stay empty where "
                    "the registry's certificate is publicly trusted."
                ),
            ),
            (
                "field-registry-insecure",
                "Skip TLS check",
                (
                    "insecureSkipVerify: nodes then accept any certificate, also a false one. For "
                    "tests only; EKS Anywhere refuses it on Bottlerocket."
                ),
            ),
        ),
        (
            ("F4", "browse for the CA file"),
            ("u", "write the root alone to a file of its own"),
            ("d", "details of the selected certificate"),
        ),
    ),
    4: StepHelp(
        (
            "Who the import and the nodes log in as, and where the secret is kept.",
            (
                "With a login, authenticate becomes true and nodes send the same user and "
                "password. The account needs the right to push and to pull."
            ),
            "Passwords are in no answers file, log, report or command.",
        ),
        (
            (
                "field-credentials-login",
                "Login",
                (
                    "Whether the registry asks for a login. Without one, anyone who reaches it may "
                    "pull and push."
                ),
            ),
            (
                "field-credentials-username",
                "User",
                (
                    "A robot account with push and pull is best: it can be ended without touching "
                    "a person's account."
                ),
            ),
            (
                "field-login-password",
                "Password",
                "Masked from the first key. Where one is stored already, an empty field keeps it.",
            ),
            (
                "field-credentials-source",
                "Kept in",
                (
                    "The keyring of this machine; the variables REGISTRY_USERNAME and "
                    "REGISTRY_PASSWORD; or docker's own login."
                ),
            ),
        ),
        (("Left Right", "choose"),),
    ),
    5: StepHelp(
        (
            (
                "Says where each upstream registry lives inside yours. Nodes ask your registry for "
                "namespace + path in place of the upstream name."
            ),
            (
                "public.ecr.aws must be mapped: without it the mirror is ignored and nodes go to "
                "the internet."
            ),
            (
                "In Harbor the first part of a namespace is a project, which must be there before "
                "anything is sent. Other registries make repositories at the first push."
            ),
        ),
        (
            (
                "field-mapping-registry",
                "Upstream",
                (
                    "A host name alone, for example docker.io. Only one registry for curated "
                    "packages is allowed."
                ),
            ),
            (
                "field-mapping-namespace",
                "Namespace",
                "A project, and a path below it if you like. It may be empty.",
            ),
        ),
        (
            ("a", "add a mapping"),
            ("Del", "remove the selected one"),
            ("c", "create the project"),
            ("e", "next example"),
            ("/", "find a name for the live example"),
        ),
    ),
    6: StepHelp(
        (
            (
                "What a provider and operating system really do with the mirror differs: some use "
                "one mapping only, some cannot hand a login to the nodes. This step tells what "
                "holds for yours."
            ),
            (
                "A mirror with a login is not among the settings that an upgrade may change. "
                "Decide on it before the cluster is created."
            ),
        ),
        (
            (
                "field-cluster-file",
                "Cluster file",
                (
                    "Optional. Step 8 merges the mirror into it and keeps the old one as .bak; the "
                    "rest of the file stays as it is."
                ),
            ),
            (
                "field-cluster-provider",
                "Provider",
                "Where the cluster's machines run. Read from the cluster file where there is one.",
            ),
            (
                "field-cluster-os_family",
                "OS family",
                "Of the node images. Bottlerocket has limits that the others do not have.",
            ),
        ),
        (("F4", "browse for the file"),),
    ),
    7: StepHelp(
        (
            (
                "What this machine needs so that “eksctl anywhere” can use the mirror. The import "
                "needs none of it."
            ),
            (
                "docker looks for a CA under the exact name of the registry, and EKS Anywhere "
                "always adds the port; so with port 443 there are two names."
            ),
        ),
        (
            (
                "field-admin_machine-trust_ca",
                "CA for docker",
                (
                    "Step 8 copies the CA file to where docker looks for it. It asks for sudo, or "
                    "writes a script where there is none."
                ),
            ),
            (
                "field-admin_machine-docker_login",
                "Log docker in",
                (
                    "Step 8 runs docker login for each name of the registry; the password goes "
                    "over standard input."
                ),
            ),
        ),
        (("Space", "tick"), ("d", "details of the selected check")),
    ),
    8: StepHelp(
        (
            "Read everything once, then write the files. Nothing was written before.",
            (
                "Open points are every warning and problem of steps 1 to 7. “EKS Anywhere would "
                "refuse this” stops the creation of a cluster; “it will not work” is worse, as it "
                "is noticed late."
            ),
            "Each file is replaced in one move: where writing fails, the old file is whole.",
        ),
        (),
        (
            ("Enter", "show a file, or go to an open point"),
            ("1 to 4", "fragment, files, points, commands"),
            ("F7  y", "copy a command"),
            ("c", "another compression, where the link is slow"),
        ),
    ),
    9: StepHelp(
        (
            (
                "Starts, watches, pauses and repairs the transfer. It runs in a process of its "
                "own: closing the terminal or losing SSH changes nothing. Come back with: "
                "eksa-mirror attach"
            ),
            (
                "Nothing starts over: what is in the registry is never sent again, and a cut-off "
                "import goes on where it was."
            ),
            (
                "An artifact that fails never stops the others. Errors are grouped by cause, with "
                "what to do."
            ),
        ),
        (),
        (
            ("p", "pause, or go on"),
            ("s", "stop; it can be resumed"),
            ("w", "uploads at a time, and how fast at the most"),
            ("f", "filter"),
            ("/", "find"),
            ("1 to 3", "artifacts, log, errors"),
        ),
    ),
    10: StepHelp(
        (
            (
                "Says whether the mirror is complete: each artifact was asked for in the registry, "
                "and one image was pulled the way nodes do it."
            ),
            (
                "The commands are the next steps on this machine, with your values filled in. "
                "Secrets are read at the prompt."
            ),
        ),
        (),
        (("F5  r", "verify again"), ("F7  y", "copy a command")),
    ),
    11: StepHelp(
        (
            (
                "For a machine that reaches the internet: fetches manifests and images of a "
                "release, and curated packages where you name their registry, into one folder."
            ),
            (
                "The size is asked for as you type, from manifests alone. The download runs in a "
                "process of its own: closing the terminal changes nothing, and after a kill it "
                "goes on in the middle of a file."
            ),
            (
                "Logins are those of docker, with its credential helpers. Proxies are those of "
                "HTTPS_PROXY and NO_PROXY."
            ),
        ),
        (
            (
                "field-prepare-folder",
                "Folder",
                "Where the tarballs are written: best the disk that is carried over.",
            ),
            (
                "field-prepare-release",
                "Release",
                "Empty for the latest. Or its version, or file or URL of a bundle manifest.",
            ),
            (
                "field-prepare-platforms",
                "Platforms",
                "With all of them every digest stays that of upstream. One alone is smaller.",
            ),
            (
                "field-prepare-packages_from",
                "Packages from",
                "Registry of the images of curated packages, and after a blank that of charts.",
            ),
            (
                "field-prepare-upstream_mirrors",
                "Caches",
                "Where a host of upstream is reached only through a cache of your own.",
            ),
        ),
        (
            ("F5  r", "ask upstream anew; try again"),
            ("1 to 3", "artifacts, log, errors"),
            ("s", "stop; it can be resumed"),
            ("l", "go on without what upstream lacks"),
            ("c", "change the answers"),
            ("x", "throw away what was fetched, and begin anew"),
            ("F7  y", "copy the command of the other side"),
        ),
    ),
}
