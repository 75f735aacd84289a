"""Keys as they come from the terminal: Esc at once, and bytes that are no letters."""

import os
import select
from codecs import getincrementaldecoder
from itertools import chain

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

_LOOK_SECONDS = 0.1
_BLOCK = 4096
_ESC = "\x1b"


class PromptDriver(LinuxDriver):
    """Textual's driver, except that it looks for a lone Esc ten times a second, and no sooner.

    It would also end over a byte that is not UTF-8, as a terminal set to Latin-1 sends.
    """

    def run_input_thread(self) -> None:
        """Hand on what is typed until the screen is left."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        text = ""
        while not self.exit_event.is_set():
            pause = constants.ESCAPE_DELAY if text.endswith(_ESC) else _LOOK_SECONDS
            text = ""
            if select.select([self.fileno], [], [], pause)[0]:
                text = decode(os.read(self.fileno, _BLOCK))
            # An empty text would be the end, and half a letter is none.
            for event in chain(parser.feed(text) if text else (), parser.tick()):
                self.process_message(event)
