// Why a run failed: the facts that disagree, and what led to them along the servers' order and the messages.
import { factsOf } from "./facts.js";
/** @typedef {import("./model.js").Model} Model */

const PAST = 400; // events of the past that are marked

/**
 * Return the facts of a violation and their causal past; both empty where nothing failed.
 * @param {Model} model
 * @returns {{facts: number[], past: Set<number>}}
 */
export function causesOf(model) {
  const verdict = model.marks.violation[0];
  if (verdict === undefined) return { facts: [], past: new Set() };
  const facts = factsOf(model, verdict);
  const past = pastOf(model, facts);
  past.add(verdict);
  return { facts, past };
}

/**
 * Return the nearest events that happened before some events: earlier at the same server, or where a message came from.
 * @param {Model} model
 * @param {number[]} events
 */
function pastOf(model, events) {
  /** @type {Set<number>} */ const past = new Set();
  let border = [...events];
  while (border.length && past.size < PAST) {
    border.sort((a, b) => b - a);
    const number = /** @type {number} */ (border.shift());
    if (past.has(number)) continue;
    past.add(number);
    const { kind } = model.events[number];
    if (model.from[number] >= 0) border.push(model.from[number]);
    // A server starts from its disk alone.
    if (kind !== "restart" && model.before[number] >= 0) border.push(earlier(model, number));
    border = border.filter((one) => one >= 0 && !past.has(one));
  }
  return past;
}

/**
 * Return the event before this one at its server, without heartbeats and lost messages.
 * @param {Model} model
 * @param {number} number
 */
function earlier(model, number) {
  let before = model.before[number];
  while (before >= 0 && (model.idle[before] || ["drop", "timeout", "check"].includes(model.events[before].kind))) before = model.before[before];
  return before;
}
