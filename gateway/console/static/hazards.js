// The hazard register: what was seen on a round, or told, and stands until a person closes it.

import { nextVerb } from "./cards.js";
import { get } from "./net.js";
import { usual } from "./people.js";
import { chooser } from "./picker.js";
import { make, number, personName, said, setText, t, whenAbout, word } from "./words.js";

const ROWS = 8; // the oldest; more with each press
const MOST = 200; // beyond it the command makes a workbook
const CALM = 60000; // ms between two looks while nothing is done here: a register may have thousands
const CLOSED = "30d";
const COLUMNS = { open: "open", week: "of_week", month: "of_month", older: "of_older", overdue: "late" };
const byId = (id) => document.getElementById(id);

export class Hazards {
  constructor(people, onAct, onOpen) {
    Object.assign(this, { people, onAct, onOpen });
    this.looked = -CALM;
    this.rows = ROWS;
    byId("hazards-closed").addEventListener("change", () => this.now());
    byId("hazards-more").addEventListener("click", () => {
      this.rows = Math.min(this.rows * 4, MOST);
      this.now();
    });
  }

  async fetch() {
    if (performance.now() - this.looked < CALM) return;
    this.looked = performance.now();
    const wish = { limit: this.rows, ...(byId("hazards-closed").checked ? { since: CLOSED } : {}) };
    this.show(await get(`hazards?${new URLSearchParams(wish)}`));
  }

  // The next look is not to wait: somebody did something.
  again() {
    this.looked = -CALM;
  }

  now() {
    this.again();
    this.fetch().catch((error) => {
      // The next look says it for the whole page.
      if (!(error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError)) throw error;
    });
  }

  show({ found, hazards, grids }) {
    const sum = (name) => grids.reduce((all, grid) => all + grid[name], 0);
    const open = sum("open");
    setText(byId("hazards-count"), open ? t("hazards.count", { n: number(open) }) : "");
    byId("hazards-none").hidden = found > 0;
    byId("hazards-ages").hidden = !open;
    byId("hazards-ages").replaceChildren(...["week", "month", "older", "overdue"].map((name) => make("span",
      { className: sum(name) && name === "overdue" ? "loud" : "" }, t(`hazards.${name}`, { n: number(sum(name)) }))));
    this.fill(hazards);
    byId("hazards-more").hidden = found <= hazards.length || this.rows >= MOST;
    byId("hazards-rest").hidden = found <= hazards.length;
    setText(byId("hazards-rest"), t("hazards.rest", { n: number(found - hazards.length) }));
    byId("hazards-grids").hidden = grids.length < 2;
    byId("hazards-by-grid").tBodies[0].replaceChildren(...grids.slice(0, MOST).map((grid) => make("tr", {},
      make("th", { scope: "row" }, grid.name),
      ...Object.entries(COLUMNS).map(([name, text]) => make("td", { className: "end", "data-name": t(`hazards.${text}`) }, number(grid[name]))))));
  }

  // Drawn again only when something changed: nothing jumps under a finger.
  fill(rows) {
    const same = JSON.stringify(rows.map((row) => ({ ...row, age: 0, deadline_in: 0 })));
    if (same === this.drawn) return;
    this.drawn = same;
    byId("hazards").replaceChildren(...rows.map((row) => this.row(row)));
  }

  row(hazard) {
    const open = make("button", { type: "button", className: "link" }, said(hazard, "title"));
    open.addEventListener("click", () => this.onOpen(hazard.key));
    const age = hazard.closed_at ? t("hazards.closed", { time: whenAbout(hazard.closed_at) }) : t("hazards.days", { n: number(hazard.days) });
    const facts = [hazard.key, word("severity", hazard.severity), personName(hazard.owner, hazard.owner_name), age];
    const state = make("strong", { className: hazard.closed_at ? "done" : hazard.overdue ? "loud" : "" },
      word("state", hazard.state) + (hazard.overdue && !hazard.closed_at ? ` · ${t("hazards.late")}` : ""));
    return make("li", { "data-key": hazard.key, title: said(hazard, "why") },
      make("div", {}, open, make("p", {}, hazard.place_name), make("small", {}, state, ` · ${facts.filter(Boolean).join(" · ")}`)),
      this.next(hazard));
  }

  // One tap and a name for the next step; the others are in the case that the title opens.
  next(hazard) {
    const verb = nextVerb(hazard);
    if (!verb) return null;
    const button = make("button", { type: "button", "data-verb": verb }, t(`act.${verb}`));
    button.addEventListener("click", () => {
      const people = this.people();
      const known = people.find((person) => person.id === (usual() || hazard.owner)) ?? null;
      chooser.ask(people, t("hazards.who", { key: hazard.key }), async (person) => {
        await this.onAct(hazard, verb, person.id, button);
        this.now();
      }, known);
    });
    return button;
  }
}
