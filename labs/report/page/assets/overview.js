// The strip above the scrubber: the whole run from left to right, a line for each server, and what stands out.
import { termColour } from "./colours.js";
/** @typedef {import("./diagram.js").Diagram} Diagram */

/**
 * Draw the strip; its ends are those of the scrubber.
 * @param {HTMLCanvasElement} canvas
 * @param {Diagram} diagram
 */
export function drawOverview(canvas, diagram) {
  const { model, colours, lanes } = diagram;
  const box = canvas.getBoundingClientRect(), ratio = Math.min(window.devicePixelRatio || 1, 2);
  if (!box.width) return;
  canvas.width = Math.round(box.width * ratio);
  canvas.height = Math.round(box.height * ratio);
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const x = (/** @type {number} */ number) => 8 + (box.width - 16) * diagram.partOf(number);
  const end = model.length ? x(model.length - 1) : 8;
  const high = (box.height - 8) / Math.max(lanes.length, 1);
  lanes.forEach((server, lane) => {
    const stretches = model.stretches[server], y = 4 + lane * high;
    let drawn = -1;
    stretches.forEach((one, number) => {
      const left = x(one.from), right = number + 1 < stretches.length ? x(stretches[number + 1].from) : end;
      if (right <= drawn + 0.3 || !one.up) return;
      drawn = right;
      pen.fillStyle = termColour(one.term);
      pen.fillRect(left, y + 1, Math.max(right - left, 0.5), high - 2);
      if (one.role === "follower") return;
      pen.fillStyle = colours[one.role];
      pen.fillRect(left, y + high / 2 - 1, Math.max(right - left, 0.5), 2.5);
    });
  });
  pen.fillStyle = colours.bad;
  for (const number of model.marks.fault) pen.fillRect(x(number) - 0.5, 0, 1, 4);
  for (const number of model.marks.violation) pen.fillRect(x(number) - 1.5, 0, 3, box.height);
  if (diagram.difference < 0) return;
  pen.fillStyle = colours.ink;
  for (let y = 0; y < box.height; y += 5) pen.fillRect(x(diagram.difference) - 1, y, 2, 3);
}
