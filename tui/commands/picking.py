"""`trust --save-root`: take the root out of the chain that the registry shows."""

from pathlib import Path

from core.answers import Answers
from core.checks.chain import Link
from core.checks.context import Context
from core.checks.trust import certificate_tree, write_ca
from core.errors import Code, ExitCode, UsageError
from tui.words import plain, tell


def save_root(answers: Answers, path: Path, fingerprint: str) -> int:
    """Show the chain; write the certificate whose fingerprint the operator confirmed.

    Raises:
        UsageError: no fingerprint was given, or none of the chain has it.
        RegistryError: the registry does not answer, or speaks no TLS.
    """
    with Context(answers) as context:
        tree = certificate_tree(context)
    _show(tree)
    if not fingerprint:
        raise UsageError(
            Code.BAD_USAGE,
            "Nothing was written: the fingerprint was not confirmed.",
            where="--fingerprint",
            cause="Whoever stands between you and the registry could show a chain of his own.",
            mend="Compare the fingerprint with what the CA's owner tells you, then add it with "
            "--fingerprint.",
        )
    offered = [link.certificate for link in tree if link.certificate]
    written = write_ca(path, offered, fingerprint)
    tell(f"Written: {path}, “{plain(written.name)}”. Use it with --ca-file {path}")
    return ExitCode.DONE


def _show(tree: tuple[Link, ...]) -> None:
    for depth, link in enumerate(tree):
        indent = "   " * depth
        tell(plain(f"{indent}{link.name}"))
        if link.certificate is None:
            tell(f"{indent}  not shown by the registry")
            continue
        ends = link.certificate.ends
        tell(plain(f"{indent}  from {link.source}, until {ends:%Y-%m-%d}"))
        tell(f"{indent}  SHA-256 {link.certificate.fingerprint}")
