// Text of a run, made safe to show: no control character of a submission changes how a line reads. Knows no event.

const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]/gu;

/**
 * Return a text with its control, direction and invisible characters written as escapes.
 * @param {string} text
 * @param {number} [most] the longest result
 * @returns {string}
 */
export function visible(text, most = 100000) {
  const cut = text.length > most ? text.slice(0, most - 1) + "…" : text;
  return cut.replace(HIDDEN, (one) => {
    const named = { "\n": "\\n", "\t": "\\t", "\r": "\\r" }[one];
    const code = one.codePointAt(0) ?? 0;
    return named || (code < 256 ? "\\x" + code.toString(16).padStart(2, "0") : "\\u" + code.toString(16).padStart(4, "0"));
  });
}

/**
 * Return a value as Python shows it, cut to `most` characters.
 * @param {any} value
 * @param {number} [most]
 * @returns {string}
 */
export function shown(value, most = 60) {
  /** @type {string[]} */ const pieces = [];
  write(value, pieces, { left: most + 1 });
  const text = visible(pieces.join(""));
  return text.length > most ? text.slice(0, most - 3) + "..." : text;
}

/**
 * @param {any} value
 * @param {string[]} pieces
 * @param {{left: number}} room
 */
function write(value, pieces, room) {
  if (room.left <= 0) return;
  const put = (/** @type {string} */ text) => { pieces.push(text); room.left -= text.length; };
  if (value === null || value === undefined) put("None");
  else if (value === true) put("True");
  else if (value === false) put("False");
  else if (typeof value === "string") put(quoted(value.slice(0, room.left)));
  else if (Array.isArray(value)) {
    put("[");
    value.forEach((one, number) => { if (number) put(", "); write(one, pieces, room); });
    put("]");
  } else if (typeof value === "object" && !("digits" in value)) {
    put("{");
    Object.entries(value).forEach(([name, one], number) => {
      if (number) put(", ");
      put(quoted(name.slice(0, Math.max(room.left, 1))) + ": ");
      write(one, pieces, room);
    });
    put("}");
  } else put(String(value));
}

/** @param {string} text */
function quoted(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  return mark + text.replaceAll("\\", "\\\\").replaceAll(mark, "\\" + mark) + mark;
}

/**
 * Return a virtual time in seconds, to the tenth of a millisecond.
 * @param {number} time
 */
export function seconds(time) {
  return time.toFixed(4);
}

/**
 * Return the element of the page with an id.
 * @param {string} id
 */
export function part(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * Make an element: its children are elements or plain text, never markup.
 * @param {string} name
 * @param {Record<string, string | boolean | EventListener>} [properties] attributes, and listeners as "onclick"
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}
