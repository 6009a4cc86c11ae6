// Colours of terms and marks, distinct for the colour-blind too (after Paul Tol's light scheme); each has a text or shape, too.

/** Backgrounds of terms; black text is readable on all of them. */
const TERMS = ["#99ddff", "#eedd88", "#ffaabb", "#bbcc33", "#77aadd", "#ee8866", "#44bb99", "#dddddd"];

/** @param {number} term */
export function termColour(term) {
  return term > 0 ? TERMS[(term - 1) % TERMS.length] : "#f4f4f4";
}

/**
 * Return the colours that the style sheet names, for a canvas.
 * @returns {Record<string, string>}
 */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "soft", "paper", "message", "bad", "disk", "apply", "leader", "candidate", "follower", "cut", "cursor", "panel"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue("--" + name).trim()]));
}
