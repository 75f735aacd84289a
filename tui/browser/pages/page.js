"use strict";
// Keys go to the wizard at once, without a click before. The terminal's script says with a class
// that its websocket is open; focus before that would be an error in it.
const body = document.body;
const listen = () => {
  if (body.classList.contains("-loaded")) {
    document.querySelector(".xterm-helper-textarea").focus();
  }
};
new MutationObserver(listen).observe(body, { attributeFilter: ["class"] });
window.addEventListener("focus", listen);
document.getElementById("again").addEventListener("click", () => window.location.reload());
