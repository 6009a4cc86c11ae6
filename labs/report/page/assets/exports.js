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
 * Return a ShiViz log of two runs, which ShiViz shows beside each other: it asks for the delimiter of executions,
 * which is ^=== (?<trace>.*) ===$
 * @param {Run[]} runs
 */
export function shivizOfAll(runs) {
  return runs.map(({ name, model }) => `=== ${name} ===\n${shiviz(model)}`).join("");
}

/** @typedef {{name: string, title: string, model: Model}} Run what is exported: its name among others, "" if it is alone, and its test */
/** @typedef {Record<string, any>} Record one of the Trace Event Format */

const LANES = 1000; // the process of a run's test, and the distance of the processes of two runs
const micro = (/** @type {number} */ time) => Math.round(time * 1e6);

/**
 * Return a trace in the Trace Event Format: a process for each server, its roles as slices, its messages as flows.
 * @param {Run[]} runs
 */
export function perfetto(runs) {
  const traceEvents = runs.flatMap((run, place) => [...lanes(run, place * (LANES + 1)), ...happenings(run, place * (LANES + 1), place)]);
  return JSON.stringify({ displayTimeUnit: "ms", traceEvents });
}

/**
 * Return the processes of a run, and the roles of its servers.
 * @param {Run} run
 * @param {number} base is added to the numbers of its processes
 */
function lanes({ name, title, model }, base) {
  /** @type {Record[]} */ const out = [];
  const before = name ? `${name}, ` : "";
  for (let server = 0; server < model.servers; server++) {
    const pid = base + server + 1, lane = model.stretches[server];
    out.push({ ph: "M", name: "process_name", pid, tid: 0, args: { name: `${before}server ${server}` } });
    out.push({ ph: "M", name: "thread_name", pid, tid: 1, args: { name: "role and term" } });
    out.push({ ph: "M", name: "thread_name", pid, tid: 2, args: { name: "events" } });
    lane.forEach((one, place) => {
      const begin = model.events[one.from].time, end = place + 1 < lane.length ? model.events[lane[place + 1].from].time : model.end;
      if (one.up && end > begin) out.push({ ph: "X", name: `${one.role}, term ${one.term}`, cat: "role", pid, tid: 1, ts: micro(begin), dur: micro(end) - micro(begin) });
    });
  }
  out.push({ ph: "M", name: "process_name", pid: base + LANES, tid: 0, args: { name: `${before}test ${visible(title)}` } });
  return out;
}

/**
 * Return the events of a run, and its messages as flows.
 * @param {Run} run
 * @param {number} base is added to the numbers of its processes
 * @param {number} place of the run among the others
 */
function happenings({ model }, base, place) {
  /** @type {Record[]} */ const out = [];
  model.events.forEach((e, number) => {
    const pid = base + (e.server < 0 ? LANES : e.server + 1), ts = micro(e.time);
    const { kind, time, server, ...args } = e;
    out.push({ ph: "X", name: describe(e), cat: kind, pid, tid: 2, ts, dur: 1, args });
    const sent = model.from[number];
    if (kind === "deliver" && sent >= 0) {
      const begin = model.events[sent], id = place ? `${place}/${number}` : number, name = callName(e.call);
      out.push({ ph: "s", id, name, cat: "message", pid: base + begin.server + 1, tid: 2, ts: micro(begin.time) });
      out.push({ ph: "f", bp: "e", id, name, cat: "message", pid, tid: 2, ts });
    }
  });
  return out;
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
 * Offer the exports of the runs that a page shows.
 * @param {string} file the name of the files, without their endings
 * @param {() => Run[]} runs
 */
export function offerExports(file, runs) {
  const offer = (/** @type {string} */ id, /** @type {() => void} */ act) => { part(id).hidden = false; part(id).addEventListener("click", act); };
  offer("shiviz", () => save(`${file}.shiviz.log`, runs().length > 1 ? shivizOfAll(runs()) : shiviz(runs()[0].model), "text/plain"));
  offer("perfetto", () => save(`${file}.perfetto.json`, perfetto(runs()), "application/json"));
}
