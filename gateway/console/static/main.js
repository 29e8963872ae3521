// The page's life: fetch, show, listen. The event stream only says that there is something
// new; what is shown is always fetched whole, so a missed event is repaired by the next poll.

import { asked, firstKnown } from "./address.js";
import { Arming } from "./arming.js";
import { Cards } from "./cards.js";
import { Chart } from "./chart.js";
import { Closing, failure } from "./closing.js";
import { Deeds } from "./deeds.js";
import { Duty } from "./duty.js";
import { Hazards } from "./hazards.js";
import { act, get } from "./net.js";
import { acted } from "./people.js";
import { Registry } from "./registry.js";
import { Report } from "./report.js";
import { Rules } from "./rules.js";
import { Search } from "./search.js";
import { Silences } from "./silences.js";
import { Devices, showHealth, showLedger } from "./tables.js";
import { number, said, setText, t, timeOfDay, word } from "./words.js";

const POLL = 5000; // ms
const LIMIT = 200; // incidents asked for
const byId = (id) => document.getElementById(id);
const now = { incidents: null, people: [], filter: "", reached: null };

const cards = new Cards(onAct);
const devices = new Devices((device) => chart.open(device));
const closing = new Closing(done);
const arming = new Arming((sentence) => toast(sentence, true));
const rules = new Rules(toast);
const places = () => arming.places;
const people = () => now.people;
const deeds = new Deeds(places, done);
const report = new Report(places, done);
const search = new Search(places, people, onAct);
const silences = new Silences(places, () => devices.items, people, toast, (key) => search.open(key));
const duty = new Duty();
const hazards = new Hazards(people, onAct, (key) => search.open(key));
const registry = new Registry(places, people, (sentence) => {
  toast(sentence, true);
  duty.again();
  refresh();
});
const chart = new Chart(() => devices.all, (key) => search.open(key));

function showIncidents() {
  cards.show(now.incidents, now.people, now.filter);
  const counts = new Map();
  for (const { category } of now.incidents) counts.set(category, (counts.get(category) ?? 0) + 1);
  for (const place of document.querySelectorAll("[data-count]")) {
    const count = counts.get(place.dataset.count) ?? 0;
    setText(place, number(count) + (count && now.incidents.length === LIMIT ? "+" : ""));
    place.closest(".count").classList.toggle("some", count > 0);
  }
  const all = now.incidents.length;
  document.title = `${all ? `(${all}) ` : ""}${t("page.title")}`;
}

function announce(found) {
  if (now.incidents === null) return;
  const known = new Set(now.incidents.map((each) => each.key));
  const fresh = found.filter((each) => !known.has(each.key)).slice(0, 3);
  if (!fresh.length) return;
  setText(byId("announce"), fresh.map((each) => word("category", each.category) + t("list.colon") + said(each, "title")).join(" "));
}

async function fetchIncidents() {
  const [found, people] = await Promise.all([get(`incidents?open=1&limit=${LIMIT}`), get("people")]);
  if (people !== now.people && JSON.stringify(people) !== JSON.stringify(now.people)) now.people = people;
  arming.people = now.people;
  announce(found);
  now.incidents = found;
  showIncidents();
  if (!search.showing) await cards.fetchDetails();
  await search.refresh();
}

async function fetchRest() {
  const [list, ledger, health] = await Promise.all([get("devices"), get("ledger"), get("health")]);
  devices.show(list);
  showLedger(ledger);
  showHealth(health);
  await Promise.all([rules.fetch(), silences.fetch(), duty.fetch(), hazards.fetch(), registry.fetch()]);
}

function reached(yes) {
  if (yes) now.reached = new Date();
  byId("lost").hidden = yes;
  document.body.classList.toggle("is-lost", !yes);
  if (yes) setText(byId("updated"), t("page.updated", { time: timeOfDay(now.reached) }));
  else lost();
}

function lost() {
  setText(byId("lost"), now.reached ? t("page.lost", { time: timeOfDay(now.reached) }) : t("page.lost_never"));
  setText(byId("health"), t("health.lost"));
  byId("health").className = "health bad";
}

// One refresh at a time, at most one per `pause` ms; a wish during one is kept for after it.
function calmly(refresh, pause) {
  let running = false;
  let again = false;
  return async function run() {
    if (running) {
      again = true;
      return;
    }
    running = true;
    const started = performance.now();
    try {
      await refresh();
      reached(true);
    } catch (error) {
      if (!([TypeError, DOMException, SyntaxError].some((kind) => error instanceof kind))) throw error;
      reached(false);
    } finally {
      const wait = Math.max(0, pause - (performance.now() - started));
      setTimeout(() => {
        running = false;
        if (again) {
          again = false;
          run();
        }
      }, wait);
    }
  };
}

const refreshIncidents = calmly(fetchIncidents, 500);
const refreshArming = calmly(() => arming.fetch(), 2000);
const refreshRest = calmly(fetchRest, 2000);

function refresh() {
  if (document.hidden) return;
  refreshIncidents();
  refreshArming();
  refreshRest();
}

let stream = null;
function listen() {
  if (stream !== null && stream.readyState !== EventSource.CLOSED) return;
  stream = new EventSource("/api/v1/events");
  stream.addEventListener("change", refresh);
}

function toast(sentence, good) {
  const box = byId("toast");
  setText(box, sentence);
  box.className = `toast ${good ? "good" : "bad"}`;
  box.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { box.hidden = true; }, good ? 4000 : 9000);
}

function done(sentence) {
  toast(sentence, true);
  hazards.again(); // it may have been one of them
  refreshIncidents();
  refreshRest();
}

async function onAct(incident, verb, person, button) {
  if (verb === "chart") {
    chart.open(incident.device);
    return;
  }
  acted(person);
  if (verb === "close") {
    closing.open(incident, person);
    return;
  }
  if (verb !== "receive" && verb !== "handle") {
    deeds.open(incident, verb, person, now.people);
    return;
  }
  button.disabled = true;
  try {
    const answer = await act(incident.key, verb, { person, outcome: "", comment: "" });
    if (answer.ok) done(t(`act.done_${verb}`, { key: incident.key }));
    else toast(failure(answer), false);
  } catch {
    toast(t("act.failed", { reason: t("act.offline") }), false);
  }
  button.disabled = false;
}

for (const button of document.querySelectorAll("button.count")) {
  const { category } = button.dataset;
  button.title = t("strip.filter", { category: word("category", category) });
  button.addEventListener("click", () => {
    now.filter = now.filter === category ? "" : category;
    for (const each of document.querySelectorAll("button.count")) {
      each.setAttribute("aria-pressed", String(each.dataset.category === now.filter));
    }
    if (now.incidents) {
      showIncidents();
      refreshIncidents();
    }
  });
}

byId("report-open").addEventListener("click", () => report.open(now.people));
byId("hazard-add").addEventListener("click", () => report.open(now.people, true));
function showSearch(shown) {
  byId("search-open").setAttribute("aria-pressed", String(shown));
  document.querySelector("main").classList.toggle("searching", shown);
  byId("live").hidden = shown;
  setText(byId("incidents-heading"), t(shown ? "search.heading" : "incidents.heading"));
  setText(byId("search-open"), t(shown ? "search.back" : "search.open"));
  search.show(shown);
}
byId("search-open").addEventListener("click", () => showSearch(!search.showing));

// What the address asks for, once: a link from a dashboard. Places are known when arming is.
async function follow(wish) {
  if (wish.case) search.open(wish.case);
  if (wish.device !== undefined) devices.find(wish.device);
  if (wish.cases === undefined) return;
  await arming.fetch();
  search.prefill(wish, firstKnown(wish.place ?? "", places()));
  showSearch(true);
}

setInterval(() => { cards.tick(); search.tick(); chart.tick(); }, 1000);
setInterval(() => { refresh(); listen(); }, POLL);
document.addEventListener("visibilitychange", refresh);
listen();
refresh();
follow(asked(location.search)).catch(() => reached(false));
