// The form for one row of the registry: typed, checked by the gateway, shown once more, confirmed.

import { failure } from "./closing.js";
import { post } from "./net.js";
import { acted, showPeople, usual } from "./people.js";
import { Picker, personItem } from "./picker.js";
import { language, make, number, said, setText, t, word } from "./words.js";

const PATIENT = 60000; // ms: a small board looks a district's tables through in half a minute
const FIELDS = { // of the deeds that are not a whole row
  replace: ["address", "serial", "model", "driver"],
  bypass: ["until", "because"],
  restore: [],
  retire: ["because"],
  remove: [],
  swap: ["place", "role", "day", "one", "other", "back"],
  standin: ["place", "role", "day", "people", "hours"],
};
const OWN = { // fields that are no columns of the table
  day: { kind: "date", required: true },
  back: { kind: "date" },
  one: { kind: "person", required: true },
  other: { kind: "person", required: true },
};
const byId = (id) => document.getElementById(id);

export class Registering {
  constructor(places, people, onDone) {
    Object.assign(this, { places, people, onDone });
    this.dialog = byId("registering");
    byId("registering-cancel").addEventListener("click", () => this.dialog.close());
    byId("registering-again").addEventListener("click", () => this.back());
    byId("registering-remove").addEventListener("click", () => this.open(this.found, "remove", this.row));
    this.dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  // `found` is the answer that has the row; without a row it is a new one.
  open(found, verb, row = null) {
    Object.assign(this, { found, verb, row, edition: found.edition, busy: false });
    const name = row ? row.row.name || row.key : verb === "row" && word("table", found.table);
    const heading = [t(row || verb !== "row" ? `hand.${verb}` : "hand.add"), name].filter(Boolean);
    setText(byId("registering-heading"), heading.join(t("list.colon")));
    byId("registering-about").hidden = verb === "row";
    setText(byId("registering-about"), verb === "row" ? "" : t(`hand.about_${verb}`));
    byId("registering-remove").hidden = verb !== "row" || !row;
    this.fields = this.columns().map((column) => this.field(column));
    byId("registering-fields").replaceChildren(...this.fields.map(({ box }) => box));
    const codes = this.places().find((each) => each.value === (row?.row.place ?? ""))?.codes ?? [];
    showPeople(byId("registering-person"), this.people(), codes, usual());
    this.back();
    if (!this.dialog.open) this.dialog.showModal();
    if (FIELDS[verb]?.length === 0) this.submit(); // nothing to type: it is only to be confirmed
  }

  columns() {
    const { columns } = this.found;
    if (this.verb === "row") return columns;
    return FIELDS[this.verb].map((name) => {
      const known = columns.find((column) => column.name === name);
      if (OWN[name]) return { name, words: [], hint: "", longest: 200, label: t(`hand.${name}`), label_en: t(`hand.${name}`), ...OWN[name] };
      if (this.verb === "replace") return { ...known, required: false, now: this.row.row[name] };
      const kind = { until: "datetime-local", people: "person" }[name];
      return { ...known, kind, required: name !== "hours" };
    });
  }

  field(column) {
    const was = this.verb === "row" && this.row ? this.row.row[column.name] : "";
    const id = `registering-${column.name}`;
    const label = said(column, "label");
    const fault = make("small", { id: `${id}-fault`, className: "fault" });
    const hint = [column.now && t("hand.now", { value: column.now }), said(column, "hint")].filter(Boolean).join(" · ");
    const title = column.required ? t("hand.required", { label }) : label;
    const made = this.input(column, id, was, label);
    const two = made.picker || made.adder; // a label has one field alone
    const box = make(two ? "div" : "label", { className: "field" }, title, made.box);
    if (made.adder) box.append(made.adder);
    if (two) made.input.setAttribute("aria-label", title);
    box.append(...[hint && make("small", { id: `${id}-hint` }, hint), fault].filter(Boolean));
    made.input.setAttribute("aria-describedby", `${hint ? `${id}-hint ` : ""}${id}-fault`);
    return { ...made, name: column.name, was, box, fault };
  }

  // What is typed or chosen into, and how its value is read.
  input(column, id, was, label) {
    const { name } = column;
    if (column.words.length) {
      const empty = column.required && was ? [] : [make("option", { value: "" }, "")];
      const input = make("select", { id }, ...empty, ...column.words.map((each) => make("option", { value: each.value }, said(each, "label"))));
      input.value = was;
      return { input, box: input, value: () => input.value };
    }
    if (name === "place" || name === "parent") return this.picked(id, label, was, () => this.places());
    if (column.kind === "person") return this.picked(id, label, was, () => this.people().map(personItem));
    const input = make("input", { id, type: column.kind ?? "text", autocomplete: "off", maxLength: column.longest, value: was });
    const lists = { grid: () => this.places(), people: () => this.people().map(personItem) };
    const adder = lists[name] ? adding(input, lists[name], label) : null;
    return { input, box: input, adder, value: () => input.value.trim() };
  }

  picked(id, label, was, items) {
    const box = make("div", {});
    const picker = new Picker(box, label, items);
    picker.input.id = id;
    const known = items().find((item) => item.value === was);
    if (known) picker.choose(known);
    else if (was) picker.choose({ value: was, name: was });
    // A code or an id that is typed as it stands is taken, too: who knows it need not choose.
    return { input: picker.input, box, picker, value: () => picker.value || picker.input.value.trim() };
  }

  typed() {
    const given = this.fields.map(({ name, was, value }) => [name, value(), was]);
    return Object.fromEntries(given.filter(([, value, was]) => value !== was).map(([name, value]) => [name, value]));
  }

  back() {
    this.checked = false;
    this.faults([]);
    byId("registering-changes").hidden = true;
    byId("registering-fields").hidden = false;
    byId("registering-again").hidden = true;
    byId("registering-cancel").hidden = false;
    byId("registering-remove").hidden = this.verb !== "row" || !this.row;
    setText(byId("registering-confirm"), t("hand.check"));
  }

  async submit() {
    const person = byId("registering-person").value;
    if (this.busy || !person) return;
    this.busy = true;
    byId("registering-confirm").disabled = true;
    setText(byId("registering-confirm"), t("hand.busy"));
    const answer = await this.sent(person);
    this.busy = false;
    byId("registering-confirm").disabled = false;
    setText(byId("registering-confirm"), t(this.checked ? "hand.confirm" : "hand.check"));
    if (!answer.ok) {
      if (answer.body?.edition) this.edition = answer.body.edition;
      this.back();
      this.fail(answer.sentence);
    } else if (!answer.body.ok) {
      this.back();
      this.faults(answer.body.faults);
    } else if (!answer.body.changes.length) {
      this.fail(t("hand.nothing"));
    } else if (this.checked) {
      acted(person);
      this.dialog.close();
      this.onDone(t("hand.done", { n: number(answer.body.edition) }), this.verb, this.row?.key ?? "");
    } else {
      this.confirm(answer.body);
    }
  }

  async sent(person) {
    const body = {
      by: `person:${person}`, edition: this.edition, change: this.verb, key: this.row?.key ?? "",
      row: this.typed(), dry: !this.checked,
    };
    try {
      const answer = await post(`registry/${this.found.table}`, body, PATIENT);
      return answer.ok ? answer : { ok: false, body: answer.body, sentence: failure(answer) };
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError)) throw error;
      return { ok: false, sentence: t("act.failed", { reason: t("act.offline") }) };
    }
  }

  confirm({ changes, counts }) {
    this.checked = true;
    this.faults([]);
    const others = Object.entries(counts).filter(([table]) => table !== this.found.table).map(([table]) => word("table", table));
    const also = others.length ? make("p", {}, t("hand.also", { list: others.join(t("list.separator")) })) : null;
    byId("registering-changes").replaceChildren(make("b", {}, t("hand.will")), ...changes.map((each) => this.change(each)), ...[also].filter(Boolean));
    byId("registering-changes").hidden = false;
    byId("registering-fields").hidden = true;
    byId("registering-remove").hidden = true;
    const typed = this.fields.length > 0;
    byId("registering-again").hidden = !typed;
    byId("registering-cancel").hidden = typed;
    setText(byId("registering-confirm"), t("hand.confirm"));
    byId("registering-confirm").focus();
  }

  change({ key, before, after }) {
    if (!Object.keys(after).length) return make("p", {}, t("hand.gone_row", { name: before.name || before.people || key }));
    const fresh = !Object.keys(before).length;
    const lines = this.found.columns.filter(({ name }) => (before[name] ?? "") !== after[name]).map((column) => {
      const [was, is] = [before, after].map((cells) => this.shown(column, cells[column.name] ?? ""));
      return make("li", {}, t(fresh ? "hand.given" : "hand.cell", { column: said(column, "label"), before: was, after: is }));
    });
    return make("div", {}, fresh ? t("hand.new_row") : null, make("ul", {}, ...lines));
  }

  // A cell in words: what was chosen, and the names behind codes and ids.
  shown(column, cell) {
    const known = column.words.find((each) => each.value === cell);
    if (known || !cell) return known ? said(known, "label") : t("hand.empty_cell");
    if (/^\d{4}-\d\d-\d\dT/.test(cell)) return cell.slice(0, 16).replace("T", " ");
    const items = { place: this.places, parent: this.places, grid: this.places, people: this.people, instead: this.people }[column.name]?.() ?? [];
    const names = new Map(items.map((item) => [item.value ?? item.id, said(item, "name")]));
    const found = cell.split(/[;+]/).map((each) => names.get(each)).filter(Boolean);
    return found.length ? t("hand.named", { cell, names: found.join(t("list.separator")) }) : cell;
  }

  fail(sentence) {
    byId("registering-error").replaceChildren(sentence);
    byId("registering-error").hidden = false;
  }

  // Each at its field; what belongs to none is listed below.
  faults(faults) {
    byId("registering-error").hidden = true;
    for (const { name, fault, input } of this.fields) {
      const own = faults.filter((each) => !each.key && each.column === name);
      setText(fault, own.map((each) => each[language]).join(" "));
      input.setAttribute("aria-invalid", String(own.length > 0));
    }
    if (!faults.length) return;
    const names = new Set(this.fields.map(({ name }) => name));
    const rest = faults.filter((each) => each.key || !names.has(each.column));
    const lines = rest.map((each) => make("li", {}, each.key ? t("hand.fault_of", { key: each.key, fault: each[language] }) : each[language]));
    this.fail(t("hand.faults", { n: number(faults.length) }));
    if (lines.length) byId("registering-error").append(make("ul", {}, ...lines));
    this.fields.find(({ input }) => input.getAttribute("aria-invalid") === "true")?.input.focus();
  }
}

// Below a list of codes: a name that is typed and chosen adds its code to the list.
function adding(input, items, label) {
  const box = make("div", {});
  const picker = new Picker(box, label, items, (value) => {
    if (!value) return;
    const listed = input.value.split(";").map((each) => each.trim()).filter(Boolean);
    if (!listed.includes(value)) input.value = [...listed, value].join(";");
    picker.clear(); // at once: who types on quickly loses nothing
  });
  picker.input.placeholder = t("hand.add_place");
  return box;
}
