// Conveniences only: every page works without scripts.
"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const on = (event, does) => document.addEventListener(event, does);
  const query = document.getElementById("q");
  const box = query || document.getElementById("within");
  const keys = document.getElementById("keys");
  const hits = all("[data-hit] mark");
  const place = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  const isBefore = (node) => place && place.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_PRECEDING;
  let at = place ? all("[data-item]").indexOf(place) : -1;
  let hit = place ? hits.filter(isBefore).length - 1 : -1;
  if (place?.contains(hits[hit + 1] ?? null)) hit += 1; // the one that the address shows

  const isTyping = (event) =>
    event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey;

  const go = (step) => {
    const items = all("[data-item]");
    if (!items.length) return;
    items[at]?.classList.remove("here");
    at = Math.min(Math.max(at + step, 0), items.length - 1);
    items[at].classList.add("here");
    items[at].scrollIntoView({ block: "nearest" });
    (items[at].querySelector("h3 a, th a, .anchor") || items[at]).focus({ preventScroll: true });
  };

  const goToHit = (step) => {
    if (!hits.length) return;
    hits[hit]?.classList.remove("now");
    hit = (hit + step + hits.length) % hits.length;
    hits[hit].classList.add("now");
    hits[hit].scrollIntoView({ block: "center" });
  };

  const actions = {
    "/": () => { box?.focus(); box?.select(); },
    j: () => go(1), k: () => go(-1), o: () => all("[data-item]")[at]?.querySelector("h3 a, th a")?.click(),
    n: () => goToHit(1), N: () => goToHit(-1), "?": () => keys.showModal(),
  };

  on("keydown", (event) => {
    if (event.key === "Escape" && event.target === box) box.blur();
    if (isTyping(event) || keys.open || !actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });

  for (const element of all("[data-keys], [data-steps]")) element.hidden = false;
  on("click", (event) => {
    const { step, keys } = event.target.dataset ?? {};
    if (step) goToHit(Number(step));
    if (keys !== undefined) actions["?"]();
    const anchor = event.target.closest(".anchor");
    if (anchor) navigator.clipboard?.writeText(new URL(anchor.hash, location.href).href).catch(() => {});
  });
  on("change", (event) => {
    if (event.target.matches(".ask select")) event.target.form.requestSubmit();
  });

  // The zone of whoever reads, and the names of all others.
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const offerOwnZone = () => {
    for (const link of all("[data-own-zone]")) {
      if (own === link.dataset.zone) continue;
      const address = new URL(location.href);
      for (const name of ["after", "n"]) address.searchParams.delete(name);
      address.searchParams.set(link.dataset.ownZone, own);
      link.href = address.href;
      link.textContent = `in ${own}`;
      link.hidden = false;
    }
  };
  on("focusin", ({ target }) => {
    if (!target.matches("input.zone")) return;
    target.list.replaceChildren(...Intl.supportedValuesOf("timeZone").map((name) => new Option(name, name)));
  });

  // A citation: what was said, by whom, when, and where it stands.
  for (const foot of all(".message .foot")) {
    const message = foot.closest(".message");
    const cite = document.createElement("button");
    cite.type = "button";
    cite.className = "link cite";
    cite.textContent = "cite";
    cite.setAttribute("aria-label", `Copy ${message.id.replace("m", "message ")} as a citation`);
    cite.addEventListener("click", () => {
      const text = (selector) => message.querySelector(selector)?.textContent.trim() ?? "";
      const id = document.querySelector(".id")?.textContent.trim();
      const time = message.querySelector("time")?.dateTime;
      const address = new URL(`#${message.id}`, location.href);
      const said = `“${text(".said")}” (${text(".by bdi")}, ${time}, LivePerson conversation ${id}, message ${text(".anchor")})`;
      navigator.clipboard?.writeText(`${said}\n${address.href}`).then(() => { cite.textContent = "copied"; }, () => {});
    });
    foot.append(cite);
  }

  // The way back from a conversation leads to the search as it was, with its filters, order and page.
  const back = document.querySelector("[data-back]");
  const searched = sessionStorage.getItem("search");
  if (back && searched) back.href = `/${searched}`;

  const prepare = () => {
    if (query) sessionStorage.setItem("search", location.search);
    offerOwnZone();
  };
  prepare();

  // A search replaces the content of the page, by htmx. Whatever goes wrong with that is left to the browser.
  const list = document.getElementById("completions");
  on("htmx:config:request", ({ detail: { ctx } }) => {
    delete ctx.request.headers["HX-Current-URL"]; // may be as long as the address itself
    if (ctx.target === list) ctx.request.body.set("at", [...query.value.slice(0, query.selectionStart)].length);
  });
  on("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    if (ctx.target === list || tasks[0]?.fragment.childElementCount) return;
    event.preventDefault();
    location.assign(ctx.request.action);
  });
  on("htmx:error", ({ detail: { ctx } }) => {
    if (query && ctx.target !== list) location.assign(ctx.request.action);
  });
  on("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.target === list) return offer();
    at = -1;
    document.querySelector(".ask")?.reset(); // shows what was asked, and nothing that was typed since
    prepare();
  });

  // Completion of fields and values in the search box. The server counts whole characters.
  let chosen = -1;
  const offer = () => {
    chosen = -1;
    list.hidden = !list.childElementCount;
    query.setAttribute("aria-expanded", String(!list.hidden));
    query.removeAttribute("aria-activedescendant");
  };
  const close = () => {
    query.dispatchEvent(new Event("htmx:abort"));
    list.replaceChildren();
    offer();
  };
  const choose = (number) => {
    const options = [...list.children];
    chosen = (number + options.length) % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
    query.setAttribute("aria-activedescendant", options[chosen].id);
  };
  const take = (option) => {
    const before = [...query.value].slice(0, option.dataset.start).join("");
    const { text } = option.dataset;
    query.setRangeText(text, before.length, query.selectionStart, "end");
    close();
    query.focus();
    if (text.endsWith(":")) query.dispatchEvent(new Event("input"));
  };
  list?.addEventListener("mousedown", (event) => {
    event.preventDefault();
    take(event.target.closest("li"));
  });
  query?.addEventListener("blur", close);
  query?.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (moves[event.key]) choose(chosen < 0 && event.key === "ArrowUp" ? -1 : chosen + moves[event.key]);
    else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) take(list.children[chosen]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
})();
