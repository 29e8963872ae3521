// The dialog that shows the past of one device: which value, how far back, what the cursor is on,
// and the same as a table.

import { get } from "./net.js";
import { Plot, key } from "./plot.js";
import { fullTime, make, number, said, setText, span, t, when, whenAbout, word } from "./words.js";

const RANGES = { "1h": 3600, "1d": 86400, "7d": 7 * 86400, "30d": 30 * 86400 };
const USUAL = "1d";
const FIRST = ["density", "lel", "co", "water_level", "level", "pressure", "temperature", "power", "area", "tilt"];
const LAST = ["battery", "link", "rssi", "battery_low", "fault", "tamper", "test", "muted"];
const LOUD = ["alarm", "open", "leak", "motion", "occupied"];
const LEAST = 60; // points, however narrow
const MOST = 1000;
const ROWS = 120; // of the table; the newest
const LISTED = 8; // incidents below the chart; the newest
const AGAIN = 30; // s between two looks while it is open
const JUMP = 10; // buckets
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageDown: JUMP, PageUp: -JUMP, Home: -Infinity, End: Infinity };
const byId = (id) => document.getElementById(id);

// What can be drawn, what matters most first.
function names(values) {
  const rank = (name) => (name.startsWith("extra.") ? 50 : FIRST.includes(name) ? FIRST.indexOf(name) - 20 : LAST.includes(name) ? 20 + LAST.indexOf(name) : LOUD.includes(name) ? -5 : 0);
  return Object.keys(values).filter((name) => typeof values[name] !== "string").sort((a, b) => rank(a) - rank(b));
}

export class Chart {
  constructor(devices, openCase) {
    this.devices = devices;
    this.openCase = openCase;
    this.range = USUAL;
    this.turn = 0;
    this.at = null;
    for (const [name, seconds] of Object.entries(RANGES)) {
      const button = make("button", { type: "button", "data-range": name }, span(seconds));
      button.addEventListener("click", () => { this.range = name; this.at = null; this.load(); });
      byId("chart-ranges").append(button);
    }
    byId("chart-value").addEventListener("change", () => { this.at = null; this.load(); });
    byId("chart-close").addEventListener("click", () => byId("chart").close());
    byId("chart-table").addEventListener("toggle", () => this.table());
    this.listen(byId("chart-view"));
    new ResizeObserver(() => this.draw()).observe(byId("chart-view"));
  }

  listen(view) {
    const move = (event) => this.plot?.buckets.length && this.point(this.plot.under(event.clientX));
    view.addEventListener("pointermove", move);
    view.addEventListener("pointerdown", move);
    view.addEventListener("keydown", (event) => {
      if (!(event.key in KEYS) || !this.plot?.buckets.length) return;
      event.preventDefault();
      const last = this.plot.buckets.length - 1;
      const from = this.at === null ? last + (KEYS[event.key] < 0 ? 1 : 0) : this.plot.nearest(this.at);
      this.point(Math.min(last, Math.max(0, from + KEYS[event.key])));
    });
  }

  open(device, wanted = "") {
    const known = this.devices().find((each) => each.id === device);
    this.device = device;
    this.units = known?.units ?? {};
    setText(byId("chart-heading"), known?.name ?? device);
    setText(byId("chart-place"), known?.place_name ?? "");
    const offered = names(known?.values ?? {});
    const select = byId("chart-value");
    select.replaceChildren(...offered.map((name) => make("option", { value: name }, word("value", name))));
    select.value = offered.includes(wanted) ? wanted : offered[0] ?? "";
    Object.assign(this, { picture: null, plot: null, at: null });
    byId("chart-view").replaceChildren();
    this.say("");
    byId("chart").showModal();
    byId("chart-view").focus();
    this.load();
  }

  tick() {
    if (byId("chart").open && performance.now() - this.looked > AGAIN * 1000) this.load();
  }

  async load() {
    for (const button of byId("chart-ranges").children) button.setAttribute("aria-pressed", String(button.dataset.range === this.range));
    const value = byId("chart-value").value;
    const turn = ++this.turn; // an answer to an earlier question comes too late
    this.looked = performance.now();
    let found = null;
    if (value) {
      const points = Math.min(MOST, Math.max(LEAST, Math.round(byId("chart-view").clientWidth)));
      const asked = new URLSearchParams({ device: this.device, value, since: this.range, points });
      try {
        found = await get(`history?${asked}`);
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError)) throw error;
      }
      if (turn !== this.turn) return;
    }
    const whole = found?.buckets !== undefined; // trouble is an answer without any
    byId("chart-failed").hidden = whole || !value;
    byId("chart-none").hidden = value !== "" && !(whole && !found.buckets.length);
    this.picture = whole ? found : null;
    this.unit = this.picture?.unit && this.picture.unit !== "1" ? ` ${this.picture.unit}` : "";
    this.draw();
    this.legend();
    this.incidents();
    this.table();
  }

  get yes() {
    return this.picture.type === "yes";
  }

  shown(value) {
    return this.picture.value === "area" ? `${number(value * 100)} %` : number(value) + this.unit;
  }

  draw() {
    const view = byId("chart-view");
    this.plot = null;
    if (!this.picture?.buckets.length || view.clientWidth < 100) {
      view.replaceChildren();
      view.setAttribute("aria-label", t("chart.none"));
      return;
    }
    const area = this.picture.value === "area";
    const label = (value) => (area ? `${number(value * 100)} %` : number(value));
    this.plot = new Plot(this.picture, view.clientWidth, view.clientHeight, label, area ? "" : this.unit.trim());
    view.replaceChildren(this.plot.element);
    view.setAttribute("aria-label", this.summary());
    if (this.at !== null) this.point(this.plot.nearest(this.at));
    else this.say(t(matchMedia("(hover: none)").matches ? "chart.touch" : "chart.hint"));
  }

  summary() {
    const { buckets, marks } = this.picture;
    const what = t("chart.summary", { value: word("value", this.picture.value), range: span(RANGES[this.range]), n: number(marks.length) });
    if (this.yes) return what;
    const low = this.shown(Math.min(...buckets.map((each) => each.min)));
    const high = this.shown(Math.max(...buckets.map((each) => each.max)));
    return `${what} ${t("chart.extremes", { low, high, last: this.shown(buckets.at(-1).mean) })}`;
  }

  point(index) {
    const bucket = this.plot.buckets[index];
    this.at = bucket.time + this.plot.step / 2;
    this.plot.point(index);
    this.say([`${this.moment(bucket)}${t("list.colon")}${this.worth(bucket)}`, ...this.notes(bucket)].join(" · "));
  }

  say(sentence) {
    setText(byId("chart-readout"), sentence);
  }

  moment(bucket) {
    return this.picture.step < 60 ? when(bucket.at) : whenAbout(bucket.at);
  }

  worth(bucket) {
    if (this.yes) {
      const name = word("true", this.picture.value);
      if (bucket.share === 0 && !bucket.any) return word("false", this.picture.value);
      return bucket.share === 1 ? name : t("chart.share", { name, share: number(bucket.share * 100) });
    }
    const { min, mean, max } = bucket;
    if (min === max) return this.shown(mean);
    return t("chart.worth", { min: this.shown(min), mean: this.shown(mean), max: this.shown(max) });
  }

  notes(bucket) {
    const begins = Date.parse(bucket.at);
    const inside = this.picture.marks.filter(({ at }) => Date.parse(at) >= begins && Date.parse(at) < begins + this.picture.step * 1000);
    return [
      bucket.count ? t("chart.reports", { n: number(bucket.count) }) : t("chart.held"),
      ...(bucket.flags ?? []).map((flag) => t(`chart.${flag}`)),
      ...inside.map((mark) => `▼ ${said(mark, "title")}`),
    ];
  }

  legend() {
    const list = byId("chart-legend");
    if (!this.plot) {
      list.replaceChildren();
      setText(byId("chart-about"), "");
      return;
    }
    const { thresholds, marks, buckets, oldest, behind, step, since } = this.picture;
    const keys = this.yes ? [key("share", t("chart.key_share", { name: word("true", this.picture.value) })), key("known", t("chart.key_known"))]
      : [key("mean", t("chart.key_mean"))];
    if (buckets.some((each) => each.min < each.max)) keys.push(key("band", t("chart.key_band")));
    for (const line of thresholds) {
      const text = `${said(line, "title")} ${line.sign} ${this.shown(line.number)}`;
      keys.push(key("threshold", this.plot.holds(line.number) ? text : t("chart.outside", { text })));
    }
    if (marks.length) keys.push(key("marks", t("chart.key_marks")));
    if (buckets.some((each) => each.flags)) keys.push(key("flag", t("chart.key_flags")));
    list.replaceChildren(...keys);
    const about = [t("chart.step", { span: span(step) })];
    if (oldest && oldest > since) about.push(t("chart.oldest", { time: whenAbout(oldest) }));
    if (behind) about.push(t("chart.behind", { n: number(behind) }));
    setText(byId("chart-about"), about.join(" "));
  }

  incidents() {
    const marks = this.picture?.marks ?? [];
    const rows = marks.slice(0, LISTED).map((mark) => {
      const button = make("button", { type: "button", className: "link" }, said(mark, "title"));
      button.addEventListener("click", () => this.openCase(mark.key));
      return make("li", {}, make("span", { className: "tick", "aria-hidden": "true" }, "▼"), button,
        make("small", {}, [whenAbout(mark.at), word("severity", mark.severity), word("state", mark.state)].join(" · ")));
    });
    if (marks.length > LISTED) rows.push(make("li", {}, t("card.more_messages", { n: number(marks.length - LISTED) })));
    byId("chart-marks").replaceChildren(...rows);
  }

  table() {
    const details = byId("chart-table");
    details.hidden = !this.picture?.buckets.length;
    if (!details.open || details.hidden) return;
    const heads = this.yes ? ["chart.time", "chart.part", "chart.count", "chart.notes"]
      : ["chart.time", "chart.min", "chart.mean", "chart.max", "chart.count", "chart.notes"];
    const newest = this.picture.buckets.slice(-ROWS).reverse();
    const table = details.querySelector("table");
    table.tHead.replaceChildren(make("tr", {}, ...heads.map((each) => make("th", { scope: "col" }, t(each)))));
    table.tBodies[0].replaceChildren(...newest.map((bucket) => {
      const cells = this.yes ? [this.worth(bucket)] : [bucket.min, bucket.mean, bucket.max].map((each) => this.shown(each));
      const notes = this.notes(bucket).slice(1).join(" · ");
      return make("tr", {}, make("th", { scope: "row" }, fullTime(bucket.at)), ...[...cells, number(bucket.count), notes].map((each) => make("td", {}, each)));
    }));
    const left = this.picture.buckets.length - newest.length;
    byId("chart-rest").hidden = left <= 0;
    setText(byId("chart-rest"), t("chart.rest", { n: number(left) }));
  }
}
