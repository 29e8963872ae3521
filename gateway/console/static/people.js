// Who can act: those in charge of a place first, from the nearest grid upwards, then the others.
// A district has thousands of others: they are found by typing.

import { chooser } from "./picker.js";
import { make, said, t, word } from "./words.js";

const OTHERS = 40; // people beyond the place that a list still shows
const FIND = "?"; // what stands for the others then; no id
const shown = new WeakMap(); // select -> {people, value}
let last = ""; // who acted last on this page

export function inCharge(people, codes) {
  const places = new Map(codes.map((code, index) => [code, index]));
  const order = (person) => places.get(person.grid) ?? -1;
  const here = people.filter((person) => order(person) >= 0).sort((a, b) => order(a) - order(b));
  return [here, people.filter((person) => order(person) < 0)];
}

function option(person) {
  const [name, role] = [said(person, "name"), person.role];
  return make("option", { value: person.id }, role ? t("card.person_role", { name, role: word("role", role) }) : name);
}

function group(label, list, more = null) {
  return list.length || more ? make("optgroup", { label }, ...list.map(option), more) : null;
}

// Fill a select with who can act at the places `codes`, the nearest first; `chosen` is an id.
export function showPeople(select, people, codes, chosen = "") {
  const [here, others] = inCharge(people, codes);
  const many = others.length > OTHERS;
  const few = many ? others.filter((person) => person.id === chosen) : others;
  const find = many ? make("option", { value: FIND }, t("card.people_find")) : null;
  const groups = [group(t("card.people_here"), here), group(t("card.people_other"), few, find)].filter(Boolean);
  const known = [...here, ...few].find((person) => person.id === chosen);
  const first = known ?? here[0] ?? few[0];
  if (!first) groups.unshift(make("option", { value: "" }, t("pick.choose")));
  select.replaceChildren(...groups);
  select.value = first?.id ?? "";
  if (!shown.has(select)) select.addEventListener("change", () => changed(select));
  shown.set(select, { people, value: select.value });
}

// Who is likely to act: whoever did last.
export function usual() {
  return last;
}

export function acted(id) {
  last = id;
}

function changed(select) {
  const state = shown.get(select);
  if (select.value !== FIND) {
    state.value = select.value;
    return;
  }
  select.value = state.value; // until somebody is found
  chooser.ask(state.people, t("card.person"), (person) => {
    if (![...select.options].some((each) => each.value === person.id)) {
      select.querySelector(`option[value="${FIND}"]`).before(option(person));
    }
    select.value = person.id;
    state.value = person.id;
    select.dispatchEvent(new Event("change"));
  });
}
