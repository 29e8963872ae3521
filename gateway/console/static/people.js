// Who can act: those in charge of a place first, from the nearest grid upwards, then the others.

import { make, said, t, word } from "./words.js";

export function inCharge(people, codes) {
  const order = (person) => codes.indexOf(person.grid);
  const here = people.filter((person) => order(person) >= 0).sort((a, b) => order(a) - order(b));
  return [here, people.filter((person) => order(person) < 0)];
}

export function peopleGroups([here, others]) {
  const option = (person) => {
    const [name, role] = [said(person, "name"), person.role];
    return make("option", { value: person.id }, role ? t("card.person_role", { name, role: word("role", role) }) : name);
  };
  const group = (label, list) => (list.length ? make("optgroup", { label }, ...list.map(option)) : null);
  return [group(t("card.people_here"), here), group(t("card.people_other"), others)].filter(Boolean);
}
