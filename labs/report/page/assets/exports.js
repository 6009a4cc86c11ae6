// The run in formats that other tools open: a log for ShiViz, and a trace for Perfetto or Chrome's tracing page.
import { part, visible } from "./text.js";
import { callName, describe } from "./words.js";
/** @typedef {import("./model.js").Model} Model */

/**
 * Return a ShiViz log: two lines per event, the first with its host and vector clock, the second with its words.
 * Its format at https://bestchai.bitbucket.io/shiviz: (?<host>\S*) (?<clock>{.*})\n(?<event>.*)
 * @param {Model} model
 */
export function shiviz(model) {
  /** @type {string[]} */ const lines = [];
  /** @type {Map<number, number[]>} */ const sent = new Map(); // the clock of each message that may still arrive
  const clocks = Array.from({ length: model.servers }, () => Array(model.servers).fill(0));
  model.events.forEach((e, number) => {
    if (e.server < 0 || e.kind === "drop") return;
    const clock = clocks[e.server], origin = sent.get(model.from[number]);
    if (origin) origin.forEach((count, server) => { clock[server] = Math.max(clock[server], count); });
    clock[e.server] += 1;
    if (e.kind === "send" || e.kind === "reply") sent.set(number, [...clock]);
    const known = clock.map((count, server) => /** @type {[string, number]} */ ([`server${server}`, count])).filter(([, count]) => count > 0);
    lines.push(`server${e.server} ${JSON.stringify(Object.fromEntries(known))}`, `${e.time.toFixed(4)} ${describe(e)}`);
  });
  return lines.join("\n") + "\n";
}

/**
 * Return a trace in the Trace Event Format: a process for each server, its roles as slices, its messages as flows.
 * @param {Model} model
 * @param {string} title
 */
export function perfetto(model, title) {
  /** @type {Record<string, any>[]} */ const out = [];
  const micro = (/** @type {number} */ time) => Math.round(time * 1e6);
  for (let server = 0; server < model.servers; server++) {
    out.push({ ph: "M", name: "process_name", pid: server + 1, tid: 0, args: { name: `server ${server}` } });
    out.push({ ph: "M", name: "thread_name", pid: server + 1, tid: 1, args: { name: "role and term" } });
    out.push({ ph: "M", name: "thread_name", pid: server + 1, tid: 2, args: { name: "events" } });
    const lane = model.stretches[server];
    lane.forEach((one, place) => {
      const begin = model.events[one.from].time, end = place + 1 < lane.length ? model.events[lane[place + 1].from].time : model.end;
      if (one.up && end > begin) out.push({ ph: "X", name: `${one.role}, term ${one.term}`, cat: "role", pid: server + 1, tid: 1, ts: micro(begin), dur: micro(end) - micro(begin) });
    });
  }
  out.push({ ph: "M", name: "process_name", pid: 1000, tid: 0, args: { name: `test ${visible(title)}` } });
  model.events.forEach((e, number) => {
    const pid = e.server < 0 ? 1000 : e.server + 1, ts = micro(e.time);
    const { kind, time, server, ...args } = e;
    out.push({ ph: "X", name: describe(e), cat: kind, pid, tid: 2, ts, dur: 1, args });
    const sent = model.from[number];
    if (kind === "deliver" && sent >= 0) {
      const begin = model.events[sent], name = callName(e.call);
      out.push({ ph: "s", id: number, name, cat: "message", pid: begin.server + 1, tid: 2, ts: micro(begin.time) });
      out.push({ ph: "f", bp: "e", id: number, name, cat: "message", pid, tid: 2, ts });
    }
  });
  return JSON.stringify({ displayTimeUnit: "ms", traceEvents: out });
}

/**
 * Let the browser save a text as a file.
 * @param {string} name
 * @param {string} text
 * @param {string} type
 */
export function save(name, text, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/**
 * Offer the exports of the run that a page shows.
 * @param {import("./app.js").App} app
 */
export function offerExports(app) {
  const { name, test } = app.about;
  const offer = (/** @type {string} */ id, /** @type {() => void} */ act) => { part(id).hidden = false; part(id).addEventListener("click", act); };
  offer("shiviz", () => save(`${name}.shiviz.log`, shiviz(app.model), "text/plain"));
  offer("perfetto", () => save(`${name}.perfetto.json`, perfetto(app.model, test), "application/json"));
}
