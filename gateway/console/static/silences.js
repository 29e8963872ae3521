// What people are not told of, by their own wish or for a while: silences, and messages held back.

import { failure } from "./closing.js";
import { spanName } from "./deeds.js";
import { get, post, remove } from "./net.js";
import { acted, showPeople, usual } from "./people.js";
import { Picker, chooser } from "./picker.js";
import { make, number, personName, setText, t, whenAbout, word } from "./words.js";

const ROWS = 30;
const SPANS = ["1h", "2h", "4h", "8h", "24h", "3d", "7d", "30d"];
const CATEGORIES = ["life", "intrusion", "facility", "trouble", "system"];
const byId = (id) => document.getElementById(id);

export class Silences {
  constructor(places, devices, people, onDone, onOpen) {
    Object.assign(this, { places, people, onDone, onOpen });
    this.dialog = byId("silencing");
    this.place = new Picker(byId("silence-place"), t("card.place"), places, () => this.moved());
    this.device = new Picker(byId("silence-device"), t("search.device"), devices, () => this.ready());
    byId("silence-category").append(make("option", { value: "" }, t("silence.any")),
      ...CATEGORIES.map((each) => make("option", { value: each }, word("category", each))));
    byId("silence-for").append(...SPANS.map((span) => make("option", { value: span }, spanName(span))));
    byId("silence-add").addEventListener("click", () => this.open());
    byId("silence-person").addEventListener("change", () => { this.person = byId("silence-person").value; });
    byId("silence-cancel").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("input", () => this.ready());
    this.dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  async fetch() {
    if (byId("silences-panel").hidden) return; // a console without telling
    const [silences, held] = await Promise.all([get("silences"), get("held")]);
    this.show(silences);
    this.showHeld(held);
  }

  show(rows) {
    const now = new Date().toISOString();
    const standing = rows.filter((row) => row.stands || row.until > now);
    const over = rows.filter((row) => !standing.includes(row));
    setText(byId("silences-count"), standing.length ? t("silence.count", { n: number(standing.length) }) : "");
    byId("silences-none").hidden = standing.length > 0;
    fill(byId("silences"), standing, (row) => this.row(row, true));
    byId("silences-old").hidden = !over.length;
    setText(byId("silences-over"), t("silence.over", { n: number(over.length) }));
    fill(byId("silences-ended"), over, (row) => this.row(row, false));
  }

  row(row, ending) {
    const what = [row.place_name, row.device_name, row.category && word("category", row.category), row.rule && t("card.by_rule", { name: row.rule })];
    const id = row.by.slice(row.by.indexOf(":") + 1);
    const facts = [personName(id, row.by_name), t("silence.span", { since: whenAbout(row.since), until: whenAbout(row.until) })];
    if (ending && !row.stands) facts.push(t("silence.later"));
    if (row.ended_by) facts.push(t("silence.ended_early"));
    const button = ending ? make("button", { type: "button" }, t("silence.end")) : null;
    button?.addEventListener("click", () => this.end(row));
    return make("li", { "data-id": String(row.id) },
      make("div", {}, make("b", {}, what.filter(Boolean).join(" · ")), make("p", {}, row.because), make("small", {}, facts.join(" · "))), button);
  }

  showHeld(rows) {
    setText(byId("held-count"), rows.length ? t("held.count", { n: number(rows.length) }) : "");
    byId("held-none").hidden = rows.length > 0;
    fill(byId("held"), rows, (row) => {
      const button = make("button", { type: "button", className: "link" }, row.incident);
      button.addEventListener("click", () => this.onOpen(row.incident));
      return make("li", { title: row.why }, make("div", {},
        make("b", {}, personName(row.person, row.name)), ` ${word("purpose", row.purpose)} `, button,
        make("p", {}, make("small", {}, `${word("held", row.held)} · ${t("held.until", { time: whenAbout(row.until) })}`))));
    });
  }

  open() {
    byId("silence-category").value = "";
    byId("silence-because").value = "";
    byId("silence-for").value = "2h";
    byId("silence-error").hidden = true;
    this.busy = false;
    this.person = usual(); // or whoever is chosen here; the place only proposes
    this.place.clear();
    this.device.clear();
    this.moved();
    this.dialog.showModal();
  }

  moved() {
    const codes = this.places().find((each) => each.value === this.place.value)?.codes ?? [];
    showPeople(byId("silence-person"), this.people(), codes, this.person);
    this.ready();
  }

  ready() {
    const about = this.place.value || this.device.value || byId("silence-category").value;
    byId("silence-confirm").disabled = this.busy || !about || !byId("silence-because").value.trim() || !byId("silence-person").value;
  }

  async submit() {
    if (byId("silence-confirm").disabled) return;
    const said = (id) => byId(`silence-${id}`).value.trim();
    const person = said("person");
    this.busy = true;
    this.ready();
    const answer = await attempt(() => post("silences", {
      person, because: said("because"), for: said("for"), category: said("category"), place: this.place.value, device: this.device.value,
    }));
    if (answer.ok) {
      acted(person);
      this.dialog.close();
      this.show(answer.body);
      this.onDone(t("silence.done"), true);
    } else {
      setText(byId("silence-error"), answer.sentence);
      byId("silence-error").hidden = false;
    }
    this.busy = false;
    this.ready();
  }

  end(row) {
    const people = this.people();
    const known = people.find((person) => person.id === usual()) ?? (people.length === 1 ? people[0] : null);
    chooser.ask(people, t("silence.end_by"), async (person) => {
      acted(person.id);
      const answer = await attempt(() => remove(`silences/${row.id}?person=${encodeURIComponent(person.id)}`));
      if (answer.ok) this.show(answer.body);
      this.onDone(answer.ok ? t("silence.ended") : answer.sentence, answer.ok);
    }, known);
  }
}

// The answer, or the sentence that says why there is none.
async function attempt(ask) {
  try {
    const answer = await ask();
    return answer.ok ? answer : { ok: false, sentence: failure(answer) };
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError)) throw error;
    return { ok: false, sentence: t("act.failed", { reason: t("act.offline") }) };
  }
}

// Drawn again only when something changed: nothing jumps under a finger.
function fill(list, rows, draw) {
  const now = JSON.stringify(rows.map((row) => ({ ...row, due_in: 0 })));
  if (list.drawn === now) return;
  list.drawn = now;
  const items = rows.slice(0, ROWS).map(draw);
  if (rows.length > ROWS) items.push(make("li", { className: "note" }, t("card.more_messages", { n: number(rows.length - ROWS) })));
  list.replaceChildren(...items);
}
