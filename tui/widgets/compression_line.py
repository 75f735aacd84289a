"""How layers are compressed, said where the link is slow."""

from textual.content import Content
from textual.widgets import Static

from core.checks.compression_offer import CompressionOffer
from core.units import size


class CompressionLine(Static):
    """`Slow link: 2.1 MB/s.` and which compression is chosen; nothing on a fast link."""

    def on_mount(self) -> None:
        """Nothing is offered yet."""
        self.display = False

    def show(self, offer: CompressionOffer | None, chosen: str) -> None:
        """Draw it.

        Args:
            chosen: as the answers have it.
        """
        self.display = offer is not None
        if offer:
            words = f"Slow link: {size(offer.rate)}/s.\nCodec: {chosen} (c changes)"
            self.update(Content.styled(words, "$ink2"))
