"""Names cut to fit, errors in lines, counts."""

from hypothesis import given
from hypothesis import strategies as st

from core.errors import Code, EksaMirrorError
from tui.words import cut_name, error_lines, plain, plural

NODE = "public.ecr.aws/eks-distro/kind/node:v1.33.13-eks-d-1-33-30-eks-a-115"


def test_the_registry_goes_first_then_parts_of_the_path() -> None:
    assert cut_name(NODE, 80) == "eks-distro/kind/node:v1.33.13-eks-d-1-33-30-eks-a-115"
    assert cut_name(NODE, 45) == "…/kind/node:v1.33.13-eks-d-1-33-30-eks-a-115"
    assert cut_name(NODE, 38) == "node:v1.33.13-eks-d-1-33-30-eks-a-115"


@given(st.integers(4, 90))
def test_a_cut_name_fits_and_keeps_the_end_of_the_tag(width: int) -> None:
    cut = cut_name(NODE, width)

    assert len(cut) <= width
    assert cut[-2:] == NODE[-2:]


@given(st.text(max_size=300), st.text(max_size=300))
def test_error_lines_hold_no_control_characters(message: str, where: str) -> None:
    lines = error_lines(EksaMirrorError(Code.ARCHIVE_DAMAGED, message, where=where))

    assert all(line.isprintable() for line in lines)
    assert lines[0] == "Error: The tarball is damaged [archive-damaged]"


def test_escape_sequences_of_others_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in plain("a\x1b[2Jb\r\nc")


def test_plural() -> None:
    assert [plural(n, "artifact") for n in (0, 1, 2)] == [
        "0 artifacts",
        "1 artifact",
        "2 artifacts",
    ]
