// Choosing one of thousands by typing a part of it: places, people, devices. And the dialog that
// asks for one person where a list of all of them would be too long.

import { make, said, setText, t, word } from "./words.js";

const SHOWN = 8; // who sees more types one more letter
const byId = (id) => document.getElementById(id);

// Every word that was typed stands somewhere in the item's name or note.
export function matching(items, typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  for (const item of items) {
    const text = `${item.name} ${item.note} ${item.value}`.toLowerCase();
    if (words.every((each) => text.includes(each))) found.push(item);
    if (found.length > SHOWN) break;
  }
  return found;
}

export function personItem(person) {
  const role = person.role ? word("role", person.role) : "";
  return { value: person.id, name: said(person, "name"), note: [role, person.place_name].filter(Boolean).join(" · ") };
}

export class Picker {
  // `items()` gives all that can be chosen: {value, name, note}.
  constructor(box, label, items, onChange = () => {}) {
    this.items = items;
    this.onChange = onChange;
    this.value = "";
    this.input = make("input", { type: "search", autocomplete: "off", placeholder: t("pick.type"), "aria-label": label });
    this.list = make("ul", { className: "found", "aria-label": label });
    this.list.hidden = true;
    box.classList.add("picker");
    box.append(this.input, this.list);
    this.input.addEventListener("input", () => { this.take("", false); this.draw(); });
    this.input.addEventListener("focus", () => { if (!this.value) this.draw(); });
    this.input.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("focusout", (event) => { if (!box.contains(event.relatedTarget)) this.list.hidden = true; });
  }

  key(event) {
    if (event.key === "Enter" && !this.list.hidden) {
      event.preventDefault(); // the form is not ready yet: the first that fits is meant
      this.list.querySelector("button")?.click();
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.preventDefault();
      this.list.hidden = true;
    }
  }

  draw() {
    const found = matching(this.items(), this.input.value);
    const rows = found.slice(0, SHOWN).map((item) => {
      const button = make("button", { type: "button" }, make("b", {}, item.name), make("small", {}, item.note));
      button.addEventListener("click", () => this.choose(item));
      return make("li", {}, button);
    });
    if (found.length > SHOWN) rows.push(make("li", { className: "note" }, t("pick.more")));
    if (!found.length) rows.push(make("li", { className: "note" }, t("pick.none")));
    this.list.replaceChildren(...rows);
    this.list.hidden = false;
  }

  choose(item) {
    this.chosen = item;
    this.input.value = item.name;
    this.list.hidden = true;
    this.take(item.value, true);
  }

  take(value, always) {
    if (this.value === value && !always) return;
    this.value = value;
    this.onChange(value);
  }

  clear() {
    this.input.value = "";
    this.list.hidden = true;
    this.value = "";
  }
}

class Chooser {
  constructor() {
    this.people = [];
    this.dialog = byId("choosing");
    this.picker = new Picker(byId("choosing-person"), t("pick.person"), () => this.people.map(personItem),
      () => { byId("choosing-confirm").disabled = !this.picker.value; });
    byId("choosing-cancel").addEventListener("click", () => this.dialog.close());
    this.dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = this.people.find((person) => person.id === this.picker.value);
      if (!chosen) return;
      this.dialog.close();
      this.onChosen(chosen);
    });
  }

  ask(people, heading, onChosen, usual = null) {
    this.people = people;
    this.onChosen = onChosen;
    setText(byId("choosing-heading"), heading);
    this.picker.clear();
    if (usual) this.picker.choose(personItem(usual));
    byId("choosing-confirm").disabled = !this.picker.value;
    this.dialog.showModal();
  }
}

export const chooser = new Chooser();
