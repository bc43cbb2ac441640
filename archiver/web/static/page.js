// Conveniences only: every page works without this file.
"use strict";
(() => {
  const box = document.getElementById("q") || document.getElementById("within");
  const keys = document.getElementById("keys");
  const items = [...document.querySelectorAll("[data-item]")];
  const hits = [...document.querySelectorAll("[data-hit] mark")];
  const place = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  const isBefore = (node) => place && place.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_PRECEDING;
  let at = place ? items.indexOf(place) : -1;
  let hit = place ? hits.filter(isBefore).length - 1 : -1;
  if (place?.contains(hits[hit + 1] ?? null)) hit += 1; // the one that the address shows

  const isTyping = (event) =>
    event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey;

  const go = (step) => {
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

  const open = () => items[at]?.querySelector("h3 a, th a")?.click();
  const help = () => keys.showModal();
  const actions = {
    "/": () => { box?.focus(); box?.select(); },
    j: () => go(1), k: () => go(-1), o: open, n: () => goToHit(1), N: () => goToHit(-1), "?": help,
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target === box) box.blur();
    if (isTyping(event) || keys.open || !actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });

  for (const button of document.querySelectorAll("[data-keys]")) {
    button.hidden = false;
    button.addEventListener("click", help);
  }
  for (const steps of document.querySelectorAll("[data-steps]")) {
    steps.hidden = false;
    for (const button of steps.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => goToHit(Number(button.dataset.step)));
    }
  }
  for (const select of document.querySelectorAll(".ask select")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }
  for (const anchor of document.querySelectorAll(".anchor")) {
    anchor.title = "Copies the address of this message";
    anchor.addEventListener("click", () => {
      const address = new URL(anchor.getAttribute("href"), location.href);
      navigator.clipboard?.writeText(address.href).catch(() => {});
    });
  }

  // The zone of whoever reads, and the names of all others.
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zone = document.querySelector("input.zone");
  zone?.addEventListener("focus", () => {
    zone.list.replaceChildren(...Intl.supportedValuesOf("timeZone").map((name) => new Option(name, name)));
  }, { once: true });
  for (const link of document.querySelectorAll("[data-own-zone]")) {
    if (!own || own === link.dataset.zone) continue;
    const address = new URL(location.href);
    for (const name of ["after", "n"]) address.searchParams.delete(name);
    address.searchParams.set(link.dataset.ownZone, own);
    link.href = address.href;
    link.textContent = `in ${own}`;
    link.hidden = false;
  }

  // A citation: what was said, by whom, when, and where it stands.
  for (const foot of document.querySelectorAll(".message .foot")) {
    const message = foot.closest(".message");
    const cite = document.createElement("button");
    cite.type = "button";
    cite.className = "link cite";
    cite.textContent = "cite";
    cite.setAttribute("aria-label", `Copy ${message.id.replace("m", "message ")} as a citation`);
    cite.addEventListener("click", () => {
      const text = (selector) => message.querySelector(selector)?.textContent.trim() ?? "";
      const id = document.querySelector(".id")?.textContent.trim();
      const at = message.querySelector("time")?.dateTime;
      const address = new URL(`#${message.id}`, location.href);
      const said = `“${text(".said")}” (${text(".by bdi")}, ${at}, LivePerson conversation ${id}, message ${text(".anchor")})`;
      navigator.clipboard?.writeText(`${said}\n${address.href}`).then(() => { cite.textContent = "copied"; }, () => {});
    });
    foot.append(cite);
  }

  // The way back from a conversation leads to the search as it was, with its filters, order and page.
  const back = document.querySelector("[data-back]");
  if (document.querySelector(".ask")) sessionStorage.setItem("search", location.search);
  else if (back && sessionStorage.getItem("search")) back.href = `/${sessionStorage.getItem("search")}`;

  // Completion of fields and values in the search box.
  const query = document.getElementById("q");
  if (query) {
    const list = document.createElement("ul");
    let chosen = -1;
    let items = [];
    let waiting = 0;
    list.id = "completions";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Completions");
    list.hidden = true;
    query.parentElement.append(list);
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false",
    })) query.setAttribute(name, value);

    const close = () => {
      list.hidden = true;
      list.replaceChildren();
      items = [];
      chosen = -1;
      query.setAttribute("aria-expanded", "false");
      query.removeAttribute("aria-activedescendant");
    };
    const choose = (number) => {
      chosen = (number + items.length) % items.length;
      [...list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
      query.setAttribute("aria-activedescendant", `completion-${chosen}`);
    };
    const take = (item) => {
      const before = [...query.value].slice(0, item.start).join(""); // the server counts whole characters
      query.setRangeText(item.text, before.length, query.selectionStart, "end");
      close();
      query.focus();
      if (item.text.endsWith(":")) ask();
    };
    const show = (found) => {
      close();
      items = found;
      list.replaceChildren(...items.map((item, at) => {
        const option = document.createElement("li");
        option.id = `completion-${at}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        const label = document.createElement("b");
        label.textContent = item.label;
        const detail = document.createElement("span");
        detail.textContent = item.detail;
        option.append(label, detail);
        option.addEventListener("mousedown", (event) => { event.preventDefault(); take(item); });
        return option;
      }));
      list.hidden = !items.length;
      query.setAttribute("aria-expanded", String(items.length > 0));
    };
    const ask = () => {
      clearTimeout(waiting);
      waiting = setTimeout(async () => {
        const typed = query.value;
        const at = [...typed.slice(0, query.selectionStart)].length;
        const answer = await fetch(`/complete.json?${new URLSearchParams({ q: typed, at })}`);
        if (answer.ok && typed === query.value) show((await answer.json()).items);
      }, 120);
    };
    query.addEventListener("input", ask);
    query.addEventListener("blur", close);
    query.addEventListener("keydown", (event) => {
      if (list.hidden) return;
      const moves = { ArrowDown: 1, ArrowUp: -1 };
      if (moves[event.key]) choose(chosen < 0 && event.key === "ArrowUp" ? -1 : chosen + moves[event.key]);
      else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) take(items[chosen]);
      else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }
})();
