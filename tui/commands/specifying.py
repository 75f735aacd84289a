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
from core.mirror.cluster_document import ClusterDocument
from core.mirror.cluster_file import ClusterFile, difference
from core.mirror.findings import Finding
from core.mirror.fragment import as_mapping, fragment
from core.mirror.from_answers import cluster_facts, is_accepted, judge_cluster
from core.mirror.hosts_toml import node_files
from core.mirror.outputs import environment_of
from core.mirror.provider_rules import login_reaches_nodes
from core.transfer.needs import needs_of
from tui import options
from tui.differences import put_difference
from tui.findings import tell_findings, verdict
from tui.flags import JsonFlag
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
    *,
    cluster_file: _ClusterFileFlag = None,
    only: options.ClusterFlag = None,
    check_only: _CheckOnlyFlag = False,
    hosts_toml: _HostsFlag = False,
    environment: _EnvironmentFlag = False,
    as_json: JsonFlag = False,
) -> int:
    """Print or judge the mirror's settings for EKS Anywhere.

    Prints registryMirrorConfiguration, ready to be pasted into a cluster file. With a cluster file
    it shows what write would change in it. Nothing is written, and the registry is not asked. Exit
    2 where EKS Anywhere would refuse the settings.
    """
    wanted = {"--check-only": check_only, "--hosts-toml": hosts_toml, "--environment": environment}
    _check_one_at_most([name for name, given in wanted.items() if given])
    if check_only:
        path = cluster_file or answers.cluster.file
        return _judge_file(path, only or (), answers, as_json=as_json)
    cluster = _read(cluster_file, answers)
    clusters = cluster.chosen(only or ()) if cluster else []
    settled = settle(answers, clusters)
    if hosts_toml:
        shown = _node_files(answers, settled, clusters)
    elif environment:
        shown = {"environment": environment_of(answers, login_for_environment(answers))}
    elif cluster is not None:
        merged = cluster.merged(settled.configuration, only or ())
        shown = {"difference": difference(cluster.content, merged, cluster.where)}
    else:
        shown = {"fragment": fragment(settled.configuration)}
    if as_json:
        put(_json(settled, shown))
    else:
        _show(shown)
        tell_findings(settled.findings)
    return _end(settled.findings)


def _check_one_at_most(given: Sequence[str]) -> None:
    if len(given) > 1:
        raise UsageError(
            Code.BAD_USAGE,
            f"{' and '.join(given)} were both given; only one thing is printed at a time.",
            where=given[-1],
            cause="Each of them prints something else in place of the fragment.",
            mend="Leave all but one out.",
        )


def _read(path: Path | None, answers: Answers) -> ClusterFile | None:
    if path is None:
        return None
    if not answers.registry.address:
        raise UsageError(
            Code.BAD_USAGE,
            "No registry was named, so nothing would change in the cluster file.",
            where="--registry",
            cause="The flag is missing, and no answers file gives it.",
            mend="Add -r HOST[:PORT][/NAMESPACE], or --check-only to judge what the file holds.",
        )
    return ClusterFile.read(path)


def _judge_file(path: Path | None, only: Sequence[str], answers: Answers, *, as_json: bool) -> int:
    if path is None:
        raise UsageError(
            Code.BAD_USAGE,
            "No cluster file was named.",
            where="--cluster-file",
            cause="The flag is missing, and no answers file gives it.",
            mend="Add --cluster-file cluster.yaml.",
        )
    file, release = ClusterFile.read(path), needs_of(answers).release
    judged = [
        (cluster, judge_cluster(cluster, answers, release=release, environment=os.environ))
        for cluster in file.chosen(only)
    ]
    if as_json:
        document = [_cluster_document(*one) for one in judged]
        put(json.dumps(document, indent=2, ensure_ascii=False))
    for cluster, findings in () if as_json else judged:
        without = "" if cluster.configuration else " has no mirror: its nodes use the internet"
        tell(plain(f"{file.where}:{cluster.line}: cluster “{cluster.name}”{without}"))
        tell()
        tell_findings(findings)
    return _end([finding for _, findings in judged for finding in findings])


def _node_files(
    answers: Answers, settled: Settled, clusters: Sequence[ClusterDocument]
) -> dict[str, Any]:
    facts = cluster_facts(answers, clusters[0].facts if clusters else None)
    if facts.only_bottlerocket:
        tell("Bottlerocket nodes get no such files: the same goes into their own settings.")
    on_nodes = login_reaches_nodes(facts)
    return {"nodes": node_files(settled.configuration, login_on_nodes=on_nodes)}


def _json(settled: Settled, shown: Mapping[str, Any]) -> str:
    document = {
        "configuration": as_mapping(settled.configuration),
        **shown,
        "release": settled.release,
        "accepted": is_accepted(settled.findings),
        "findings": [asdict(one) for one in settled.findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _cluster_document(cluster: ClusterDocument, findings: Sequence[Finding]) -> dict[str, Any]:
    configuration = cluster.configuration
    return {
        "name": cluster.name,
        "line": cluster.line,
        "configuration": as_mapping(configuration) if configuration else None,
        "accepted": is_accepted(findings),
        "findings": [asdict(one) for one in findings],
    }


def _show(shown: Mapping[str, Any]) -> None:
    for kind, content in shown.items():
        if kind == "nodes":
            files = [f"# {path}\n{text}" for path, text in content.items()]
            put("\n".join(files).removesuffix("\n"))
        elif kind == "difference":
            if content:
                put_difference(content)
            else:
                tell("The cluster file has this mirror already.")
        else:
            put(content.removesuffix("\n"))


def _end(findings: Sequence[Finding]) -> ExitCode:
    tell(verdict(findings))
    tell("The registry was not asked; eksa-mirror check does that.")
    return ExitCode.DONE if is_accepted(findings) else ExitCode.USAGE
