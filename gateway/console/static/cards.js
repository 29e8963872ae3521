// The open incidents: one card each, kept while it is shown, so that nothing jumps while
// somebody reads it or has opened a list in it.

import { get } from "./net.js";
import { showPeople } from "./people.js";
import { clock, icon, language, make, personName, said, setText, t, when, word } from "./words.js";

const SHOWN = 60; // cards; more nobody reads, and a storm must not stall an old computer
const DETAILED = 24; // cards whose messages are fetched
const MESSAGES = 4;
const PHOTOS = 2; // the newest: mostly a snapshot and its clip
const SEVERITIES = ["critical", "alarm", "warning", "notice"];
const VERBS = { open: ["receive"], received: ["handle", "close"], handling: ["close"], closed: ["reopen"] };
const MORE = { closed: ["comment", "attach"] };
const USUAL_MORE = ["transfer", "supervise", "comment", "attach"];
const CHART = "chart"; // of the device: no deed, but it stands with them

// The most severe first, people's lives before things, then the newest.
function rank(a, b) {
  const severity = SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
  const life = (b.category === "life") - (a.category === "life");
  return severity || life || (a.opened_at < b.opened_at ? 1 : -1);
}

function line(name, value) {
  return make("div", { className: "line" }, make("dt", {}, name), value);
}

// The step that comes next for an incident; none for a closed one.
export function nextVerb({ state }) {
  return state === "closed" ? undefined : VERBS[state]?.[0];
}

export class Card {
  constructor(incident, onAct, prefix = "") {
    this.onAct = onAct;
    this.people = null;
    this.settled = "";
    this.badge = make("span", { className: "badge" }, icon(incident.category), make("span", {}, word("category", incident.category)));
    this.severity = make("span", { className: "severity" });
    this.state = make("span", { className: "state" });
    this.mark = make("span", { className: "mark" });
    this.early = make("span", { className: "mark early" }, t("card.warned"));
    this.title = make("h3", { id: `${prefix}title-${incident.key}` });
    this.why = make("p", { className: "why" });
    this.since = make("strong");
    this.limitName = make("span");
    this.limit = make("strong");
    this.limitBox = make("div", { className: "time" }, this.limitName, this.limit);
    this.place = make("dd");
    this.contact = make("dd");
    this.contactLine = line(t("card.contact"), this.contact);
    this.owner = make("dd");
    this.asked = make("dd");
    this.askedLine = line(t("card.asked"), this.asked);
    this.sensor = make("dd");
    this.outcome = make("dd");
    this.outcomeLine = line(t("close.outcome"), this.outcome);
    this.photos = make("div", { className: "photos" });
    this.messages = make("ul", { className: "messages" });
    this.history = make("ol");
    this.buttons = make("div", { className: "buttons" });
    this.further = make("div", { className: "further" });
    this.select = make("select", { id: `${prefix}person-${incident.key}` });
    this.element = make(
      "article", { className: `card ${incident.category}`, "aria-labelledby": this.title.id, "data-key": incident.key },
      make("div", { className: "tags" }, this.badge, this.severity, make("small", { className: "key" }, incident.key), this.mark, this.early, this.state),
      make("div", {}, this.title, this.why),
      make("div", { className: "body" },
        make("div", { className: "facts" },
          make("div", { className: "times" },
            make("div", { className: "time" }, make("span", {}, t("card.since")), this.since), this.limitBox),
          make("dl", {}, line(t("card.place"), this.place), this.contactLine, line(t("card.owner"), this.owner), this.askedLine, line(t("card.sensor"), this.sensor), this.outcomeLine)),
        this.photos),
      this.messages,
      this.story = make("details", {}, make("summary", {}, t("card.history")), this.history),
      make("div", { className: "act" },
        make("label", { htmlFor: this.select.id }, t("card.person")), this.select, this.buttons, this.further),
    );
  }

  update(incident, people, at) {
    const first = this.incident === undefined;
    const before = this.incident;
    this.incident = incident;
    this.at = at;
    setText(this.severity, word("severity", incident.severity));
    this.severity.className = `severity ${incident.severity}`;
    setText(this.state, word("state", incident.state));
    this.state.className = `state ${incident.state}`;
    setText(this.mark, incident.found ? word("found", incident.found) : "");
    this.mark.hidden = !incident.found;
    setText(this.title, said(incident, "title"));
    setText(this.why, said(incident, "why"));
    setText(this.place, this.where());
    setText(this.contact, incident.contact);
    this.contactLine.hidden = !incident.contact;
    setText(this.owner, personName(incident.owner, incident.owner_name));
    setText(this.asked, incident.asked.map((each) => personName(each.person, each.name)).join(" → "));
    this.askedLine.hidden = incident.asked.length < 2;
    this.early.hidden = !incident.warned || incident.state === "closed";
    setText(this.outcome, outcomeName(incident));
    this.outcomeLine.hidden = !incident.outcome;
    setText(this.sensor, this.sensing());
    this.sensor.className = incident.cleared ? "calm" : "loud";
    if (first || before.evidence.join() !== incident.evidence.join()) this.showPhotos();
    if (first || before.state !== incident.state) this.showButtons();
    if (this.people !== people) this.showPeople(people);
    this.tick();
  }

  where() {
    const { place_name, address, floor, flat, device_name } = this.incident;
    const parts = [place_name, address, floor && t("card.floor", { floor }), flat && t("card.flat", { flat }), device_name];
    return parts.filter(Boolean).join(" · ");
  }

  sensing() {
    const { cleared, alarming, more } = this.incident;
    if (cleared) return `✓ ${t("card.cleared")}`;
    return alarming.length + more > 1 ? t("card.alarming_n", { n: alarming.length + more }) : t("card.alarming");
  }

  // The clocks run between two answers of the gateway, on the page's monotonic clock.
  tick() {
    const passed = (performance.now() - this.at) / 1000;
    const { age, deadline_in, overdue } = this.incident;
    setText(this.since, clock(age + passed));
    const left = deadline_in === null ? null : deadline_in - passed;
    const over = left === null ? overdue : left < 0; // a missed limit is followed by the next one
    setText(this.limitName, t(over ? "card.over" : "card.left"));
    let shown = t("card.no_limit");
    if (left !== null) shown = clock(Math.abs(left));
    else if (over) shown = t("card.overdue");
    setText(this.limit, shown);
    this.limitBox.className = `time ${over || (overdue && left !== null) ? "over" : left !== null && left < 60 ? "soon" : ""}`;
  }

  showPhotos() {
    const urls = this.incident.evidence.slice(-PHOTOS);
    this.photos.hidden = !urls.length;
    this.photos.replaceChildren(...urls.map((url) => this.photo(url)));
  }

  // An address does not say what it holds: what is no picture is a clip, or is gone.
  photo(url) {
    const image = make("img", { src: url, alt: t("card.snapshot"), loading: "lazy" });
    const shown = make("a", { href: url, target: "_blank", rel: "noopener", title: t("card.snapshot") }, image);
    image.addEventListener("error", () => {
      const clip = make("video", { src: url, controls: true, muted: true, preload: "metadata", title: t("card.clip") });
      clip.addEventListener("error", () => { clip.remove(); this.photos.hidden = !this.photos.childElementCount; });
      shown.replaceWith(clip);
    });
    return shown;
  }

  showButtons() {
    const verbs = VERBS[this.incident.state] ?? [];
    this.buttons.replaceChildren(...verbs.map((verb, index) => this.button(verb, index ? "" : "primary")));
    const more = [...(MORE[this.incident.state] ?? USUAL_MORE), ...(this.incident.device ? [CHART] : [])];
    this.further.replaceChildren(...more.map((verb) => this.button(verb, "")));
  }

  button(verb, className) {
    const button = make("button", { type: "button", className, "data-verb": verb }, t(`act.${verb}`));
    button.addEventListener("click", () => this.onAct(this.incident, verb, this.select.value, button));
    return button;
  }

  showPeople(people) {
    const chosen = this.select.value || this.incident.owner;
    const { owner, owner_name, place_codes } = this.incident;
    const known = people.some((person) => person.id === owner);
    const stranger = { id: owner, name: personName(owner, owner_name), role: "", grid: place_codes[0] ?? "" };
    showPeople(this.select, known ? people : [stranger, ...people], place_codes, chosen);
    this.people = people;
  }

  // Fetched when the chain has grown, and again until every message has ended.
  get wantsDetail() {
    return this.settled !== this.incident.head || this.settled === "";
  }

  showDetail(detail) {
    const rows = [...detail.messages].reverse();
    const items = rows.slice(0, MESSAGES).map((row) => this.message(row));
    if (rows.length > MESSAGES) items.push(make("li", { className: "more" }, t("card.more_messages", { n: rows.length - MESSAGES })));
    if (!rows.length) items.push(make("li", { className: "waiting" }, t("card.no_messages")));
    this.messages.replaceChildren(...items);
    this.history.replaceChildren(...detail.events.map((event) => this.event(event)));
    this.settled = rows.length && rows.every((row) => row.end) ? detail.head : "";
  }

  message(row) {
    const [mark, look] = row.end === "told" ? ["✓", "told"] : row.end === "" ? ["…", "waiting"]
      : row.end === "failed_all_channels" ? ["✕", "failed"] : ["–", "other"];
    const notes = [word("purpose", row.purpose)];
    if (row.channel) notes.push(row.channel);
    if (row.end === "" && row.held) notes.push(word("held", row.held));
    if (row.end === "" && row.attempts) notes.push(t("card.attempts", { n: row.attempts }));
    if (row.ended_at) notes.push(when(row.ended_at));
    return make("li", { className: look, title: row.detail },
      make("span", { className: "tick", "aria-hidden": "true" }, mark),
      make("span", {}, `${word("end", row.end)} `, make("b", {}, personName(row.person, row.name))),
      make("small", {}, notes.join(" · ")));
  }

  event(event) {
    const [kind, ...name] = event.by.split(":");
    const by = kind === "person" ? personName(name.join(":"), event.by_name)
      : event.what === "transferred" ? t("card.by_itself") : kind === "timer" ? t("card.by_timer") : t("card.by_rule", { name: name.join(":") });
    const notes = [event.trusted ? "" : t("card.untrusted"), severityNote(event), moveNote(event), outcomeName(event.data), event.texts.comment ?? ""];
    return make("li", {}, make("time", { dateTime: event.at }, when(event.at)), ` ${word("happened", event.what)} · ${by} `,
      make("small", {}, notes.filter(Boolean).join(" · ")));
  }
}

// What an event did to the severity, and why: of the one alarm, or of the whole incident.
function severityNote({ what, data }) {
  const from = data.raised_from ?? data.lowered_from ?? (what === "severity" ? data.from : null);
  if (!from) return "";
  const to = data.lowered_to ?? data.severity;
  const change = t("card.severity", { from: word("severity", from), to: word("severity", to) });
  return `${change} ${language === "en" ? data.why_en : data.why_zh}`;
}

// Who has it now, where, and why it moved by itself.
function moveNote({ what, data, names }) {
  const name = (field) => personName(data[field], names[field]);
  const because = data.because ? word("because", data.because) : "";
  if (what === "transferred") {
    const moved = t("event.moved", { from: name("from"), to: name("owner") });
    return [moved, names.charge, because].filter(Boolean).join(" · ");
  }
  if (what === "escalated") return `${because} → ${name("to")}`;
  if (what === "refused") return data.verb ? t(`act.${data.verb}`) : "";
  return what === "reopened" ? t("event.owner", { name: name("owner") }) : "";
}

export function outcomeName({ outcome, cause }) {
  if (!outcome) return "";
  const name = word("outcome", outcome);
  return cause ? t("event.because", { what: name, why: word("cause", cause) }) : name;
}

export class Cards {
  constructor(onAct) {
    this.box = document.getElementById("cards");
    this.none = document.getElementById("incidents-none");
    this.more = document.getElementById("incidents-more");
    this.onAct = onAct;
    this.cards = new Map();
  }

  show(incidents, people, filter) {
    const at = performance.now();
    const wanted = incidents.filter((each) => !filter || each.category === filter).sort(rank);
    const shown = wanted.slice(0, SHOWN);
    const keys = new Set(shown.map((each) => each.key));
    for (const [key, card] of this.cards) {
      if (keys.has(key)) continue;
      card.element.remove();
      this.cards.delete(key);
    }
    shown.forEach((incident, index) => {
      const card = this.cards.get(incident.key) ?? new Card(incident, this.onAct);
      this.cards.set(incident.key, card);
      card.update(incident, people, at);
      if (this.box.children[index] !== card.element) this.place(card.element, index);
    });
    this.none.hidden = shown.length > 0;
    setText(this.none, t(filter ? "incidents.none_here" : "incidents.none"));
    this.more.hidden = wanted.length <= SHOWN;
    setText(this.more, t("incidents.more", { n: wanted.length - SHOWN }));
  }

  place(element, index) {
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    this.box.insertBefore(element, this.box.children[index] ?? null);
    focused?.focus();
  }

  async fetchDetails() {
    const inOrder = [...this.box.children].slice(0, DETAILED).map((each) => this.cards.get(each.dataset.key));
    await Promise.all(inOrder.filter((card) => card?.wantsDetail).map(async (card) => {
      const detail = await get(`incidents/${encodeURIComponent(card.incident.key)}`);
      if (detail) card.showDetail(detail);
    }));
  }

  tick() {
    for (const card of this.cards.values()) card.tick();
  }
}
