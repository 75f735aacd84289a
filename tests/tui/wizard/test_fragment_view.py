"""The fragment on the screen: quiet keys, the certificate folded to one line with its count."""

from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import Mirror
from core.mirror.fragment import fragment
from tui.widgets.fragment_view import fragment_lines

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n"


def made(ca: str) -> str:
    mirror = Mirror.parse("harbor.site-a.example/eks-a")
    return fragment(RegistryMirrorConfiguration.from_mirror(mirror, ca_cert_content=ca))


def lines(ca: str, *, folded: bool, width: int = 90) -> list[str]:
    return [one.plain for one in fragment_lines(made(ca), folded=folded, width=width)]


def test_unfolded_it_is_what_is_written_to_the_letter() -> None:
    assert "\n".join(lines(PEM + PEM, folded=False)) + "\n" == made(PEM + PEM)
    assert "\n".join(lines("", folded=True)) + "\n" == made("")


def test_folded_only_the_certificate_is_told_by_its_number() -> None:
    body = [f"      {line}" for line in (PEM + PEM).splitlines()]
    expected = [line for line in made(PEM + PEM).splitlines() if line not in body]
    key = expected.index("    caCertContent: |")
    expected[key] += "  ► 8 lines, 2 certificates"
    assert lines(PEM + PEM, folded=True) == expected


def test_a_line_that_is_too_long_is_cut_where_it_ends() -> None:
    shown = lines(PEM, folded=True, width=40)
    assert all(len(one) <= 40 for one in shown if "►" not in one)
    assert any(one.endswith("…") for one in shown)


def test_the_key_is_quiet_and_the_value_plain() -> None:
    line = next(
        one for one in fragment_lines(made(""), folded=True, width=90) if "endpoint" in one.plain
    )
    styles = {line.plain[span.start : span.end]: str(span.style) for span in line.spans}
    assert styles == {"    endpoint:": "$ink2", ' "harbor.site-a.example"': "$ink"}
