// Starts the page of two runs: shows how far they are alike, and opens at the first event that differs.
import { connect, goToHash } from "./controls.js";
import { readAbout, readRuns } from "./data.js";
import { offerExports } from "./exports.js";
import { Sides } from "./sides.js";
import { make, part, seconds, visible } from "./text.js";
import { describe } from "./words.js";
/** @typedef {import("./data.js").AboutPair} AboutPair */

/** @param {Sides} sides */
function showDifference(sides) {
  const { alike, runs } = sides.about, place = part("verdict");
  place.setAttribute("aria-label", "What differs");
  place.dataset.status = "compared";
  const ends = sides.sides.map((one, run) => runs[run].first >= one.model.length);
  const isAll = ends.every(Boolean);
  place.append(make("h2", {}, headline(alike, isAll, sides.sides[0].model.length)));
  if (alike.parts.some(([here, there]) => here !== there)) {
    const other = alike.parts.filter(([here, there]) => here !== there).map(([here, there]) => `left server ${here} is ${there} on the right`);
    place.append(make("p", {}, `Servers play other parts: ${other.join(", ")}. The right lanes stand in the order of the left ones.`));
  }
  if (!isAll) place.append(make("p", { class: "facts" }, "Then: ", ...sides.sides.map((one, run) => firstButton(sides, run, ends[run]))));
  if (alike.common.length) place.append(make("p", { class: "soft" }, `Both have last: ${lastOf(sides)}`));
}

/**
 * @param {AboutPair["alike"]} alike
 * @param {boolean} isAll
 * @param {number} all the number of events
 */
function headline({ noun, count }, isAll, all) {
  const what = noun === "events" ? "events" : "landmarks (leaders, proposals, faults, checks)";
  if (isAll) return noun === "events" ? `The runs are the same: ${all} events` : `The same happens up to the end: ${count} ${what}`;
  return count ? `Alike for ${count} ${what}` : `The first of the ${what} differs`;
}

/**
 * Return the last event or landmark that both runs have, with its times.
 * @param {Sides} sides
 */
function lastOf({ about, sides }) {
  const last = about.alike.common[about.alike.common.length - 1];
  const [here, there] = sides.map((one, run) => one.model.events[last[run]]);
  const times = here.time === there.time ? `${seconds(here.time)} s` : `${seconds(here.time)} s and ${seconds(there.time)} s`;
  return `${times}, ${here.server >= 0 ? `server ${here.server}` : "the test"}: ${cut(describe(here))}`;
}

/**
 * Return a button that goes to the first event that differs in a run.
 * @param {Sides} sides
 * @param {number} run
 * @param {boolean} isEnd whether the run just ends there
 */
function firstButton(sides, run, isEnd) {
  const side = sides.sides[run], e = side.model.events[side.first];
  const words = !e ? "has no events" : isEnd ? `ends at ${seconds(side.model.end)} s` : `${seconds(e.time)} s, ${e.server >= 0 ? `server ${e.server}` : "the test"}: ${cut(describe(e))}`;
  return make("button", { type: "button", class: "link", id: `first-${side.name}`, onclick: () => sides.goTo(run, side.first) }, `${side.name} ${words}`);
}

/** @param {string} text */
function cut(text) { return text.length > 90 ? visible(text.slice(0, 89)) + "…" : text; }

/** @param {Sides} sides */
function connectOwn(sides) {
  part("to-difference").hidden = false;
  const level = part("level");
  level.hidden = sides.about.alike.shift === 0;
  level.addEventListener("click", () => {
    const isOn = level.getAttribute("aria-pressed") !== "true";
    level.setAttribute("aria-pressed", String(isOn));
    sides.setLevel(isOn);
  });
}

async function start() {
  const sides = new Sides(readAbout(), await readRuns());
  showDifference(sides);
  connect(sides);
  connectOwn(sides);
  offerExports(sides.about.name, () => sides.sides.map(({ name, model, about }) => ({ name, title: about.test, model })));
  sides.resize();
  if (!goToHash(sides)) sides.toDifference();
  sides.diagrams[0].centre();
  sides.follow(sides.diagrams[0]);
  sides.drawAll(true);
  document.documentElement.dataset.ready = "yes";
  Object.assign(window, { raftPage: sides });
}

start().catch((error) => {
  part("now").textContent = `this page cannot show its runs: ${error}`;
  throw error;
});
