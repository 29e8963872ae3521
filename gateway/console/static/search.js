// Cases by criteria, closed ones too: a list to look through, print and download, and the dialog
// that shows one whole.

import { Card, outcomeName } from "./cards.js";
import { get } from "./net.js";
import { Picker, personItem } from "./picker.js";
import { dayBegins, fullTime, make, number, personName, said, setText, t, word } from "./words.js";

const PAGE = 100; // cases of the first look
const MORE = 500; // and of each further one
const MOST = 5000; // in one list: more is another question
const CHOICES = {
  state: ["open", "received", "handling", "closed"],
  category: ["life", "intrusion", "facility", "trouble", "system"],
  severity: ["critical", "alarm", "warning", "notice"],
};
const byId = (id) => document.getElementById(id);

export class Search {
  constructor(places, people, onAct) {
    this.people = people;
    this.onAct = onAct;
    this.rows = [];
    this.turn = 0;
    this.place = new Picker(byId("search-place"), t("card.place"), places);
    this.owner = new Picker(byId("search-owner"), t("card.owner"), () => people().map(personItem));
    for (const [name, values] of Object.entries(CHOICES)) {
      byId(`search-${name}`).append(...values.map((value) => make("label", { className: "pick" },
        make("input", { type: "checkbox", name, value }), make("span", {}, word(name, value)))));
    }
    byId("search-form").addEventListener("submit", (event) => { event.preventDefault(); this.ask(); });
    byId("search-clear").addEventListener("click", () => this.clear());
    byId("search-more").addEventListener("click", () => this.more());
    byId("search-print").addEventListener("click", () => window.print());
    byId("search-csv").addEventListener("click", () => this.download());
    byId("case-close").addEventListener("click", () => byId("case").close());
  }

  get showing() {
    return !byId("finder").hidden;
  }

  show(yes) {
    byId("finder").hidden = !yes;
    if (yes) this.ask();
  }

  clear() {
    byId("search-form").reset();
    this.place.clear();
    this.owner.clear();
    this.ask();
  }

  // Fill in criteria by name; the next `show` asks by them. `place` is an item of the picker.
  prefill(wish, place) {
    byId("search-form").reset();
    this.owner.clear();
    this.place.clear();
    if (place) this.place.choose(place);
    byId("search-overdue").value = wish.overdue ?? "";
    for (const [name, values] of Object.entries(CHOICES)) {
      const chosen = (wish[name] ?? "").split(",").filter((value) => values.includes(value));
      for (const value of chosen) byId(`search-${name}`).querySelector(`[value="${value}"]`).checked = true;
    }
  }

  // What is asked for, and the same in words for whoever reads the printed list.
  criteria() {
    const found = new URLSearchParams();
    const words = [];
    const add = (name, value, shown) => { found.set(name, value); words.push(shown); };
    for (const [name, values] of Object.entries(CHOICES)) {
      const chosen = values.filter((value) => byId(`search-${name}`).querySelector(`[value="${value}"]`).checked);
      if (chosen.length) add(name, chosen.join(","), chosen.map((value) => word(name, value)).join(t("list.separator")));
    }
    if (this.place.value) add("place", this.place.value, [this.place.chosen.note, this.place.chosen.name].filter(Boolean).join(" / "));
    if (this.owner.value) add("owner", this.owner.value, this.owner.chosen.name);
    const overdue = byId("search-overdue");
    if (overdue.value) add("overdue", overdue.value, overdue.selectedOptions[0].textContent);
    const text = byId("search-text").value.trim();
    if (text) add("text", text, `“${text}”`);
    const [from, to] = [byId("search-from").value, byId("search-to").value];
    if (from) add("since", dayBegins(from, 0), t("search.from_day", { day: from }));
    if (to) add("until", dayBegins(to, 1), t("search.to_day", { day: to }));
    return [found, words.join(" · ")];
  }

  async ask() {
    const [criteria, words] = this.criteria();
    Object.assign(this, { criteria_: criteria, words, rows: [], whole: false });
    await this.load(PAGE);
  }

  async more() {
    await this.load(MORE);
  }

  async load(limit) {
    const turn = ++this.turn; // an answer to an earlier question comes too late
    const asked = new URLSearchParams(this.criteria_);
    asked.set("limit", limit);
    if (this.rows.length) asked.set("after", this.rows.at(-1).key);
    byId("search-more").disabled = true;
    let found = null;
    try {
      found = await get(`incidents?${asked}`);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError)) throw error;
    }
    if (turn !== this.turn) return;
    byId("search-more").disabled = false;
    byId("search-failed").hidden = found !== null;
    if (found === null) return;
    if (!this.rows.length) byId("found").tBodies[0].replaceChildren();
    this.rows.push(...found);
    this.whole = found.length < limit;
    byId("found").tBodies[0].append(...found.map((incident) => this.row(incident)));
    this.about();
  }

  about() {
    const n = number(this.rows.length);
    byId("found").hidden = !this.rows.length;
    byId("search-none").hidden = this.rows.length > 0;
    byId("search-more").hidden = this.whole || this.rows.length >= MOST;
    const most = !this.whole && this.rows.length >= MOST;
    setText(byId("found-about"), t(most ? "search.most" : this.whole ? "search.all" : "search.first", { n }));
    setText(byId("found-words"), this.words || t("search.everything"));
    setText(byId("found-at"), t("search.printed", { time: fullTime(new Date().toISOString()) }));
    for (const id of ["search-print", "search-csv"]) byId(id).disabled = !this.rows.length;
  }

  row(incident) {
    const button = make("button", { type: "button", className: "link" }, said(incident, "title"));
    button.addEventListener("click", () => this.open(incident.key));
    const result = [word("state", incident.state), outcomeName(incident), incident.overdue ? t("card.overdue") : ""];
    return make("tr", { "data-key": incident.key },
      make("th", { scope: "row" }, button, make("small", {}, incident.key)),
      make("td", {}, word("category", incident.category), make("small", {}, word("severity", incident.severity))),
      make("td", { className: "wide" }, incident.place_name, make("small", {}, incident.device_name)),
      make("td", {}, personName(incident.owner, incident.owner_name)),
      make("td", { className: "age" }, fullTime(incident.opened_at).slice(0, 16)),
      make("td", {}, make("span", { className: `state ${incident.state}` }, result[0]), make("small", {}, result.slice(1).filter(Boolean).join(" · "))));
  }

  async open(key) {
    const detail = await this.fetch(key);
    if (!detail) return;
    this.card = new Card(detail, this.onAct, "case-");
    this.card.story.open = true;
    this.draw(detail);
    byId("case-card").replaceChildren(this.card.element);
    byId("case").showModal();
  }

  draw(detail) {
    this.card.update(detail, this.people(), performance.now());
    this.card.showDetail(detail);
  }

  // After a deed, or when there is something new: the dialog and its row follow.
  async refresh() {
    if (!this.card || !byId("case").open) return;
    const detail = await this.fetch(this.card.incident.key);
    if (!detail) return;
    this.draw(detail);
    const index = this.rows.findIndex((each) => each.key === detail.key);
    if (index < 0) return;
    this.rows[index] = detail;
    byId("found").tBodies[0].rows[index].replaceWith(this.row(detail));
  }

  fetch(key) {
    return get(`incidents/${encodeURIComponent(key)}`);
  }

  tick() {
    if (byId("case").open) this.card.tick();
  }

  download() {
    const lines = [COLUMNS.map(([name]) => t(name)), ...this.rows.map((row) => COLUMNS.map(([, value]) => value(row)))];
    const text = `\ufeff${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`; // the mark tells Excel UTF-8
    const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    const day = fullTime(new Date().toISOString()).slice(0, 10);
    make("a", { href: address, download: `${t("search.file")}-${day}.csv` }).click();
    URL.revokeObjectURL(address);
  }
}

const COLUMNS = [
  ["search.key", (row) => row.key],
  ["search.category", (row) => word("category", row.category)],
  ["search.severity", (row) => word("severity", row.severity)],
  ["search.state", (row) => word("state", row.state)],
  ["search.title", (row) => said(row, "title")],
  ["search.why", (row) => said(row, "why")],
  ["card.place", (row) => row.place_name],
  ["search.address", (row) => row.address],
  ["search.device", (row) => row.device_name],
  ["card.owner", (row) => personName(row.owner, row.owner_name)],
  ["search.opened", (row) => fullTime(row.opened_at)],
  ["card.overdue", (row) => (row.overdue ? t("search.yes") : t("search.no"))],
  ["close.outcome", (row) => outcomeName(row)],
];

// A name from outside that begins like a formula stays a text in a spreadsheet.
function cell(value) {
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
