// What a transcript has: steps from match to match, citations, the way back to the search.
"use strict";
(() => {
  const { all, actions } = window.page;
  const hits = all("[data-hit] mark");
  const place = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  const isBefore = (node) => place && place.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_PRECEDING;
  let hit = place ? hits.filter(isBefore).length - 1 : -1;
  if (place?.contains(hits[hit + 1] ?? null)) hit += 1; // the one that the address shows

  const go = (step) => {
    if (!hits.length) return;
    hits[hit]?.classList.remove("now");
    hit = (hit + step + hits.length) % hits.length;
    hits[hit].classList.add("now");
    hits[hit].scrollIntoView({ block: "center" });
  };
  actions.n = () => go(1);
  actions.N = () => go(-1);

  document.addEventListener("click", ({ target }) => {
    if (target.dataset?.step) go(Number(target.dataset.step));
    const anchor = target.closest(".anchor");
    if (anchor) navigator.clipboard?.writeText(new URL(anchor.hash, location.href).href).catch(() => {});
  });
  for (const anchor of all(".anchor")) anchor.title = "Copies the address of this message";
  for (const link of all(".zones a")) link.hash = location.hash;

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

  // The way back leads to the search as it was, with its order and page, if it is the one that led here.
  const back = document.querySelector("[data-back]");
  const [asked, address] = JSON.parse(sessionStorage.getItem("search") ?? "[]");
  if (back && back.dataset.back === asked) back.href = address;
})();
