// What a run prints and how far it is, as it happens. Without this the page shows
// the same when it is loaded again.
"use strict";
(() => {
  const section = document.querySelector("[data-events]");
  if (!section || !window.EventSource) return;
  const part = (name) => document.querySelector(`[data-live="${name}"]`);
  const log = part("log"), bar = part("progress");
  const most = 200000; // characters that the page keeps
  document.querySelectorAll(".noscript").forEach((e) => e.remove());
  const source = new EventSource(`${section.dataset.events}?offset=${section.dataset.offset}`);
  source.addEventListener("log", (e) => {
    const follow = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const text = log.textContent + JSON.parse(e.data);
    log.textContent = text.length > most ? text.slice(-most) : text;
    if (follow) log.scrollTop = log.scrollHeight;
  });
  source.addEventListener("progress", (e) => {
    const p = JSON.parse(e.data);
    part("words").textContent = p.words;
    if (p.total > 0) {
      bar.max = p.total;
      bar.value = p.done;
    }
  });
  source.addEventListener("state", (e) => {
    const state = JSON.parse(e.data);
    if (state !== "waiting" && part("waiting")) part("waiting").hidden = true;
    part("state").textContent = state.charAt(0).toUpperCase() + state.slice(1);
  });
  source.addEventListener("end", () => {
    source.close();
    location.reload();
  });
})();
