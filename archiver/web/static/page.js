// Conveniences only: every page works without this file.
"use strict";
(() => {
  const box = document.getElementById("q") || document.getElementById("within");
  const keys = document.getElementById("keys");
  const items = [...document.querySelectorAll("[data-item]")];
  const hits = [...document.querySelectorAll("[data-hit] mark")];
  let at = -1;
  let hit = -1;

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
})();
