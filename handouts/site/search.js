// Search over window.RAFT_INDEX ([page, page title, anchor, title, words]), the contents of a page, light or dark.
"use strict";
const up = document.body.dataset.up;
const query = document.getElementById("query");
const found = document.getElementById("found");
const plain = (text) => text.toLowerCase().replace(/[_\-/]+/g, " ");
const entries = window.RAFT_INDEX.map(([page, book, anchor, title, words]) =>
  ({ page, book, anchor, title, words, low: plain(words), head: plain(title), raw: (title + " " + words).toLowerCase() }));

function score(entry, terms, whole) {
  let sum = 0;
  for (const term of terms) {
    const inHead = entry.head.includes(term), inWords = entry.low.includes(term);
    if (!inHead && !inWords) return 0;
    sum += (inHead ? 12 : 0) + (entry.head.startsWith(term) ? 6 : 0) + (inWords ? 1 + Math.min(4, entry.low.split(term).length - 2) : 0);
  }
  return sum + (entry.head === terms.join(" ") ? 30 : 0) + (entry.raw.includes(whole) ? 5 : 0);
}

function excerpt(entry, terms) {
  const at = Math.max(0, entry.low.indexOf(terms[0]) - 40);
  return (at ? "…" : "") + entry.words.slice(at, at + 110);
}

function search() {
  const whole = query.value.trim().toLowerCase();
  const terms = plain(whole).split(/\s+/).filter(Boolean);
  found.replaceChildren();
  if (terms.length) {
    const hits = entries.map((entry) => [score(entry, terms, whole), entry]).filter(([points]) => points > 0);
    hits.sort(([one], [other]) => other - one);
    for (const [, entry] of hits.slice(0, 12)) found.append(item(entry, terms));
    if (!hits.length) {
      const none = document.createElement("li");
      none.textContent = "Nothing has all these words.";
      found.append(none);
    }
  }
  found.hidden = !terms.length;
  query.setAttribute("aria-expanded", String(!found.hidden));
}

function item(entry, terms) {
  const line = document.createElement("li"), link = document.createElement("a");
  line.setAttribute("role", "option");
  link.href = up + entry.page + "#" + entry.anchor;
  const title = document.createElement("b"), where = document.createElement("small"), words = document.createElement("span");
  title.textContent = entry.title;
  where.textContent = " " + entry.book;
  words.textContent = excerpt(entry, terms);
  link.append(title, where, words);
  line.append(link);
  return line;
}

query.addEventListener("input", search);
document.addEventListener("keydown", (event) => {
  const typing = /INPUT|TEXTAREA/.test(document.activeElement.tagName);
  if (event.key === "/" && !typing) { event.preventDefault(); query.focus(); query.select(); }
  if (event.key === "Escape") { found.hidden = true; query.blur(); }
  if (found.hidden || !["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) return;
  const links = [...found.querySelectorAll("a")], now = links.indexOf(document.activeElement);
  if (event.key === "Enter") { if (now < 0 && typing && links[0]) links[0].click(); return; }
  event.preventDefault();
  const next = now + (event.key === "ArrowDown" ? 1 : -1);
  if (next < 0) query.focus(); else if (links[next]) links[next].focus();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".search") || event.target.closest("#found a")) found.hidden = true;
});

document.getElementById("theme").addEventListener("click", () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try { localStorage.setItem("theme", next); } catch (error) { /* private windows keep nothing */ }
});

if (matchMedia("(max-width: 800px)").matches) document.getElementById("pages").open = false;

const headings = [...document.querySelectorAll("main h2[id]")];
if (headings.length > 1) {
  const list = document.createElement("ul");
  for (const heading of headings) {
    const line = document.createElement("li"), link = document.createElement("a");
    link.href = "#" + heading.id;
    link.textContent = heading.textContent;
    line.append(link);
    list.append(line);
  }
  const title = document.createElement("b");
  title.textContent = "On this page";
  document.querySelector("aside").append(title, list);
}
for (const heading of document.querySelectorAll("main :is(h2, h3, h4)[id]")) {
  const link = document.createElement("a");
  link.className = "anchor";
  link.href = "#" + heading.id;
  link.textContent = "#";
  link.setAttribute("aria-label", "Link to " + heading.textContent);
  heading.append(link);
}

function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = target && target.closest("details");
  if (fold) { fold.open = true; target.scrollIntoView(); }
}
addEventListener("hashchange", openTarget);
openTarget();
addEventListener("beforeprint", () => document.querySelectorAll("main details").forEach((fold) => { fold.open = true; }));
