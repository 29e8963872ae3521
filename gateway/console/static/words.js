// Texts, numbers and spans of time in the reader's language, and how elements are made.
// Every text enters the page as text, never as HTML: names and reasons come from outside.

const texts = JSON.parse(document.body.dataset.texts);
export const language = document.body.dataset.language === "en" ? "en" : "zh";
const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });

// The site's time zone, so that the page and the messages on the telephones say the same.
function timeFormat(parts) {
  const locale = language === "en" ? "en-GB" : "zh-CN";
  const options = { ...parts, hourCycle: "h23", timeZone: document.body.dataset.zone };
  try {
    return new Intl.DateTimeFormat(locale, options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // A zone that this browser does not know: the viewer's own is still readable.
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: undefined });
  }
}

const hours = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const day = timeFormat({ year: "numeric", month: "numeric", day: "numeric" });
const clockTime = timeFormat(hours);
const minutes = { hour: "2-digit", minute: "2-digit" };
const shortTime = timeFormat(minutes);
const shortDayTime = timeFormat({ month: "numeric", day: "numeric", ...minutes });
const monthAndDay = timeFormat({ month: "numeric", day: "numeric" });
const fullParts = timeFormat({ year: "numeric", month: "2-digit", day: "2-digit", ...hours });
const dayTime = timeFormat({ month: "numeric", day: "numeric", ...hours });

export function t(key, fill = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(fill[name] ?? ""));
}

// The word for a name of the model; a name from outside (a site's own reason) stays as it is.
export function word(group, name) {
  return texts[`${group}.${name}`] ?? name;
}

export function has(group, name) {
  return `${group}.${name}` in texts;
}

// The Chinese field is the bare name, the English one ends in _en.
export function said(object, name) {
  return language === "en" ? object[`${name}_en`] || object[name] : object[name];
}

export function personName(id, name) {
  return id === name ? word("person", id) : name;
}

export function number(value) {
  return numbers.format(value);
}

export function timeOfDay(moment) {
  return clockTime.format(moment);
}

// Today's times as hours, older ones with their day.
export function when(iso) {
  const moment = new Date(iso);
  const today = day.format(moment) === day.format(new Date());
  return (today ? clockTime : dayTime).format(moment);
}

// The same to the minute, for what was planned or done by people.
export function whenAbout(iso) {
  const moment = new Date(iso);
  const today = day.format(moment) === day.format(new Date());
  return (today ? shortTime : shortDayTime).format(moment);
}

// For the axis of a chart.
export function hourMinute(moment) {
  return shortTime.format(moment);
}

export function monthDay(moment) {
  return monthAndDay.format(moment);
}

// 2026-01-05 16:00:12, for lists that are kept.
export function fullTime(iso) {
  const part = Object.fromEntries(fullParts.formatToParts(new Date(iso)).map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}:${part.second}`;
}

// When a day of the site's calendar begins, `later` days after it: an ISO time. What the zone's
// clocks show at a guess says how far the guess is off; twice, for the offset may change between.
export function dayBegins(date, later) {
  const [year, month, of] = date.split("-").map(Number);
  const wanted = Date.UTC(year, month - 1, of + later);
  let moment = wanted;
  for (let turn = 0; turn < 2; turn += 1) moment += wanted - Date.parse(`${fullTime(moment).replace(" ", "T")}Z`);
  return new Date(moment).toISOString();
}

// A running clock: 03:12, 1:03:12, 2 天 01:03:12.
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const days = Math.floor(whole / 86400);
  const hours = Math.floor(whole / 3600) % 24;
  const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  if (days) return `${t("span.day", { n: days })} ${two(hours)}:${rest}`;
  return hours ? `${hours}:${rest}` : rest;
}

// A rough span: 12 秒, 5 分钟, 3 小时, 2 天.
export function span(seconds) {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  for (const [name, size] of units) {
    if (seconds >= size) return t(`span.${name}`, { n: Math.floor(seconds / size) });
  }
  return t("span.second", { n: Math.max(0, Math.floor(seconds)) });
}

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Touch the page only where something changed: no flicker, and screen readers stay calm.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  picture.append(use);
  return picture;
}
