// One chart as SVG: a band from least to most with the mean in it, or the share of time that
// something was so. Colours and widths are the style sheet's; every meaning has a form as well.

import { fullTime, hourMinute, make, monthDay, number } from "./words.js";

const SPACE = "http://www.w3.org/2000/svg";
const TOP = 26; // px: room for the marks
const BOTTOM = 28;
const LEFT = 58;
const RIGHT = 12;
const TICK = 72; // px between two times at least
const LINE = 44; // px between two numbers at least
const PARTS = 4; // of a whole: 0, 25, 50 … %
const MINUTE = 60000;
const DAY = 1440 * MINUTE;
const TIMES = [1, 5, 10, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14400].map((each) => each * MINUTE);

function draw(tag, properties, ...children) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const short = (value) => String(Math.round(value * 10) / 10);

// Round numbers from just below `low` to just above `high`, about as many as fit.
export function steps(low, high, most) {
  const rough = (high - low) / Math.max(1, most);
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * size).find((each) => each >= rough);
  const found = [];
  for (let n = Math.floor(low / step); n * step < high + step * 0.999; n += 1) found.push(Number((n * step).toPrecision(10)));
  return found;
}

// The lowest and highest number to show: thresholds too, unless they would press the line flat.
function extent(picture) {
  if (picture.type === "yes") return [0, 1];
  let low = Math.min(...picture.buckets.map((each) => each.min));
  let high = Math.max(...picture.buckets.map((each) => each.max));
  const own = high - low || Math.abs(high) * 0.1 || 1;
  for (const line of picture.thresholds) {
    if (line.number < low && high - line.number <= 4 * own) low = line.number;
    if (line.number > high && line.number - low <= 4 * own) high = line.number;
  }
  return high - low > 0 ? [low, high] : [low - own / 2, high + own / 2];
}

export class Plot {
  constructor(picture, width, height, shown, unit) {
    Object.assign(this, { picture, width, height, shown, unit });
    this.since = Date.parse(picture.since);
    this.until = Date.parse(picture.until);
    this.buckets = picture.buckets.map((each) => ({ ...each, time: Date.parse(each.at) }));
    const [low, high] = extent(picture);
    const most = picture.type === "yes" ? PARTS : Math.floor((height - TOP - BOTTOM) / LINE);
    this.lines = steps(low, high, most);
    this.low = Math.min(low, this.lines[0]);
    this.high = Math.max(high, this.lines.at(-1));
    this.cursor = draw("g", { class: "cursor", visibility: "hidden" });
    this.element = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" },
      this.grid(), picture.type === "yes" ? this.bars() : this.band(), this.thresholds(), this.flags(), this.marks(), this.cursor);
  }

  x(time) {
    return LEFT + (this.width - LEFT - RIGHT) * (time - this.since) / (this.until - this.since);
  }

  y(value) {
    return this.height - BOTTOM - (this.height - TOP - BOTTOM) * (value - this.low) / (this.high - this.low);
  }

  get step() {
    return this.picture.step * 1000;
  }

  middle(bucket) {
    return Math.min(this.x(bucket.time + this.step / 2), this.width - RIGHT);
  }

  grid() {
    const group = draw("g", { class: "grid" }, draw("text", { x: LEFT - 8, y: 8, class: "number" }, this.unit));
    const [right, floor] = [this.width - RIGHT, this.height - BOTTOM];
    for (const value of this.lines) {
      const y = short(this.y(value));
      const text = this.picture.type === "yes" ? `${number(value * 100)} %` : this.shown(value);
      group.append(draw("line", { x1: LEFT, x2: right, y1: y, y2: y }), draw("text", { x: LEFT - 8, y, class: "number" }, text));
    }
    for (const [time, text] of this.times()) {
      const x = short(this.x(time));
      group.append(draw("line", { x1: x, x2: x, y1: floor, y2: floor + 5 }), draw("text", { x, y: floor + 20, class: "time" }, text));
    }
    return group;
  }

  // Round times of the site's clocks.
  times() {
    const room = (this.width - LEFT - RIGHT) / TICK;
    const step = TIMES.find((each) => (this.until - this.since) / each <= room) ?? TIMES.at(-1);
    const found = [];
    const second = Math.floor(this.since / 1000) * 1000;
    const ahead = Date.parse(`${fullTime(second).replace(" ", "T")}Z`) - second;
    for (let local = Math.ceil((this.since + ahead) / step) * step; local - ahead <= this.until; local += step) {
      const time = local - ahead;
      if (this.x(time) < LEFT + 10 || this.x(time) > this.width - RIGHT - 14) continue;
      found.push([time, step >= DAY || local % DAY === 0 ? monthDay(time) : hourMinute(time)]);
    }
    return found;
  }

  // Neighbours between which nothing is missing.
  runs() {
    const found = [];
    for (const bucket of this.buckets) {
      const last = found.at(-1)?.at(-1);
      if (last && bucket.time - last.time <= this.picture.gap * 1000) found.at(-1).push(bucket);
      else found.push([bucket]);
    }
    return found;
  }

  band() {
    const group = draw("g", {});
    for (const run of this.runs()) {
      const path = (name) => run.map((each) => `${short(this.middle(each))} ${short(this.y(each[name]))}`);
      const outline = `M${path("max").join("L")}L${path("min").reverse().join("L")}Z`;
      group.append(draw("path", { class: "band", d: outline }), draw("path", { class: "mean", d: `M${path("mean").join("L")}` }));
      if (run.length === 1) group.append(draw("circle", { class: "dot", cx: short(this.middle(run[0])), cy: short(this.y(run[0].mean)), r: 3 }));
    }
    return group;
  }

  bars() {
    const group = draw("g", {});
    const floor = this.y(0);
    for (const each of this.buckets) {
      // Whole pixels: neighbours meet without a seam.
      const from = Math.round(Math.max(LEFT, this.x(each.time)));
      const to = Math.round(Math.min(this.x(each.time + this.step), this.width - RIGHT));
      const tall = each.any ? Math.max(3, floor - this.y(each.share)) : 0; // what was so for a moment is seen
      const box = { x: from, width: Math.max(1, to - from) };
      if (tall) group.append(draw("rect", { class: "share", ...box, y: short(floor - tall), height: short(tall) }));
      group.append(draw("rect", { class: "known", ...box, y: short(floor - 1), height: 2 }));
    }
    return group;
  }

  holds(value) {
    return this.low <= value && value <= this.high;
  }

  thresholds() {
    const group = draw("g", { class: "threshold" });
    for (const { number: value } of this.picture.thresholds) {
      if (!this.holds(value)) continue;
      const y = short(this.y(value));
      group.append(draw("line", { x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y }));
    }
    return group;
  }

  // Hollow dots on the floor under buckets of which something has to be said.
  flags() {
    const group = draw("g", { class: "flag" });
    for (const each of this.buckets) {
      if (each.flags) group.append(draw("circle", { cx: short(this.middle(each)), cy: this.height - BOTTOM - 7, r: 3.5 }));
    }
    return group;
  }

  marks() {
    const group = draw("g", { class: "marks" });
    for (const mark of this.picture.marks) {
      const x = this.x(Date.parse(mark.at));
      group.append(
        draw("line", { x1: short(x), x2: short(x), y1: TOP - 8, y2: this.height - BOTTOM }),
        draw("path", { d: `M${short(x - 7)} 5h14l-7 12z` }));
    }
    return group;
  }

  nearest(time) {
    let best = -1;
    this.buckets.forEach((each, n) => {
      const away = Math.abs(each.time + this.step / 2 - time);
      if (best < 0 || away < Math.abs(this.buckets[best].time + this.step / 2 - time)) best = n;
    });
    return best;
  }

  // The bucket under a place of the screen.
  under(clientX) {
    const box = this.element.getBoundingClientRect();
    const x = (clientX - box.left) * this.width / box.width;
    return this.nearest(this.since + (x - LEFT) / (this.width - LEFT - RIGHT) * (this.until - this.since));
  }

  point(index) {
    const bucket = this.buckets[index];
    this.cursor.setAttribute("visibility", bucket ? "visible" : "hidden");
    if (!bucket) return;
    const x = short(this.middle(bucket));
    const value = this.picture.type === "yes" ? bucket.share : bucket.mean;
    this.cursor.replaceChildren(
      draw("line", { x1: x, x2: x, y1: TOP, y2: this.height - BOTTOM }),
      draw("circle", { cx: x, cy: short(this.y(value)), r: 5 }));
  }
}

// What a form means, beside a small picture of it.
export function key(form, text) {
  const forms = {
    mean: () => draw("path", { class: "mean", d: "M1 8L23 8" }),
    band: () => draw("rect", { class: "band", x: 1, y: 2, width: 22, height: 12 }),
    known: () => draw("rect", { class: "known", x: 1, y: 7, width: 22, height: 2 }),
    share: () => draw("rect", { class: "share", x: 1, y: 2, width: 22, height: 12 }),
    threshold: () => draw("g", { class: "threshold" }, draw("line", { x1: 0, x2: 24, y1: 8, y2: 8 })),
    marks: () => draw("g", { class: "marks" }, draw("path", { d: "M5 2h14l-7 12z" })),
    flag: () => draw("g", { class: "flag" }, draw("circle", { cx: 12, cy: 8, r: 3.5 })),
  };
  return make("li", {}, draw("svg", { viewBox: "0 0 24 16", width: 24, height: 16, "aria-hidden": "true" }, forms[form]()), text);
}
