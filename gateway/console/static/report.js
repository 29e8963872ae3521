// The form for what a person reports: a call to the hotline, something seen on patrol, a hazard for
// the register.

import { failure } from "./closing.js";
import { post } from "./net.js";
import { acted, showPeople, usual } from "./people.js";
import { Picker } from "./picker.js";
import { make, setText, t, word } from "./words.js";

const CATEGORIES = ["life", "intrusion", "facility", "trouble"]; // the system reports on itself
const SEVERITIES = ["notice", "warning", "alarm", "critical"];
const byId = (id) => document.getElementById(id);

export class Report {
  constructor(places, onDone) {
    this.onDone = onDone;
    this.places = places;
    this.dialog = byId("report");
    this.place = new Picker(byId("report-place"), t("card.place"), places, () => this.moved());
    byId("report-category").append(...CATEGORIES.map((each) => make("option", { value: each }, word("category", each))));
    byId("report-severity").append(...SEVERITIES.map((each) => make("option", { value: each }, word("severity", each))));
    this.dialog.addEventListener("input", () => this.ready());
    byId("report-person").addEventListener("change", () => { this.person = byId("report-person").value; });
    byId("report-cancel").addEventListener("click", () => this.dialog.close());
    this.dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  open(people, hazard = false) {
    this.people = people;
    this.hazard = hazard;
    setText(byId("report-heading"), t(hazard ? "hazards.add" : "report.open"));
    byId("report-hazard").hidden = !hazard;
    this.busy = false;
    this.person = usual(); // or whoever is chosen here; the place only proposes
    for (const id of ["title", "why", "caller"]) byId(`report-${id}`).value = "";
    byId("report-category").value = "facility";
    byId("report-severity").value = hazard ? "notice" : "warning";
    byId("report-error").hidden = true;
    this.place.clear();
    this.moved();
    this.dialog.showModal();
  }

  // Who is in charge of the place stands first.
  moved() {
    const codes = this.places().find((each) => each.value === this.place.value)?.codes ?? [];
    showPeople(byId("report-person"), this.people, codes, this.person);
    this.ready();
  }

  ready() {
    const written = ["title", "why"].every((id) => byId(`report-${id}`).value.trim());
    byId("report-confirm").disabled = this.busy || !written || !this.place.value || !byId("report-person").value;
  }

  async submit() {
    if (byId("report-confirm").disabled) return;
    const said = (id) => byId(`report-${id}`).value.trim();
    const person = said("person");
    this.busy = true;
    this.ready();
    try {
      const answer = await post("incidents", {
        title: said("title"), why: said("why"), category: said("category"), severity: said("severity"),
        place: this.place.value, person, comment: said("caller"), hazard: this.hazard,
      });
      if (answer.ok) {
        acted(person);
        this.dialog.close();
        this.onDone(t("report.done", { key: answer.body.key }));
      } else this.fail(failure(answer));
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError)) throw error;
      this.fail(t("act.failed", { reason: t("act.offline") }));
    } finally {
      this.busy = false;
      this.ready();
    }
  }

  fail(sentence) {
    setText(byId("report-error"), sentence);
    byId("report-error").hidden = false;
  }
}
