"""`spec`: print the mirror's settings, or judge those of a cluster file."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from core.answers import Answers
from core.errors import Code, ExitCode, UsageError
from core.mirror.cluster_file import ClusterFile, difference
from core.mirror.findings import Finding
from core.mirror.fragment import as_mapping, fragment
from core.mirror.from_answers import cluster_facts, is_accepted, judge_cluster
from core.mirror.hosts_toml import node_files
from core.mirror.outputs import environment_of
from core.mirror.provider_rules import login_reaches_nodes
from core.transfer.needs import Needs, needs_of
from tui import options
from tui.differences import put_difference
from tui.findings import tell_findings, verdict
from tui.settling import Settled, login_for_environment, settle
from tui.words import plain, put, tell

_ClusterFileFlag = Annotated[
    Path | None,
    typer.Option(
        "--cluster-file",
        metavar="FILE",
        help="show what write would change in it",
        show_default=False,
    ),
]
_CheckOnlyFlag = Annotated[
    bool, typer.Option("--check-only", help="only judge what the cluster file holds")
]
_HostsFlag = Annotated[
    bool, typer.Option("--hosts-toml", help="print the files that nodes will get")
]
_EnvironmentFlag = Annotated[
    bool, typer.Option("--environment", help="print the environment file, without the password")
]


@options.takes_answers(options.SOURCE, options.SETTINGS, options.CLUSTER)
def spec(
    answers: Answers,
    cluster_file: _ClusterFileFlag = None,
    only: options.ClusterFlag = None,
    check_only: _CheckOnlyFlag = False,
    hosts_toml: _HostsFlag = False,
    environment: _EnvironmentFlag = False,
    as_json: options.JsonFlag = False,
) -> int:
    """Print or judge the mirror's settings for EKS Anywhere.

    Prints registryMirrorConfiguration, ready to be pasted into a cluster file. With a cluster file
    it shows what write would change in it. Nothing is written, and the registry is not asked. Exit
    2 where EKS Anywhere would refuse the settings.
    """
    _check_choice({"--check-only": check_only, "--hosts-toml": hosts_toml,
                   "--environment": environment})
    needs = needs_of(answers)
    if check_only:
        path = cluster_file or answers.cluster.file
        return _judge_file(path, only or (), answers, needs, as_json=as_json)
    cluster = _read(cluster_file, answers)
    clusters = cluster.chosen(only or ()) if cluster else ()
    settled = settle(answers, needs, clusters)
    document: dict[str, Any] = {"fragment": fragment(settled.configuration)}
    if hosts_toml:
        on_nodes = login_reaches_nodes(cluster_facts(answers, clusters[0].facts if clusters else None))
        document = {"nodes": node_files(settled.configuration, login_on_nodes=on_nodes)}
    elif environment:
        document = {"environment": environment_of(answers, login_for_environment(answers))}
    elif cluster is not None:
        merged = cluster.merged(settled.configuration, only or ())
        document = {"difference": difference(cluster.content, merged, cluster.where)}
    if as_json:
        put(_json(settled, needs, document))
    else:
        _show(document)
        tell_findings(settled.findings)
    _tell_end(settled.findings)
    return ExitCode.DONE if is_accepted(settled.findings) else ExitCode.USAGE
