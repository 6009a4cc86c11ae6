"use strict";
// The heat map of a class: students × tests, with sorting, filters and keyboard. All texts go in as text, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const SYMBOL = { p: "·", f: "✕", s: "◐", l: "◔", e: "!", h: "?", k: "–", n: "○", x: "" };
const WORD = {
  p: "passed", f: "failed", s: "failed with some seeds", l: "ran, but cost too much", e: "error", h: "held, needs review", k: "not run", n: "not written", x: "no result",
};
const CLASS = { p: "s-pass", f: "s-fail", s: "s-some", l: "s-some", e: "s-error", h: "s-held", k: "s-skip", n: "s-not-written", x: "s-none" };
const RANK = "hefslnkxp";
const AT_ONCE = 40;
const WIDTHS = { name: 220, points: 90, test: 22 };

const heat = document.getElementById("heat");
const detail = document.getElementById("detail");
const shown = document.getElementById("shown");
const controls = {
  student: document.getElementById("find-student"),
  test: document.getElementById("find-test"),
  status: document.getElementById("status"),
  stage: document.getElementById("stage"),
  failing: document.getElementById("failing"),
};
const kinds = [...document.querySelectorAll("input[name=kind]")];
let sort = { by: "name", down: false };
let group = null;
let columns = [];
let rows = [];
let current = { row: 0, column: 0 };
let drawing = 0;

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function cellText(row, number) {
  const letter = row.c[number];
  const test = data.tests[number];
  const more = row.f[number];
  const runs = more ? `, ${more[0]} of ${more[1]} seeds pass` : "";
  const rule = more && more[2] ? `, ${more[2]}` : "";
  return `${row.n}: ${test.id}: ${WORD[letter]}${runs}${rule}${more && more[3] ? `. ${more[3]}` : ""}`;
}

function chooseColumns() {
  const wanted = new Set(kinds.filter((box) => box.checked).map((box) => box.value));
  const text = controls.test.value.trim().toLowerCase();
  const stage = controls.stage.value;
  columns = data.tests
    .map((test, number) => ({ test, number }))
    .filter(({ test }) => wanted.has(test.kind) && (!stage || test.stage === stage))
    .filter(({ test }) => !text || `${test.id} ${test.title}`.toLowerCase().includes(text))
    .filter(({ number }) => !controls.failing.checked || data.rows.some((row) => "feslh".includes(row.c[number])));
}

function chooseRows() {
  const text = controls.student.value.trim().toLowerCase();
  const status = controls.status.value;
  rows = data.rows
    .filter((row) => !group || group.has(row.n))
    .filter((row) => !status || row.s === status || (status === "full" && row.s === "graded" && row.p >= row.m))
    .filter((row) => !text || `${row.n} ${row.w}`.toLowerCase().includes(text));
  const key = sort.by === "name" ? null : sort.by;
  const value = (row) => (key === "points" ? row.p ?? -1 : RANK.indexOf(row.c[key]) * 10 + (row.f[key] ? row.f[key][0] : 0));
  rows.sort((one, other) => {
    const byName = one.n < other.n ? -1 : one.n > other.n ? 1 : 0;
    if (key === null) return sort.down ? -byName : byName;
    return (sort.down ? value(other) - value(one) : value(one) - value(other)) || byName;
  });
}

function headCell(name, by, label) {
  const button = element("button", { type: "button", textContent: label, title: name });
  button.dataset.by = by;
  const cell = element("th", { scope: "col" }, button);
  if (String(sort.by) === String(by)) cell.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
  return cell;
}

function drawHead() {
  const line = element("tr", {}, headCell("Sort by student", "name", "student"), headCell("Sort by points", "points", "points"));
  let stage = "";
  for (const { test, number } of columns) {
    const cell = headCell(`${test.id}: ${test.title}`, number, test.id);
    cell.className = test.stage === stage ? "test" : "test edge";
    stage = test.stage;
    line.append(cell);
  }
  line.setAttribute("aria-rowindex", "1");
  return element("thead", {}, line);
}

const patterns = new Map();

// A cell for each letter is made once, and copied: there are tens of thousands.
function pattern(letter, edge) {
  const key = letter + edge;
  if (!patterns.has(key)) {
    const cell = element("td", { className: edge ? `${CLASS[letter]} edge` : CLASS[letter], textContent: SYMBOL[letter] });
    cell.setAttribute("aria-label", WORD[letter]);
    patterns.set(key, cell);
  }
  return patterns.get(key);
}

function drawRow(row, index) {
  const link = row.h ? element("a", { href: row.h, textContent: row.n, tabIndex: -1 }) : document.createTextNode(row.n);
  const name = element("th", { scope: "row", title: row.w ? `${row.n} (${row.w})` : row.n }, link);
  const points = element("td", { className: `points ${row.s === "held" ? "s-held" : ""}`, textContent: row.t });
  const line = element("tr", {}, name, points);
  line.setAttribute("aria-rowindex", String(index + 2));
  let stage = "";
  for (const { test, number } of columns) {
    line.append(pattern(row.c[number], test.stage !== stage).cloneNode(true));
    stage = test.stage;
  }
  return line;
}

// With fixed widths the browser need not look at every cell to place a column.
function widths() {
  const group = element("colgroup", {});
  for (const [index, width] of [WIDTHS.name, WIDTHS.points, ...columns.map(() => WIDTHS.test)].entries()) {
    const column = document.createElement("col");
    column.style.width = `${width + (columns[index - 2] && columns[index - 2].test.stage !== columns[index - 3]?.test.stage ? 3 : 0)}px`;
    group.append(column);
  }
  heat.style.width = `${[...group.children].reduce((sum, column) => sum + parseFloat(column.style.width) + 1, 1)}px`;
  return group;
}

function draw() {
  drawing += 1;
  const mine = drawing;
  chooseColumns();
  chooseRows();
  const body = element("tbody", {});
  heat.replaceChildren(heat.querySelector("caption"), widths(), drawHead(), body);
  heat.setAttribute("aria-rowcount", String(rows.length + 1));
  heat.setAttribute("aria-colcount", String(columns.length + 2));
  const many = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
  shown.textContent = `${many(rows.length, "student")} × ${many(columns.length, "test")}${group ? ", one group" : ""}`;
  let next = 0;
  function more(all) {
    if (mine !== drawing) return;
    const until = all ? rows.length : Math.min(rows.length, next + Math.max(AT_ONCE, 2 * next));
    const part = document.createDocumentFragment();
    for (; next < until; next += 1) part.append(drawRow(rows[next], next));
    body.append(part);
    if (next < rows.length) setTimeout(more, 0);
    else document.documentElement.dataset.drawn = String(rows.length);
  }
  more(false);
  finish = () => more(true);
  select(0, 0, false);
}

let finish = () => {};
addEventListener("beforeprint", () => finish());

function cellAt(row, column) {
  return row === -1 ? heat.tHead?.rows[0]?.cells[column] : heat.tBodies[0]?.rows[row]?.cells[column];
}

function select(row, column, focus) {
  const before = heat.querySelector("[aria-selected]");
  if (before) {
    before.removeAttribute("aria-selected");
  }
  const cell = cellAt(row, column);
  if (!cell) return;
  current = { row, column };
  heat.querySelector("tbody [tabindex='0']")?.setAttribute("tabindex", "-1");
  cell.tabIndex = 0;
  if (!focus) return;
  cell.setAttribute("aria-selected", "true");
  cell.focus();
  describe(row, column);
}

function describe(row, column) {
  if (row < 0 || !rows[row]) return;
  const chosen = columns[column - 2];
  detail.textContent = chosen ? cellText(rows[row], chosen.number) : `${rows[row].n}: ${rows[row].t}. ${rows[row].w}`;
}

heat.addEventListener("keydown", (event) => {
  if (event.target.closest("thead")) return;
  const last = { row: rows.length - 1, column: columns.length + 1 };
  const { row, column } = current;
  const to = {
    ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
    Home: [event.ctrlKey ? 0 : row, 0], End: [event.ctrlKey ? last.row : row, last.column], PageUp: [row - 20, column], PageDown: [row + 20, column],
  }[event.key];
  if (to) {
    event.preventDefault();
    finish();
    select(Math.max(0, Math.min(last.row, to[0])), Math.max(0, Math.min(last.column, to[1])), true);
  } else if (event.key === "Enter" && rows[row]?.h) {
    const chosen = columns[column - 2];
    location.href = rows[row].h + (chosen ? `#${encodeURIComponent(chosen.test.id)}` : "");
  }
});

function placeOf(target) {
  const cell = target.closest("td, tbody th");
  return cell ? [cell.parentElement.sectionRowIndex, cell.cellIndex] : null;
}

heat.addEventListener("click", (event) => {
  const by = event.target.dataset?.by;
  if (by !== undefined) {
    const key = by === "name" || by === "points" ? by : Number(by);
    sort = { by: key, down: sort.by === key ? !sort.down : key === "points" };
    draw();
    heat.querySelector(`thead button[data-by="${key}"]`)?.focus();
    return;
  }
  const place = placeOf(event.target);
  if (place && !event.target.closest("a")) select(...place, true);
});
heat.addEventListener("mouseover", (event) => {
  const place = placeOf(event.target);
  if (place) describe(...place);
});

for (const control of [...Object.values(controls), ...kinds]) control.addEventListener("input", draw);

document.addEventListener("click", (event) => {
  const chosen = event.target.dataset?.cluster;
  if (chosen === undefined) return;
  group = chosen === "" ? null : new Set(data.clusters[Number(chosen)]);
  draw();
  document.getElementById("everybody").hidden = group === null;
  if (group) document.getElementById("map").scrollIntoView();
});

// Sortable lists: the rows are there already; only their order changes.
for (const table of document.querySelectorAll("table.sortable")) {
  table.tHead.addEventListener("click", (event) => {
    const cell = event.target.closest("th");
    if (!cell || !event.target.closest("button")) return;
    const down = cell.getAttribute("aria-sort") === "ascending";
    for (const other of cell.parentElement.children) other.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.cells[cell.cellIndex].dataset.value ?? row.cells[cell.cellIndex].textContent;
    const compare = (one, other) => {
      const [a, b] = [value(one), value(other)];
      return a !== "" && b !== "" && !isNaN(a) && !isNaN(b) ? a - b : a < b ? -1 : a > b ? 1 : 0;
    };
    const ordered = [...table.tBodies[0].rows].sort((one, other) => (down ? compare(other, one) : compare(one, other)));
    table.tBodies[0].append(...ordered);
  });
}

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});

draw();
document.documentElement.dataset.ready = "";
