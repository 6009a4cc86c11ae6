// Starts the page: reads the run, shows what it broke, and opens at the moment that the address or the verdict names, or at its first event.
import { App } from "./app.js";
import { connect, goToHash } from "./controls.js";
import { readAbout, readRuns } from "./data.js";
import { offerExports } from "./exports.js";
import { LiveRun } from "./live.js";
import { make, part, seconds, visible } from "./text.js";
import { describe } from "./words.js";

/** @param {App} app */
function showVerdict(app) {
  const verdict = app.model.events[app.model.length - 1];
  part("verdict").replaceChildren();
  delete part("verdict").dataset.status;
  if (!verdict || verdict.kind !== "verdict") return;
  const place = part("verdict");
  place.dataset.status = verdict.status;
  if (verdict.status === "pass") {
    place.append(make("p", {}, `The run passed, after ${seconds(app.model.end)} s of virtual time.`));
    return;
  }
  const rule = app.about.rules[verdict.rule];
  const title = rule ? `${visible(verdict.rule)}: ${rule.text}` : visible(verdict.rule || verdict.status);
  place.append(make("h2", {}, title));
  const isNamed = rule && (verdict.message || "").includes(rule.place);
  if (rule && !isNamed) place.append(make("p", { class: "soft" }, `In the paper: ${rule.place}`));
  place.append(make("p", { class: "message" }, visible(verdict.message || "", 4000).replaceAll("\\n", "\n")));
  if (verdict.hint) place.append(make("p", {}, `Hint: ${visible(verdict.hint)}`));
  if (app.facts.length) place.append(make("p", { class: "facts" }, "What disagrees: ", ...app.facts.map((number) => factButton(app, number))));
}

/**
 * @param {App} app
 * @param {number} number
 */
function factButton(app, number) {
  const e = app.model.events[number];
  const words = `${seconds(e.time)} s, server ${e.server}: ${describe(e)}`;
  return make("button", { type: "button", class: "link", onclick: () => app.go(number) }, words.length > 110 ? words.slice(0, 109) + "…" : words);
}

/**
 * Show how a live run has ended, or that it goes on.
 * @param {App} app
 */
function afterRun(app) {
  app.explain();
  showVerdict(app);
  app.diagram.resize();
  app.filterAgain();
  if (app.facts.length) app.go(app.facts[app.facts.length - 1]);
}

/**
 * Go to where a run broke a rule, or to its first event.
 * @param {App} app
 */
function openAt(app) {
  const { facts, model } = app;
  if (facts.length) app.go(facts[facts.length - 1]);
  else app.go(model.marks.violation.length ? model.length - 1 : 0);
}

async function start() {
  const about = readAbout();
  const app = new App(about);
  if (about.note) part("note").textContent = about.note;
  app.begin((await readRuns())[0]);
  showVerdict(app);
  connect(app);
  offerExports(about.name, () => [{ name: "", title: about.test, model: app.model }]);
  app.diagram.resize();
  if (!goToHash(app)) openAt(app);
  if (app.rows.length) app.diagram.centre();
  app.paint(true);
  if (about.live) new LiveRun(app, () => afterRun(app));
  document.documentElement.dataset.ready = "yes";
  Object.assign(window, { raftPage: app });
}

start().catch((error) => {
  part("now").textContent = `this page cannot show its run: ${error}`;
  throw error;
});
