// Colours of terms and marks, distinct for the colour-blind too (after Paul Tol's light scheme); each has a text or shape, too.

/** @type {string[]} */ const terms = []; // of the style sheet, which names them; read once
let none = ""; // the colour of term 0, in which no election has been; it is that of the theme
const TERMS = 8;

/** @param {number} term */
export function termColour(term) {
  if (!terms.length) {
    const style = getComputedStyle(document.documentElement);
    for (let number = 0; number < TERMS; number++) terms.push(style.getPropertyValue(`--term${number}`).trim());
  }
  return term > 0 ? terms[(term - 1) % TERMS] : none;
}

/**
 * Return the colours that the style sheet names, for a canvas.
 * @returns {Record<string, string>}
 */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  none = style.getPropertyValue("--none").trim();
  const names = ["ink", "soft", "paper", "message", "bad", "disk", "apply", "leader", "candidate", "follower", "cut", "cursor", "panel"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue("--" + name).trim()]));
}
