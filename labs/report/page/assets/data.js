// Reads what the page carries: the trace's lines, deflated, and words about the run.
/** @typedef {import("./words.js").TraceEvent} TraceEvent */

/**
 * What is known of the run besides its events.
 * @typedef {object} About
 * @property {string} test
 * @property {string} title
 * @property {number} seed
 * @property {number} servers
 * @property {string} submission
 * @property {string} name the name of the page's file, without its ending
 * @property {Record<string, {place: string, text: string, hint: string}>} rules those that the run may name
 * @property {boolean} [live] whether the page shows a cluster that runs now
 * @property {string[]} [presets] the situations that it can be brought into
 * @property {string} [note] what the reader must know first
 */

/**
 * What is known of two runs, and of how far they are alike.
 * @typedef {object} AboutPair
 * @property {string} name
 * @property {number} servers the larger number of servers
 * @property {About["rules"]} rules
 * @property {(About & {first: number})[]} runs with the number of the first event that differs
 * @property {{noun: string, common: [number, number][], count: number, parts: [number, number][], shift: number}} alike
 */

/** @returns {any} what is known of the run, or of the runs */
export function readAbout() {
  return JSON.parse(document.getElementById("about")?.textContent || "");
}

/** @returns {Promise<TraceEvent[][]>} the events of each run */
export async function readRuns() {
  return Promise.all([...document.querySelectorAll("script.trace")].map((one) => unpacked(one.textContent || "")));
}

/** @param {string} text */
async function unpacked(text) {
  const letters = atob(text.trim()), bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return parseLines(await new Response(stream).text());
}

/**
 * Return the events of a trace's lines, of which the last one may lack its end.
 * @param {string} text
 * @returns {TraceEvent[]}
 */
export function parseLines(text) {
  const whole = text.endsWith("\n") ? text.slice(0, -1) : text;
  if (!whole) return [];
  const list = `[${whole.replaceAll("\n", ",")}]`;
  return LONG.test(whole) ? JSON.parse(list, exactly) : JSON.parse(list);
}

const LONG = /[:,[]-?\d{16,}[,\]}]/;

/**
 * Keep a whole number that a double cannot hold as the text that it was.
 * @param {string} name
 * @param {any} value
 * @param {any} [context]
 */
function exactly(name, value, context) {
  return typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && context ? new Digits(context.source) : value;
}

/** A whole number beyond 2^53, as its digits. */
class Digits {
  /** @param {string} digits */
  constructor(digits) { this.digits = digits; }

  toString() { return this.digits; }

  toJSON() { return this.digits; }
}
