// The registry by hand: rows of a table are found by typing, and the latest changes stand below.

import { get } from "./net.js";
import { Registering } from "./registering.js";
import { make, number, said, setText, t, whenAbout, word } from "./words.js";

const TABLES = ["devices", "people", "rosters", "places", "holidays"];
const ROWS = 8; // more are found with the search box
const CALM = 60000; // ms between two looks when nobody changes anything here
const TYPED = 300; // ms after the last letter
const OF_A_TABLE = ["swap", "standin"]; // the other deeds are done to a row
const byId = (id) => document.getElementById(id);

export class Registry {
  constructor(places, people, onDone) {
    this.looked = -CALM;
    this.people = people;
    this.form = new Registering(places, people, async (sentence, verb, key) => {
      onDone(sentence);
      await this.look().catch(unreached);
      const row = byId("registry").querySelector(`li[data-key="${CSS.escape(key)}"]`);
      (row?.querySelector(`[data-verb="${verb}"]`) ?? row?.querySelector("button") ?? byId("registry-search")).focus();
    });
    byId("registry-table").append(...TABLES.map((each) => make("option", { value: each }, word("table", each))));
    byId("registry-table").addEventListener("change", () => this.rows().catch(unreached));
    byId("registry-search").addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.rows().catch(unreached), TYPED);
    });
  }

  async fetch() {
    if (byId("registry-panel").hidden) return; // a console without it
    if (performance.now() - this.looked >= CALM) await this.look();
  }

  async look() {
    this.looked = performance.now();
    await Promise.all([this.rows(), this.editions()]);
  }

  async rows() {
    const asked = { table: byId("registry-table").value, text: byId("registry-search").value.trim() };
    this.asked = asked;
    const found = await get(`registry/${asked.table}?${new URLSearchParams({ limit: ROWS, text: asked.text })}`);
    if (this.asked === asked) this.show(found);
    return found;
  }

  // The row as it is now: somebody may have changed it since it was drawn.
  async begin(verb, key) {
    const found = await this.rows();
    const row = key ? found.rows.find((each) => each.key === key) : null;
    if (!key || row) this.form.open(found, verb, row);
  }

  show(found) {
    const now = JSON.stringify([found, this.people()]);
    if (this.drawn === now) return; // nothing jumps under a finger
    this.drawn = now;
    const { in_files: inFiles, edition, rows } = found;
    setText(byId("registry-edition"), edition ? t("hand.edition", { n: number(edition) }) : "");
    byId("registry-note").hidden = !inFiles && edition > 0;
    setText(byId("registry-note"), t(inFiles ? "hand.in_files" : "hand.empty"));
    byId("registry-none").hidden = rows.length > 0;
    setText(byId("registry-none"), t("hand.none"));
    byId("registry-more").hidden = found.found <= rows.length;
    setText(byId("registry-more"), t("arming.more", { n: number(found.found - rows.length) }));
    const open = (verb, row = null) => {
      const button = make("button", { type: "button", "data-verb": verb }, t(row || verb !== "row" ? `hand.${verb}` : "hand.add"));
      button.addEventListener("click", () => this.begin(verb, row?.key).catch(unreached));
      return button;
    };
    const changing = !inFiles && edition > 0;
    const ofTable = ["row", ...found.verbs.filter((verb) => OF_A_TABLE.includes(verb))];
    byId("registry-verbs").replaceChildren(...(changing ? ofTable.map((verb) => open(verb)) : []));
    byId("registry").replaceChildren(...rows.map((row) => {
      const verbs = changing ? ["row", ...found.verbs.filter((verb) => fits(verb, row.row))] : [];
      const note = [noteOf(found, row), row.place_name].filter(Boolean).join(" · ");
      return make("li", { "data-key": row.key },
        make("div", {}, make("b", {}, nameOf(row, this.people())), " ", make("small", {}, note)),
        make("div", { className: "verbs" }, ...verbs.map((verb) => open(verb, row))));
    }));
  }

  async editions() {
    const { editions } = await get("registry");
    byId("registry-last").hidden = !editions.length;
    byId("registry-editions").replaceChildren(...editions.map(editionLine));
  }
}

// A line of the roster is called by the names of its people.
function nameOf({ key, row }, people) {
  if (!row.people) return row.name || row.day || key;
  const names = new Map(people.map((person) => [person.id, said(person, "name")]));
  const named = (ids) => ids.replace(/[^;+]+/g, (id) => names.get(id) ?? id).replace(/;/g, t("list.separator"));
  return row.instead ? t("hand.for", { name: named(row.people), other: named(row.instead) }) : named(row.people);
}

// What tells a row from others of the same name; no telephone number, for this is always shown.
function noteOf({ table, columns }, { key, row }) {
  const chosen = (name) => {
    const words = columns.find((column) => column.name === name).words;
    const known = words.find((each) => each.value === row[name]);
    return known ? said(known, "label") : row[name];
  };
  if (table === "rosters") return [chosen("kind"), chosen("role"), row.days, row.hours, [...new Set([row.since, row.until])].filter(Boolean).join("–")].filter(Boolean).join(" · ");
  if (table === "devices") return [key, chosen("kind"), chosen("state"), row.because].filter(Boolean).join(" · ");
  if (table === "holidays") return [key, chosen("kind")].join(" · ");
  return [key, chosen(table === "people" ? "role" : "level")].join(" · ");
}

function fits(verb, { state }) {
  if (OF_A_TABLE.includes(verb)) return false;
  if (verb === "restore") return state === "bypassed";
  if (verb === "bypass") return state === "accepted";
  return state !== "retired";
}

function editionLine(edition) {
  const parts = Object.entries(edition.counts).map(([table, counts]) => {
    const named = edition.rows.filter((row) => row.table === table).map((row) => row.name || row.id);
    const sums = Object.entries(counts).filter(([, n]) => n).map(([kind, n]) => t(`counted.${kind}`, { n: number(n) }));
    return [word("table", table), named.join(t("list.separator")), `(${sums.join(t("list.separator"))})`].filter(Boolean).join(" ");
  });
  const facts = [t("hand.edition", { n: number(edition.number) }), whenAbout(edition.at), said(edition, "by_name")];
  return make("li", { "data-edition": String(edition.number) },
    make("div", {}, make("small", {}, facts.join(" · ")), make("p", {}, parts.join(" · "))));
}

function unreached(error) {
  // The next look says it for the whole page.
  if (!(error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError)) throw error;
}
