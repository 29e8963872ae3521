// Which places are armed: a tree, and for each place a dialog that sets it. Two taps: the place,
// then the mode; who does it is chosen already, as is the usual length.

import { failure } from "./closing.js";
import { get, post } from "./net.js";
import { inCharge, peopleGroups } from "./people.js";
import { icon, make, number, setText, t, whenAbout, word } from "./words.js";

const ROWS = 60; // more are found with the search box
const SEARCHED = 12; // places from which on a search box is worth its room
const MODES = ["disarmed", "home", "away"];
const HOURS = [1, 2, 4, 8, 24];
const SAME = ["mode", "by", "since", "until", "plan"];
const byId = (id) => document.getElementById(id);

// Who or what set it, since when, and what happens next.
function facts(row) {
  const [by] = row.by.split(":");
  const who = { person: row.by_name, device: t("arming.by_device", { name: row.by_name }), plan: t("arming.by_plan", { name: row.by_name }) }[by];
  const list = [row.since ? t("arming.since", { time: whenAbout(row.since) }) : t("arming.always"), who];
  if (row.until) list.push(t("arming.until", { time: whenAbout(row.until) }));
  if (row.next) list.push(t("arming.next", { time: whenAbout(row.next), name: row.plan }));
  return list.filter(Boolean).join(" · ");
}

function chip(mode) {
  return make("span", { className: `mode ${mode}` }, icon(mode), make("span", {}, word("mode", mode)));
}

export class Arming {
  constructor(onDone) {
    this.onDone = onDone;
    this.rows = [];
    this.byPlace = new Map();
    this.all = false;
    this.people = [];
    this.person = "";
    this.drawn = "";
    this.list = byId("places");
    this.dialog = byId("arming-dialog");
    byId("place-search").addEventListener("input", () => this.draw());
    byId("places-all").addEventListener("click", () => { this.all = !this.all; this.draw(); });
    byId("arming-cancel").addEventListener("click", () => this.dialog.close());
    byId("arming-for").append(make("option", { value: "" }, t("arming.for_ever")),
      ...HOURS.map((n) => make("option", { value: `${n}h` }, t("arming.for_hours", { n }))));
    this.buttons = [...MODES, "plan"].map((mode) => {
      const button = make("button", { type: "button", className: mode, "data-mode": mode }, icon(mode), make("span", {}, word("arm", mode)));
      button.addEventListener("click", () => this.set(mode));
      return button;
    });
    byId("modes").append(...this.buttons);
  }

  async fetch() {
    this.show(await get("arming"));
  }

  show(rows) {
    this.rows = rows;
    this.byPlace = new Map(rows.map((row) => [row.place, row]));
    for (const row of rows) { // a place comes before what lies in it
      const above = this.byPlace.get(row.parent);
      row.codes = [row.place, ...(above?.codes ?? [])];
      row.path = above ? `${above.path} / ${row.name}` : row.name;
    }
    this.draw();
  }

  // On a large site the buildings that are as their grid is stay out of the way; of what is left
  // the topmost places come first, each below the place that it lies in.
  chosen() {
    const wish = byId("place-search").value.trim().toLowerCase();
    const few = !wish && !this.all && this.rows.length >= SEARCHED;
    const found = this.rows.filter((row) => (few ? this.matters(row) : !wish || row.path.toLowerCase().includes(wish)));
    const shown = new Set([...found].sort((a, b) => a.depth - b.depth).slice(0, ROWS));
    return [found.length, found.filter((row) => shown.has(row))];
  }

  matters(row) {
    const above = this.byPlace.get(row.parent);
    return row.level !== "building" || !above || SAME.some((name) => row[name] !== above[name]);
  }

  draw() {
    const [all, shown] = this.chosen();
    byId("place-search").hidden = this.rows.length < SEARCHED;
    byId("places-all").hidden = this.rows.length < SEARCHED || byId("place-search").value.trim() !== "";
    setText(byId("places-all"), this.all ? t("arming.few") : t("arming.all", { n: number(this.rows.length) }));
    byId("places-none").hidden = shown.length > 0;
    setText(byId("places-none"), t(this.rows.length ? "arming.none_found" : "arming.none"));
    byId("places-more").hidden = all <= shown.length;
    setText(byId("places-more"), t("arming.more", { n: number(all - shown.length) }));
    const counts = MODES.map((mode) => [mode, this.rows.filter((row) => row.mode === mode).length]).filter(([, n]) => n);
    setText(byId("arming-count"), counts.map(([mode, n]) => t("arming.count", { mode: word("mode", mode), n: number(n) })).join(" · "));
    const now = JSON.stringify(shown);
    if (now === this.drawn) return; // nothing jumps under a finger
    this.drawn = now;
    const focused = document.activeElement?.closest?.("#places button")?.dataset.place;
    this.list.replaceChildren(...shown.map((row) => this.row(row)));
    if (focused !== undefined) this.list.querySelector(`button[data-place="${CSS.escape(focused)}"]`)?.focus();
  }

  row(row) {
    const button = make("button", { type: "button", className: `place depth-${Math.min(row.depth, 5)}`, title: row.path, "data-place": row.place, "data-mode": row.mode },
      make("span", { className: "where" }, make("b", {}, row.name), make("small", {}, facts(row))), chip(row.mode));
    button.addEventListener("click", () => this.open(row));
    return make("li", {}, button);
  }

  open(row) {
    this.current = row;
    setText(byId("arming-place"), row.path);
    setText(byId("arming-now"), `${t("arming.now", { mode: word("mode", row.mode) })} · ${facts(row)}`);
    byId("arming-error").hidden = true;
    byId("arming-for").value = "";
    const groups = inCharge(this.people, row.codes);
    const select = byId("arming-person");
    select.replaceChildren(...peopleGroups(groups));
    const usual = groups.flat().find((person) => person.id === this.person) ?? groups.flat()[0];
    if (usual) select.value = usual.id;
    else this.fail(t("arming.nobody"));
    const planned = this.rows.some((each) => each.plan && (each === row || each.codes.includes(row.place)));
    for (const button of this.buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === row.mode));
      button.disabled = !usual || (button.dataset.mode === "plan" && !planned);
    }
    this.dialog.showModal();
  }

  async set(mode) {
    const row = this.current;
    this.person = byId("arming-person").value;
    const span = byId("arming-for").value;
    const states = this.buttons.map((button) => button.disabled);
    for (const button of this.buttons) button.disabled = true;
    try {
      const answer = await post("arming", { place: row.place, mode, person: this.person, for: mode === "plan" ? "" : span });
      if (answer.ok) {
        this.dialog.close();
        this.show(answer.body);
        this.onDone(t("arming.done", { place: row.name, mode: word("arm", mode) }));
      } else this.fail(failure(answer));
    } catch {
      this.fail(t("act.failed", { reason: t("act.offline") }));
    }
    this.buttons.forEach((button, index) => { button.disabled = states[index]; });
  }

  fail(sentence) {
    setText(byId("arming-error"), sentence);
    byId("arming-error").hidden = false;
  }
}
