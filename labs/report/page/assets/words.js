// One line of words for each event, the same as `python -m labs trace` prints, but with ∅ for its hourglass, for which
// a browser needs a font of its own. Knows the messages of Figure 2 and 13.
import { shown, visible } from "./text.js";

/** @typedef {Record<string, any>} TraceEvent one line of a trace file */

const SHORT = /** @type {Record<string, string>} */ ({ RequestVote: "RV", AppendEntries: "AE", InstallSnapshot: "IS" });

/**
 * Return the short name of a remote call.
 * @param {string} call
 */
export function callName(call) {
  return SHORT[call] || visible(call);
}

/**
 * Return what is in a message.
 * @param {string} call
 * @param {Record<string, any>} message
 * @param {boolean} isRequest
 */
export function messageWords(call, message, isRequest) {
  const m = message;
  if (call === "RequestVote") {
    return isRequest ? `t${m.term} last ${m.last_log_index}/t${m.last_log_term}` : `t${m.term} ${m.vote_granted ? "yes" : "no"}`;
  }
  if (call === "AppendEntries") {
    if (!isRequest) return `t${m.term} ${m.success ? "ok" : "no"}`;
    const entries = m.entries.length ? ` +${m.entries.length}` : "";
    return `t${m.term} prev ${m.prev_log_index}/t${m.prev_log_term}${entries} c${m.leader_commit}`;
  }
  if (call === "InstallSnapshot" && isRequest) return `t${m.term} upto ${m.last_included_index}/t${m.last_included_term}`;
  return Object.values(m).map((value) => shown(value, 40)).join(" ");
}

/** @param {TraceEvent} e */
export function isRequest(e) {
  return e.kind === "send" || (e.kind === "deliver" && e.leg === "request");
}

/**
 * Return the index of the log that an event is about, or null.
 * @param {TraceEvent} e
 * @returns {number | null}
 */
export function indexOf(e) {
  if (e.kind === "apply" || e.kind === "apply_snapshot" || e.kind === "take_snapshot") return e.index;
  if (e.kind === "start" && e.is_leader) return e.index;
  if (e.call === "AppendEntries" && e.message && isRequest(e) && e.message.entries.length) return e.message.prev_log_index + 1;
  return null;
}

/** @param {TraceEvent} e */
function withMessage(e) {
  return `${callName(e.call)} ${messageWords(e.call, e.message, isRequest(e))}`;
}

/** @type {Record<string, (e: TraceEvent) => string>} */
const WORDS = {
  send: (e) => `→${e.peer} ${withMessage(e)}`,
  reply: (e) => `⇢${e.peer} ${withMessage(e)}`,
  deliver: (e) => `${e.leg === "request" ? "←" : "⇠"}${e.peer} ${withMessage(e)}${e.copy ? " (again)" : ""}`,
  drop: (e) => `✗${e.peer} ${e.leg} #${e.rpc} dropped: ${e.reason}`,
  timeout: (e) => `∅${e.peer} no answer to #${e.rpc}`,
  save: saveWords,
  apply: (e) => `apply ${e.index}: ${shown(e.command)}`,
  apply_snapshot: (e) => `apply snapshot ${e.index} (term ${e.term})`,
  start: (e) => `start ${shown(e.command)}: ${e.is_leader ? `index ${e.index} term ${e.term}` : "not leader"}`,
  take_snapshot: (e) => `snapshot(${e.index}) asked for`,
  crash: (e) => `CRASH ${crashPoint(e.at)}`.trimEnd(),
  pause: () => "PAUSE: it stands still",
  resume: () => "RESUME",
  restart: (e) => (e.incarnation ? `RESTART, incarnation ${e.incarnation + 1}` : "START"),
  connect: (e) => `links work again: ${linkWords(e.links)}`,
  cut: (e) => `links cut: ${linkWords(e.links)}`,
  network: (e) => `network: ${visible(e.text)}`,
  note: (e) => `${e.printed ? "print" : "note"}: ${visible(e.text, 2000)}`,
  role: (e) => `${e.is_leader ? "LEADER in" : "in"} term ${e.term}`,
  check: (e) => `✓ ${visible(e.text)}`,
  verdict: (e) => `${e.status.toUpperCase()} ${visible(e.message || "", 4000)}`,
};

/** @param {string | undefined} at */
function crashPoint(at) {
  const [what, side] = (at || "").split(" ").reverse();
  return what ? `${side || "at"} its ${what}` : "";
}

/** @param {TraceEvent} e */
function saveWords(e) {
  const vote = e.voted_for === null || e.voted_for === undefined ? "-" : e.voted_for;
  const change = e.entries.length ? ` from ${e.first_index}` : "";
  const snapshot = e.snapshot === undefined || e.snapshot === null ? "" : ` + snapshot ${bytesOf(e.snapshot)} B`;
  return `save t${e.current_term} vote ${vote} log ${e.last_included_index}..${e.last_index}${change}${snapshot}`;
}

/**
 * Return how many bytes a snapshot has, from its text in base64; the page keeps only the beginning of a long one.
 * @param {string} text
 */
function bytesOf(text) {
  const cut = /…(\d+)$/.exec(text);
  const length = cut ? Number(cut[1]) : text.length;
  const padding = cut ? 0 : text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return (length / 4) * 3 - padding;
}

/**
 * Name links briefly: pairs that are cut both ways once.
 * @param {[number, number][]} links
 */
export function linkWords(links) {
  const all = new Set(links.map(([a, b]) => `${a}>${b}`));
  const both = links.filter(([a, b]) => a < b && all.has(`${b}>${a}`)).map(([a, b]) => `${a}–${b}`);
  const one = links.filter(([a, b]) => !all.has(`${b}>${a}`)).map(([a, b]) => `${a}→${b}`);
  return [...both, ...one].join(", ");
}

/**
 * Return an event in one line.
 * @param {TraceEvent} e
 */
export function describe(e) {
  const words = WORDS[e.kind];
  return words ? words(e) : `${visible(e.kind)} ${fieldWords(e)}`;
}

/**
 * Return the fields of an event of a kind that this page does not know.
 * @param {TraceEvent} e
 */
function fieldWords(e) {
  const own = Object.entries(e).filter(([name]) => !["kind", "time", "server"].includes(name));
  return own.map(([name, value]) => `${visible(name)} ${shown(value, 40)}`).join(", ");
}

/**
 * Return an event in words for somebody who hears it: with its time and its server.
 * @param {TraceEvent} e
 */
export function spoken(e) {
  const where = e.server >= 0 ? `server ${e.server}` : "the test";
  return `${e.time.toFixed(4)} seconds, ${where}: ${describe(e)}`;
}
