// What every page has: keys, and links to the zone of whoever reads. Conveniences only: all works without scripts.
"use strict";
window.page = (() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const box = document.getElementById("q") || document.getElementById("within");
  const keys = document.getElementById("keys");
  const place = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  let at = place ? all("[data-item]").indexOf(place) : -1;

  const go = (step) => {
    const items = all("[data-item]");
    if (!items.length) return;
    items[at]?.classList.remove("here");
    at = Math.min(Math.max(at + step, 0), items.length - 1);
    items[at].classList.add("here");
    items[at].scrollIntoView({ block: "nearest" });
    (items[at].querySelector("h3 a, th a, .anchor") || items[at]).focus({ preventScroll: true });
  };

  const actions = {
    "/": () => { box?.focus(); box?.select(); },
    j: () => go(1), k: () => go(-1), o: () => all("[data-item]")[at]?.querySelector("h3 a, th a")?.click(),
    "?": () => keys.showModal(),
  };
  const isTyping = (event) =>
    event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey;

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target === box) box.blur();
    if (isTyping(event) || keys.open || !actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) actions["?"]();
  });

  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const prepare = () => {
    at = place ? at : -1;
    // When somebody logs in, nothing is kept of what others asked in this tab.
    if (document.querySelector("form[action^='/login']")) sessionStorage.clear();
    for (const element of all("[data-keys], [data-steps]")) element.hidden = false;
    for (const link of all("[data-own-zone]")) {
      if (link.dataset.zone.split(" ").includes(own)) continue;
      const address = new URL(location.href);
      for (const name of ["after", "n"]) address.searchParams.delete(name);
      address.searchParams.set(link.dataset.ownZone, own);
      link.href = address.href;
      link.textContent = `in ${own}`;
      link.hidden = false;
    }
  };
  prepare();
  return { all, actions, prepare };
})();
