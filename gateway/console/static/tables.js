// The right-hand side: devices, the ledger that adds up, the running parts.

import { has, language, make, number, setText, span, t, when, word } from "./words.js";

const ROWS = 300; // more are found with the search box
const LOUD = ["alarm", "open", "leak", "motion"];
const BAD = ["tamper", "fault", "battery_low", "sink_down", "driver_down", "disk_full", "store_replaced", "store_damaged", "rules_refused", "rule_failing"];
const QUIET = [...BAD, "test", "muted", "shielded", "vibration"]; // not worth a word while false
const VALUES = 6;

// The names of parts are "rules", "driver NAME", "sink NAME alarms": the plain words of them
// are ours, NAME is the site's own.
function partName(name) {
  const [first, ...rest] = name.split(" ");
  const lane = rest.length > 1 && has("lane", rest.at(-1)) ? word("lane", rest.pop()) : null;
  return [word("part", first), rest.join(" "), lane].filter(Boolean).join(" ");
}

// The gateway reports on itself as gateway/self, gateway/store:NAME, gateway/driver:NAME …
function deviceName(device) {
  if (!device.own) return device.name;
  const [what, ...name] = device.address.split(":");
  if (what === "store") return word("store", name.join(":"));
  return [word("part", what), ...name].join(" ");
}

const byId = (id) => document.getElementById(id);

function valueChip(name, value, unit) {
  if (typeof value === "boolean") {
    const look = value && LOUD.includes(name) ? "loud" : value && BAD.includes(name) ? "bad" : value ? "" : "calm";
    return make("span", { className: `chip ${look}` }, word(String(value), name));
  }
  let shown = typeof value === "number" ? number(value) : String(value);
  if (name === "area") shown = `${number(value * 100)} %`;
  else if (unit && unit !== "1") shown = `${shown} ${unit}`;
  return make("span", { className: "chip" }, `${word("value", name)} `, make("b", {}, shown));
}

function inTrouble(device) {
  return device.silent || device.unknown || (device.quality ?? "good") !== "good"
    || [...LOUD, ...BAD].some((name) => device.values[name] === true);
}

export class Devices {
  constructor(openChart) {
    this.all = [];
    this.openChart = openChart;
    this.body = byId("devices").tBodies[0];
    for (const id of ["search", "kind", "only"]) byId(id).addEventListener("input", () => this.draw());
  }

  show(devices) {
    this.all = devices;
    this.offerKinds();
    this.draw();
  }

  // Show device `id` alone; "" shows them all.
  find(id) {
    byId("search").value = id;
    this.draw();
    byId("devices-heading").scrollIntoView();
    byId("search").focus();
  }

  // What a search for devices looks at.
  get items() {
    return this.all.map((each) => ({ value: each.id, name: each.name, note: each.place_name }));
  }

  offerKinds() {
    const select = byId("kind");
    const kinds = [...new Set(this.all.map((device) => device.kind))].sort();
    const offered = [...select.options].slice(1).map((option) => option.value);
    if (kinds.join() === offered.join()) return;
    const chosen = select.value;
    select.replaceChildren(select.options[0], ...kinds.map((kind) => make("option", { value: kind }, word("kind", kind))));
    select.value = kinds.includes(chosen) ? chosen : "";
  }

  draw() {
    const text = byId("search").value.trim().toLowerCase();
    const kind = byId("kind").value;
    const only = byId("only").checked;
    const found = this.all.filter((device) => (!kind || device.kind === kind) && (!only || inTrouble(device))
      && (!text || `${deviceName(device)} ${device.id} ${device.place_name} ${word("kind", device.kind)}`.toLowerCase().includes(text)));
    found.sort((a, b) => inTrouble(b) - inTrouble(a) || a.own - b.own || a.name.localeCompare(b.name, language));
    this.body.replaceChildren(...found.slice(0, ROWS).map((device) => this.row(device)));
    byId("devices").hidden = !found.length;
    byId("devices-none").hidden = found.length > 0;
    setText(byId("devices-none"), t(this.all.length ? "devices.none_found" : "devices.none"));
    setText(byId("devices-count"), t("devices.count", { n: number(this.all.length) }));
    byId("devices-more").hidden = found.length <= ROWS;
    setText(byId("devices-more"), t("devices.more", { n: number(found.length - ROWS) }));
  }

  row(device) {
    const near = device.place_name.split(" / ").slice(-2).join(" / ");
    const place = [word("kind", device.kind), near, device.floor && t("card.floor", { floor: device.floor }), device.flat && t("card.flat", { flat: device.flat })];
    const name = make("button", { type: "button", className: "link", title: t("chart.open") }, deviceName(device));
    name.addEventListener("click", () => this.openChart(device.id));
    return make("tr", { className: inTrouble(device) ? "trouble" : "", "data-device": device.id },
      make("td", {}, Object.keys(device.values).length ? name : make("b", {}, deviceName(device)), make("small", { title: device.place_name }, place.filter(Boolean).join(" · "))),
      make("td", { className: "wide" }, make("div", { className: "chips" }, ...this.marks(device), ...this.values(device))),
      make("td", { className: "end age" }, device.age === null ? t("devices.never") : span(device.age)));
  }

  marks(device) {
    const words = [];
    if (device.silent) words.push(t("devices.silent"));
    if (device.unknown) words.push(t("devices.unknown"));
    else if (!["accepted", "installed"].includes(device.state)) words.push(word("device_state", device.state));
    if (device.late) words.push(t("devices.late"));
    if ((device.quality ?? "good") !== "good") words.push(word("quality", device.quality));
    return words.map((each) => make("span", { className: "chip mark" }, each));
  }

  values(device) {
    const entries = Object.entries(device.values);
    const named = entries.filter(([name, value]) => has("value", name) && !(value === false && QUIET.includes(name)));
    named.sort(([a], [b]) => LOUD.includes(b) - LOUD.includes(a));
    const chips = named.slice(0, VALUES).map(([name, value]) => valueChip(name, value, device.units[name]));
    const hidden = named.slice(VALUES).concat(entries.filter(([name]) => !has("value", name)));
    if (hidden.length) {
      chips.push(make("span", { className: "chip calm", title: hidden.map(([name, value]) => `${name} ${value}`).join("\n") },
        t("devices.extra", { n: hidden.length })));
    }
    return chips;
  }
}

const total = (reasons) => Object.values(reasons).reduce((sum, n) => sum + n, 0);

function ledgerRow(name, whole, parts, reasons, instead) {
  const difference = whole - parts.reduce((sum, [, n]) => sum + n, 0);
  const terms = parts.flatMap(([what, n], index) => [
    make("span", { className: "op" }, index ? " + " : "= "), `${what} `, make("b", {}, number(n)),
  ]);
  const cell = make("td", { className: "wide" }, make("span", { className: "terms" }, ...terms));
  const list = Object.entries(reasons[1]).map(([reason, n]) => t("ledger.reason_n", { reason: word("reason", reason), n: number(n) }));
  if (list.length) cell.append(make("small", {}, t("ledger.reasons", { what: reasons[0], list: list.join(t("list.separator")) })));
  return make("tr", {}, make("th", { scope: "row" }, name), make("td", { className: "end" }, make("b", {}, number(whole))), cell,
    instead ? make("td", {}, make("small", {}, instead)) : make("td", { className: difference ? "wrong" : "right" }, difference ? `✕ ${t("ledger.wrong", { n: number(difference) })}` : `✓ ${t("ledger.right")}`));
}

export function showLedger(ledger) {
  const rows = [ledgerRow(t("ledger.intake"), ledger.received,
    [[t("ledger.stored"), ledger.stored], [t("ledger.refused"), total(ledger.refused)]], [t("ledger.refused"), ledger.refused])];
  const shares = (reader) => [[t("ledger.delivered"), reader.delivered], [t("ledger.waiting"), reader.waiting],
    [t("ledger.dropped"), total(reader.dropped)]];
  for (const [name, reader] of Object.entries(ledger.readers)) {
    rows.push(ledgerRow(has("part", name) ? word("part", name) : partName(`sink ${name}`), ledger.stored, shares(reader),
      [t("ledger.dropped"), reader.dropped]));
  }
  for (const [name, reader] of Object.entries(ledger.series)) {
    const made = shares(reader).reduce((sum, [, n]) => sum + n, 0);
    rows.push(ledgerRow(t("ledger.series", { name: partName(`sink ${name}`) }), made, shares(reader),
      [t("ledger.dropped"), reader.dropped], t("ledger.since_start")));
  }
  byId("ledger").tBodies[0].replaceChildren(...rows);
  byId("in-flight").hidden = !ledger.in_flight;
  setText(byId("in-flight"), t("ledger.in_flight", { n: number(ledger.in_flight) }));
}

// The newest trial of the way from a driver to a person: how long each hop took, or where it was lost.
function showCanary(trial) {
  const line = byId("canary");
  line.hidden = !trial;
  if (!trial) return;
  const { total, ...hops } = trial.hops;
  const times = Object.entries(hops).map(([hop, ms]) => t("tasks.canary_hop", { hop: word("hop", hop), ms: number(ms) }));
  const way = trial.lost ? t("tasks.canary_lost", { hop: word("hop", trial.hop), reason: trial.reason })
    : t("tasks.canary_arrived", { person: word("person", trial.person || "duty"), ms: number(total), hops: times.join(t("list.separator")) });
  const through = trial.driver ? t("tasks.canary_driver", { driver: trial.driver }) : "";
  setText(line, `${trial.lost ? "✕" : "✓"} ${t("tasks.canary", { time: when(trial.at), way: through + way })}`);
  line.className = trial.lost ? "note wrong" : "note";
}

export function showHealth(health) {
  const down = health.tasks.filter((task) => !task.up).map((task) => partName(task.name));
  const parts = [t(health.ok ? "health.good" : "health.bad")];
  if (down.length) parts.push(t("health.down", { names: down.join(t("list.separator")) }));
  for (const [name, store] of Object.entries(health.stores)) {
    if (store.ok === false) parts.push(t("health.store", { name: word("store", name) }));
    if (store.put_aside) parts.push(t("health.put_aside", { name: word("store", name), file: store.put_aside }));
  }
  if (health.clock.trusted === false) parts.push(t("health.clock"));
  const box = byId("health");
  setText(box, `${health.ok ? "✓" : "⚠"} ${parts.join(" · ")}`);
  box.className = `health ${health.ok ? "good" : "bad"}`;
  box.title = [t("health.memory", { n: number(health.memory_mib) }), t("health.version", { version: health.version })].join("\n");
  showCanary(health.canary);
  byId("tasks-none").hidden = health.tasks.length > 0;
  byId("tasks").hidden = !health.tasks.length;
  byId("tasks").tBodies[0].replaceChildren(...health.tasks.map((task) => make("tr", { className: task.up ? "" : "trouble" },
    make("th", { scope: "row" }, partName(task.name)),
    make("td", { className: task.up ? "right" : "wrong" }, task.up ? `✓ ${t("tasks.up")}` : `✕ ${t("tasks.down")}`,
      task.reason && !task.up ? make("small", {}, task.reason) : null),
    make("td", {}, task.since ? when(task.since) : ""),
    make("td", { className: "end" }, number(task.falls)))));
}
