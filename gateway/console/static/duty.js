// Who has duty now in each grid, and how today's patrol goes.

import { get } from "./net.js";
import { make, number, setText, t, when, whenAbout, word } from "./words.js";

const PLACES = 12; // more are found with the search box
const POINTS = 8; // of a round: the missed ones first
const CALM = 60000; // ms between two looks: a district's rounds have tens of thousands of points
const TYPED = 300; // ms after the last letter
const byId = (id) => document.getElementById(id);

export class Duty {
  constructor() {
    this.looked = -CALM;
    byId("duty-search").addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.fetchDuty().catch(unreached), TYPED);
    });
  }

  async fetch() {
    if (performance.now() - this.looked < CALM) return;
    this.looked = performance.now();
    await Promise.all([this.fetchDuty(), this.fetchRounds()]);
  }

  // The next look is not to wait: a roster has changed.
  again() {
    this.looked = -CALM;
  }

  async fetchDuty() {
    const text = byId("duty-search").value.trim();
    const found = await get(`duty?${new URLSearchParams({ limit: PLACES, text })}`);
    if (text === byId("duty-search").value.trim()) this.showDuty(found, text);
  }

  showDuty({ found, places }, text) {
    byId("duty-search").hidden = !text && found <= PLACES / 2;
    byId("duty-none").hidden = places.length > 0;
    setText(byId("duty-none"), t(text ? "arming.none_found" : "duty.none"));
    byId("duty").replaceChildren(...places.map((place) => make("li", { title: place.place_name },
      make("b", {}, place.name), make("dl", {}, ...place.roles.map(roleLine)))));
    byId("duty-more").hidden = found <= places.length;
    setText(byId("duty-more"), t("arming.more", { n: number(found - places.length) }));
  }

  async fetchRounds() {
    const { rounds } = await get(`patrol?limit=${POINTS}`);
    byId("patrol-none").hidden = rounds.length > 0;
    byId("patrol").replaceChildren(...rounds.map(round));
  }
}

function unreached(error) {
  // The next look says it for the whole page.
  if (!(error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError)) throw error;
}

function names(people) {
  return people.map((person) => person.name).join(t("list.separator")) || t("duty.nobody");
}

function roleLine({ role, roster, people, next, next_people }) {
  const now = make("dd", { className: people.length ? "" : "loud" }, names(people));
  if (!roster) now.append(make("small", {}, t("duty.no_roster")));
  if (next) now.append(make("small", {}, t("duty.next", { time: whenAbout(next), names: names(next_people) })));
  return make("div", { className: "line" }, make("dt", {}, word("role", role)), now);
}

function round({ name, begins, ends, of, done, missed, points }) {
  const shown = points.filter((point) => point.state !== "planned");
  const more = of - points.length;
  const rows = shown.map((point) => make("li", { className: point.state },
    make("b", {}, point.name), ` ${word("round", point.state)} `, make("small", {}, pointNote(point))));
  if (more > 0) rows.push(make("li", { className: "note" }, t("card.more_messages", { n: number(more) })));
  const sums = [t("patrol.done", { n: number(done), of: number(of) })];
  const loud = missed ? make("strong", { className: "loud" }, t("patrol.missed", { n: number(missed) })) : null;
  const head = [make("b", {}, `${name} ${whenAbout(begins)}–${whenAbout(ends)}`), make("span", {}, sums.join(" · ")), loud];
  if (!shown.length) return make("li", { className: "round" }, make("div", { className: "head" }, ...head));
  return make("li", { className: "round" }, make("details", {}, make("summary", { className: "head" }, ...head), make("ul", { className: "points" }, ...rows)));
}

function pointNote({ place_name, checkin, from_afar }) {
  const who = checkin ? [checkin.person_name, when(checkin.at)] : [];
  if (from_afar) who.push(t("patrol.from_afar", { n: number(Math.round(checkin.metres)) }));
  return [...who, place_name].join(" · ");
}
