// The servers at a moment, drawn as the paper draws logs: squares with a term and a command; and the messages on their way.
import { entryAt, lastIndex } from "./state.js";
import { make, shown } from "./text.js";
import { callName, isRequest, linkWords, messageWords } from "./words.js";
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./state.js").Server} Server */

const COLUMNS = 16, FEWEST = 3; // columns of the logs, as many as there is room for
const LETTER = 6.7, NAMES = 95; // pixels of a letter at most, and of the column of names
const COMMAND = 7; // letters of a command
const BEFORE = 2; // columns before the index that an event is about
const FLYING = 10; // messages on their way that are listed

/** A table that keeps its cells, and changes only those that differ. */
export class Logs {
  /**
   * @param {HTMLElement} place
   * @param {number} servers
   * @param {number[] | null} [order] the servers as they are listed, if not by number
   */
  constructor(place, servers, order) {
    this.place = place;
    this.heads = Array.from({ length: COLUMNS }, () => make("th", { scope: "col" }));
    this.lines = Array.from({ length: servers }, (_, server) => newLine(server));
    const head = make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "server"), make("th", { scope: "col" }, "term, vote"), ...this.heads));
    const body = make("tbody", {}, ...(order ? order.map((server) => this.lines[server]) : this.lines).map((one) => one.row));
    place.append(make("table", { class: "logs" }, make("caption", { class: "hidden" }, "The log of each server at this moment"), head, body));
  }

  /**
   * Show the ends of the logs, or the part around the index that an event is about.
   * @param {Server[]} servers
   * @param {number | null} about
   */
  show(servers, about) {
    const last = Math.max(1, ...servers.map(lastIndex));
    const begin = (/** @type {number} */ columns) => {
      const end = Math.max(1, last - columns + 1);
      return about === null ? end : Math.min(end, Math.max(1, about - BEFORE));
    };
    const columns = this.columns(servers, begin(COLUMNS), last), first = begin(columns);
    this.heads.forEach((cell, number) => { put(cell, String(first + number)); cell.hidden = number >= columns; });
    servers.forEach((server, number) => showLine(this.lines[number], server, first, last, columns));
  }

  /**
   * Return how many columns there is room for, so that none is cut.
   * @param {Server[]} servers
   * @param {number} first the first index that may be shown
   * @param {number} last
   */
  columns(servers, first, last) {
    let widest = String(last).length;
    for (const server of servers) {
      for (const entry of server.log.slice(Math.max(first - server.base - 1, 0))) widest = Math.max(widest, shown(entry.command, COMMAND).length);
    }
    const facts = Math.max(...servers.flatMap((server) => factLines(server).split("\n").map((line) => line.length)));
    const room = this.place.clientWidth - NAMES - LETTER * facts - 12;
    return Math.min(Math.max(Math.floor(room / Math.max(30, LETTER * widest + 7)), FEWEST), COLUMNS);
  }
}

/** @param {number} server */
function newLine(server) {
  const name = make("span"), role = make("span"), facts = make("td", { class: "facts" });
  const cells = Array.from({ length: COLUMNS }, () => make("td", { class: "entry" }));
  const row = make("tr", {}, make("th", { scope: "row" }, name, role), facts, ...cells);
  name.textContent = String(server);
  return { row, role, facts, cells };
}

/**
 * @param {ReturnType<typeof newLine>} line
 * @param {Server} server
 * @param {number} first
 * @param {number} last
 * @param {number} columns
 */
function showLine(line, server, first, last, columns) {
  const role = server.up ? (server.paused ? "paused" : server.role) : "down";
  put(line.role, role);
  kind(line.role, "role " + role);
  put(line.facts, factLines(server));
  line.cells.forEach((cell, number) => {
    const index = first + number, entry = entryAt(server, index);
    cell.hidden = number >= columns;
    if (cell.hidden) { put(cell, ""); kind(cell, "entry none"); }
    else if (index <= server.base && index > 0) {
      put(cell, index === server.base ? `t${server.baseTerm}\nsnap` : "·");
      kind(cell, "entry snapshot" + (index === server.base ? " edge" : ""));
    } else if (entry && index <= last) {
      put(cell, `${entry.term}\n${shown(entry.command, COMMAND)}`);
      kind(cell, `entry t${entry.term > 0 ? (entry.term - 1) % 8 : "0"}${index <= server.commit ? " committed" : ""}${index <= server.applied ? " applied" : ""}`);
    } else { put(cell, ""); kind(cell, "entry none"); }
  });
}

/**
 * Return what is known of a server beside its log, in lines.
 * @param {Server} server
 */
function factLines(server) {
  return `term ${server.term}, vote ${server.vote ?? "none"}\ncommit ${server.commit}, applied ${server.applied}${followers(server)}`;
}

/** @param {Server} server */
function followers(server) {
  if (server.role !== "leader") return "";
  const peers = new Set([...Object.keys(server.next), ...Object.keys(server.match)].map(Number));
  return "\n" + [...peers].sort((a, b) => a - b).map((peer) => `→${peer}: next ${server.next[peer] ?? "?"}, match ${server.match[peer] ?? 0}`).join("\n");
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 */
function kind(element, name) {
  if (element.className !== name) element.className = name;
}

/**
 * List the messages on their way at an event, and the links that are cut.
 * @param {HTMLElement} place
 * @param {Model} model
 * @param {number} at
 * @param {(number: number) => void} open is called with the event that sent the message that was chosen
 * @param {((number: number) => Node[]) | null} more makes more buttons for a message
 */
export function showFlying(place, model, at, open, more) {
  const state = model.stateAt(at), now = model.events[at].time;
  const flying = [...state.flying].slice(-FLYING).reverse();
  const key = flying.join() + (more ? "+" : "");
  if (more && place.dataset.key === key && place.dataset.at === String(model.length)) return; // buttons must stay while they are pressed
  place.dataset.key = key;
  place.dataset.at = String(model.length);
  const items = flying.map((number) => {
    const e = model.events[number];
    const words = `${e.server} → ${e.peer}  ${callName(e.call)} ${messageWords(e.call, e.message, isRequest(e))}  (${((now - e.time) * 1000).toFixed(1)} ms)`;
    return make("li", {}, make("button", { type: "button", class: "link", onclick: () => open(number) }, words), ...(more ? more(number) : []));
  });
  const rest = state.flying.size - flying.length;
  if (rest > 0) items.push(make("li", {}, `and ${rest} more`));
  const cut = [...state.cut].map((link) => /** @type {[number, number]} */ (link.split(">").map(Number)));
  const links = cut.length ? [make("p", { class: "cuts" }, `links cut: ${linkWords(cut)}`)] : [];
  place.replaceChildren(...links, items.length ? make("ul", {}, ...items) : make("p", { class: "soft" }, "no message is on its way"));
}
