// Which places are armed: a tree, and for each place a dialog that sets it. Two taps: the place,
// then the mode; who does it is chosen already, as is the usual length.

import { failure } from "./closing.js";
import { get, post } from "./net.js";
import { acted, showPeople, usual } from "./people.js";
import { icon, make, number, said, setText, t, whenAbout, word } from "./words.js";

const ROWS = 60; // more are found with the search box
const SEARCHED = 12; // places from which on a search box is worth its room
const MODES = ["disarmed", "home", "away"];
const MIXED = "mixed";
const HOURS = [1, 2, 4, 8, 24];
const SAME = ["mode", "by", "since", "until", "plan"];
const byId = (id) => document.getElementById(id);

// Who or what set it, since when, and what happens next.
function facts(row) {
  const [by] = row.by.split(":");
  const name = said(row, "by_name");
  const who = { person: name, device: t("arming.by_device", { name }), plan: t("arming.by_plan", { name }) }[by];
  const always = row.by ? null : t("arming.always"); // set by somebody before the clock was right
  const list = [row.since ? t("arming.since", { time: whenAbout(row.since) }) : always, who];
  if (row.until) list.push(t("arming.until", { time: whenAbout(row.until) }));
  if (row.next) {
    const [time, name] = [whenAbout(row.next), said(row, "plan_title")];
    list.push(t(row.by === `plan:${row.plan}` ? "arming.next_same" : "arming.next", { time, name }));
  }
  return list.filter(Boolean).join(" · ");
}

// Many places: the mode that they have in common, and how many there are.
function everywhere(rows) {
  const [{ mode }] = rows;
  const topmost = rows.filter((row) => row.depth === 0);
  return {
    place: "", name: t("arming.everywhere"), path: t("arming.everywhere"), depth: 0,
    mode: rows.every((row) => row.mode === mode) ? mode : MIXED,
    codes: topmost.map((row) => row.place), topmost: topmost.length, size: rows.length,
  };
}

function about(row) {
  return row.place ? facts(row) : t("arming.places", { n: number(row.size) });
}

function chip(mode) {
  return make("span", { className: `mode ${mode}` }, mode === MIXED ? null : icon(mode), make("span", {}, word("mode", mode)));
}

export class Arming {
  constructor(onDone) {
    this.onDone = onDone;
    this.rows = [];
    this.byPlace = new Map();
    this.all = false;
    this.people = [];
    this.drawn = "";
    this.busy = false;
    this.list = byId("places");
    this.dialog = byId("arming-dialog");
    byId("place-search").addEventListener("input", () => this.draw());
    byId("places-all").addEventListener("click", () => { this.all = !this.all; this.draw(); });
    byId("arming-person").addEventListener("change", () => this.tell());
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
    this.everywhere = rows.length ? everywhere(rows) : null;
    for (const row of rows) { // a place comes before what lies in it
      const above = this.byPlace.get(row.parent);
      row.codes = [row.place, ...(above?.codes ?? [])];
      row.path = above ? `${above.path} / ${row.name}` : row.name;
    }
    this.draw();
    if (this.dialog.open) this.tell();
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
    // One topmost place is everywhere already.
    const whole = this.everywhere?.topmost > 1 && !byId("place-search").value.trim() ? [this.everywhere] : [];
    const drawn = [...whole, ...shown];
    const now = JSON.stringify(drawn);
    if (now === this.drawn) return; // nothing jumps under a finger
    this.drawn = now;
    const focused = document.activeElement?.closest?.("#places button")?.dataset.place;
    this.list.replaceChildren(...drawn.map((row) => this.row(row)));
    if (focused !== undefined) this.list.querySelector(`button[data-place="${CSS.escape(focused)}"]`)?.focus();
  }

  row(row) {
    const button = make("button", { type: "button", className: `place depth-${Math.min(row.depth, 5)}`, title: row.path, "data-place": row.place, "data-mode": row.mode },
      make("span", { className: "where" }, make("b", {}, row.name), make("small", {}, about(row))), chip(row.mode));
    button.addEventListener("click", () => this.open(row));
    return make("li", {}, button);
  }

  open(row) {
    this.current = row.place;
    setText(byId("arming-place"), row.path);
    byId("arming-error").hidden = true;
    byId("arming-for").value = "";
    showPeople(byId("arming-person"), this.people, row.codes, usual());
    if (!this.people.length) this.fail(t("arming.nobody"));
    this.tell();
    this.dialog.showModal();
  }

  // What a search for places looks at.
  get places() {
    return this.rows.map((row) => ({ value: row.place, name: row.name, note: this.byPlace.get(row.parent)?.path ?? "", codes: row.codes }));
  }

  // What the dialog says of its place: somebody else may set it while it is open.
  tell() {
    const row = this.current ? this.byPlace.get(this.current) : this.everywhere;
    if (!row) { // gone from the registry
      this.dialog.close();
      return;
    }
    setText(byId("arming-now"), `${t("arming.now", { mode: word("mode", row.mode) })} · ${about(row)}`);
    const planned = this.rows.some((each) => each.plan && (!row.place || each.codes.includes(row.place)));
    for (const button of this.buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === row.mode));
      button.disabled = this.busy || !byId("arming-person").value || (button.dataset.mode === "plan" && !planned);
    }
  }

  async set(mode) {
    const place = this.current;
    const { name } = place ? this.byPlace.get(place) : this.everywhere;
    const person = byId("arming-person").value;
    acted(person);
    const span = byId("arming-for").value;
    this.busy = true;
    this.tell();
    try {
      const answer = await post("arming", { place, mode, person, for: mode === "plan" ? "" : span });
      if (answer.ok) {
        if (this.current === place) this.dialog.close(); // not one that was opened meanwhile
        this.show(answer.body);
        this.onDone(t("arming.done", { place: name, mode: word("arm", mode) }));
      } else this.fail(failure(answer));
    } catch {
      this.fail(t("act.failed", { reason: t("act.offline") }));
    }
    this.busy = false;
    if (this.dialog.open) this.tell();
  }

  fail(sentence) {
    setText(byId("arming-error"), sentence);
    byId("arming-error").hidden = false;
  }
}
