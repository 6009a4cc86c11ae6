// All about one event: its fields, how its message ended, and what differs from the last one of its kind on its link.
import { make, seconds, shown, visible } from "./text.js";
import { describe, isRequest } from "./words.js";
/** @typedef {import("./model.js").Model} Model */

/**
 * Show an event.
 * @param {HTMLElement} place
 * @param {Model} model
 * @param {number} number
 * @param {(number: number) => void} open is called with the event that was chosen
 */
export function showDetails(place, model, number, open) {
  const e = model.events[number];
  const where = e.server >= 0 ? `server ${e.server}` : "the test";
  const parts = [make("p", { class: "what" }, make("b", {}, `${seconds(e.time)} s  ${where}`), make("br"), describe(e))];
  if ("rpc" in e) parts.push(outcome(model, number, open));
  parts.push(fieldTable(model, number));
  place.replaceChildren(...parts);
}

/**
 * @param {Model} model
 * @param {number} number
 * @param {(number: number) => void} open
 */
function outcome(model, number, open) {
  const e = model.events[number], call = model.callOf(e.rpc);
  const steps = /** @type {[string, number][]} */ ([
    ["request sent", call.send],
    ["request arrives", call.send >= 0 ? model.to[call.send] : -1],
    ["reply sent", call.reply],
    ["reply arrives", call.reply >= 0 ? model.to[call.reply] : -1],
  ]).filter(([, one]) => one >= 0);
  const buttons = steps.map(([words, one]) => {
    const end = model.events[one];
    const text = `${end.kind === "drop" ? words.replace("arrives", `lost: ${end.reason}`) : words} ${seconds(end.time)}`;
    return make("button", { type: "button", class: one === number ? "link here" : "link", onclick: () => open(one) }, text);
  });
  const fate = e.kind === "timeout" ? "no answer came" : model.outcomeOf(number);
  return make("div", {}, make("p", {}, `call #${e.rpc}: ${fate}`), ...buttons);
}

/**
 * @param {Model} model
 * @param {number} number
 */
function fieldTable(model, number) {
  const e = model.events[number];
  const isMessage = typeof e.message === "object"; // a verdict has a text of this name
  const last = isMessage ? lastOfKind(model, number) : null;
  const fields = isMessage ? { ...e.message, ...(e.extra || {}) } : fieldsOf(e);
  const rows = Object.entries(fields).map(([name, value]) => {
    const old = last ? last.message[name] : undefined;
    const differs = last && JSON.stringify(old) !== JSON.stringify(value);
    return make("tr", { class: differs ? "differs" : "" }, make("th", { scope: "row" }, visible(name)), make("td", {}, inFull(value)),
      make("td", { class: "old" }, differs ? `was ${shown(old, 40)}` : ""));
  });
  const caption = isMessage ? (last ? "its fields, and what the last one of its kind on this link had" : "its fields; it is the first of its kind on this link") : "its fields";
  return make("table", { class: "fields" }, make("caption", {}, caption), make("tbody", {}, ...rows));
}

/** @param {Record<string, any>} e */
function fieldsOf(e) {
  return Object.fromEntries(Object.entries(e).filter(([name]) => !["kind", "time", "server"].includes(name)));
}

/**
 * Return a value as text, entries of a log one per line.
 * @param {any} value
 */
function inFull(value) {
  if (Array.isArray(value) && value.length && value[0] && typeof value[0] === "object" && "command" in value[0]) {
    const lines = value.slice(0, 40).map((one) => `t${one.term}: ${shown(one.command, 60)}`);
    return lines.join("\n") + (value.length > 40 ? `\nand ${value.length - 40} more` : "");
  }
  return typeof value === "string" ? visible(value, 4000) : shown(value, 400);
}

/**
 * Return the message before this one with the same call and leg from the same server to the same peer.
 * @param {Model} model
 * @param {number} number
 */
function lastOfKind(model, number) {
  const e = model.events[number];
  const begin = e.kind === "deliver" ? model.from[number] : number;
  const request = isRequest(e);
  const source = e.kind === "deliver" ? e.peer : e.server, target = e.kind === "deliver" ? e.server : e.peer;
  for (let one = (begin >= 0 ? begin : number) - 1; one >= 0; one--) {
    const other = model.events[one];
    if ((other.kind === "send" || other.kind === "reply") && other.server === source && other.peer === target &&
      other.call === e.call && (other.kind === "send") === request) return other;
  }
  return null;
}
