// What a search has: results that are replaced in their place, by htmx, and completion.
"use strict";
(() => {
  const { prepare } = window.page;
  const query = document.getElementById("q");
  const list = document.getElementById("completions");
  const address = () => location.pathname + location.search;
  const on = (event, does) => document.addEventListener(event, does);
  let shown = address();

  const keep = () => {
    const form = document.querySelector("[data-asked]");
    if (form) sessionStorage.setItem("search", JSON.stringify([form.dataset.asked, address()]));
  };
  keep();
  addEventListener("pageshow", () => document.querySelector(".ask")?.reset()); // browsers restore what was typed

  on("change", ({ target }) => {
    if (target.matches(".ask select, .zone")) target.form.requestSubmit();
  });
  on("focusin", ({ target }) => {
    if (!target.matches(".zone")) return;
    target.select();
    target.list.replaceChildren(...Intl.supportedValuesOf("timeZone").map((name) => new Option(name, name)));
  });

  // Some clicks are the browser's: those that open another tab, and those that lead elsewhere than a page on its way.
  let isLeaving = false;
  addEventListener("beforeunload", () => { isLeaving = true; });
  document.addEventListener("click", (event) => {
    if (isLeaving || event.ctrlKey || event.metaKey || event.shiftKey) event.stopPropagation();
  }, true);

  // Whatever goes wrong with a replacement is left to the browser, unless it is on its way to another page by now.
  addEventListener("popstate", () => { if (address() !== shown) location.reload(); });
  const load = (ctx) => { if (ctx.target !== list && !isLeaving) location.assign(ctx.request.action); };

  on("htmx:config:request", ({ detail: { ctx } }) => {
    delete ctx.request.headers["HX-Current-URL"]; // may be as long as the address itself
    if (ctx.target === list) ctx.request.body.set("at", [...query.value.slice(0, query.selectionStart)].length);
  });
  on("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    const isPage = ctx.response.headers.get("Content-Type")?.startsWith("text/html");
    if (isPage && (ctx.target === list || tasks[0]?.fragment.childElementCount)) return;
    event.preventDefault();
    if (query || ctx.response.status === 200) load(ctx); // the page of a first harvest asks again
  });
  on("htmx:error", ({ detail: { ctx } }) => { if (query) load(ctx); });
  on("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.target === list) return offer();
    shown = address();
    for (const form of document.forms) form.reset(); // they show what was asked, and nothing that was typed since
    keep();
    prepare();
    if (document.activeElement === document.body) { // what had the focus is gone
      (document.querySelector(".chips a") ?? document.getElementById("content")).focus({ preventScroll: true });
    }
  });

  // Completion of fields and values in the search box. The server counts whole characters.
  let chosen = -1;
  const offer = () => {
    chosen = -1;
    if (document.activeElement !== query) list.replaceChildren();
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
    query.setRangeText(text, before.length, Math.max(before.length, query.selectionStart), "end");
    close();
    query.focus();
    if (text.endsWith(":")) query.dispatchEvent(new Event("input"));
  };
  list?.addEventListener("mousedown", (event) => {
    event.preventDefault();
    if (event.target !== list) take(event.target.closest("li"));
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
