// Sends an image in pieces, so that an upload which was interrupted goes on where
// it stopped. Without this the form sends it in one piece.
"use strict";
(() => {
  const form = document.querySelector("form[data-upload]");
  if (!form) return;
  const piece = 8 << 20, patience = 60; // bytes; seconds between tries at most
  const box = form.querySelector(".upload"), bar = box.querySelector("progress"), words = box.querySelector("[role=status]");
  let stopped = false, active = null;

  // mark is how the gateway knows the file again: no digest of it, which would
  // take as long as sending it.
  const mark = (file) => {
    let out = "";
    const text = `${file.name}\n${file.size}\n${file.lastModified}`;
    for (let round = 0; out.length < 64; round++) {
      let h = 2166136261 ^ round;
      for (const c of text) h = Math.imul(h ^ c.codePointAt(0), 16777619) >>> 0;
      out += h.toString(16).padStart(8, "0");
    }
    return "sha256:" + out;
  };
  const ask = async (method, path, body, type) => {
    active = new AbortController();
    const headers = { Accept: "application/json" };
    if (type) headers["Content-Type"] = type;
    const query = (path.includes("?") ? "&" : "?") + "form=" + encodeURIComponent(form.dataset.form);
    const r = await fetch(path + query, { method, body, headers, signal: active.signal, credentials: "same-origin" });
    if (!r.ok) throw Object.assign(new Error((await r.text()).trim()), { status: r.status });
    return r.status === 204 ? null : r.json();
  };
  const size = (n) => `${(n / 1048576).toFixed(1)} MiB`;
  const show = (at, all) => {
    bar.max = all;
    bar.value = at;
    words.textContent = `${size(at)} of ${size(all)} sent`;
  };
  const begin = async (file, former) => {
    const content = mark(file), base = form.dataset.upload;
    const open = await ask("GET", base);
    const old = open.find((u) => u.contentId === content && u.size === file.size && u.name === file.name && (u.former || "") === former);
    return old || ask("POST", base, JSON.stringify({ name: file.name, size: file.size, contentId: content, former }), "application/json");
  };
  const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
  const send = async (file, former) => {
    let upload = await begin(file, former), wait = 1;
    const at = `${form.dataset.upload}/${upload.id}`;
    while (upload.offset < file.size && !stopped) {
      show(upload.offset, file.size);
      try {
        upload = await ask("PUT", `${at}?offset=${upload.offset}`, file.slice(upload.offset, upload.offset + piece), "application/octet-stream");
        wait = 1;
      } catch (e) {
        if (stopped) break;
        if (e.status && e.status !== 409 && e.status < 500) throw e;
        words.textContent = "The connection is interrupted. It goes on by itself.";
        await pause(wait);
        wait = Math.min(2 * wait, patience);
        upload = await ask("GET", at).catch((e) => {
          if (e.status === 404) throw e;
          return upload;
        });
      }
    }
    if (stopped) return;
    show(file.size, file.size);
    words.textContent = "All is sent. It is being verified.";
    location.assign((await ask("POST", `${at}/finish`)).path);
  };
  form.addEventListener("submit", (e) => {
    const file = form.querySelector("input[type=file]").files[0];
    if (!file) return;
    e.preventDefault();
    stopped = false;
    box.hidden = false;
    const button = form.querySelector("button:not(.stop)"), former = form.querySelector("[name=former]");
    button.disabled = true;
    send(file, former ? former.value : "").catch((e) => {
      words.textContent = e.message;
    }).finally(() => {
      button.disabled = false;
    });
  });
  box.querySelector(".stop").addEventListener("click", () => {
    stopped = true;
    if (active) active.abort();
    words.textContent = "Stopped. Choose the same file again, and it goes on from here.";
  });
})();
