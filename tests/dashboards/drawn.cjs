// What panels draw of InfluxDB's answers, worked out by Grafana's own library @grafana/data: its
// transformations, field configuration, matchers, units, mappings and links.
//
//   node drawn.cjs NODE_MODULES INPUT      INPUT: {now, zone, variables, panels: [{panel, answers}]}
//
// Prints for each panel [{name, text, links}]: the values that it draws, the cells of its first
// rows, or its lines. What the library expects of a browser is stubbed; nothing of it is used.
const { readFileSync } = require("fs");
const { createRequire } = require("module");

globalThis.window = globalThis;
window.addEventListener = () => {};
const element = () => ({ appendChild: (child) => child, setAttribute() {}, style: {}, sheet: {} });
globalThis.document = {
  head: element(), body: element(), documentElement: element(), createElement: element,
  addEventListener() {}, getElementsByTagName: () => [], querySelector: () => null,
};
window.history = { pushState() {}, replaceState() {}, state: null };
window.location = { href: "http://grafana/", origin: "http://grafana", pathname: "/", search: "", hash: "" };
Object.defineProperty(globalThis, "navigator", { value: { language: "en", languages: ["en"] } });
window.localStorage = { getItem: () => null, setItem() {}, removeItem() {} };

const load = createRequire(`${process.argv[2]}/x.js`);
const g = load("@grafana/data");
const { lastValueFrom } = load("rxjs");
const input = JSON.parse(readFileSync(process.argv[3], "utf-8"));
Date.now = () => input.now;

const ROWS = 5; // of a table: enough to see what its columns are
const theme = g.createTheme();
const transformers = new Map(Object.values(g.standardTransformers).map((each) => [each.id, each]));
g.standardTransformersRegistry.setInit(() =>
  [...transformers.values()].map((each) => ({ id: each.id, name: each.name, transformation: async () => each })));
const option = (id, process, settings = {}) =>
  ({ id, path: id, name: id, process, settings, shouldApply: () => true, editor: () => null, override: () => null });
g.standardFieldConfigEditorRegistry.setInit(() => [
  option("unit", g.unitOverrideProcessor), option("min", g.numberOverrideProcessor),
  option("max", g.numberOverrideProcessor), option("decimals", g.numberOverrideProcessor),
  option("displayName", g.displayNameOverrideProcessor, { expandTemplateVars: true }),
  option("noValue", g.stringOverrideProcessor, { expandTemplateVars: true }),
  option("color", g.identityOverrideProcessor), option("thresholds", g.thresholdsOverrideProcessor),
  option("mappings", g.valueMappingsOverrideProcessor), option("links", g.dataLinksOverrideProcessor),
]);
const registry = new g.PanelPlugin(() => null).useFieldConfig({}).fieldConfigRegistry;

/** Variables, and what stands in a row: as it is drawn there. */
function replaced(text, scoped) {
  return text.replace(/\$\{([^}]+)\}/g, (all, name) => {
    const { frame, field, rowIndex } = scoped?.__dataContext?.value ?? {};
    const [, kind, key] = /^__(data\.fields|field\.labels)\.(\w+)$/.exec(name) ?? [];
    if (kind === "field.labels") return field?.labels?.[key] ?? "";
    if (kind === undefined) return input.variables[name] ?? all;
    if (rowIndex === undefined) return all;
    const found = frame.fields.find((each) => each.name === key);
    return found ? g.formattedValueToString(found.display(found.values[rowIndex])) : all;
  });
}

function kind(values) {
  const first = typeof values.find((value) => value !== null);
  return first === "string" || first === "boolean" ? first : "number";
}

/** One frame with the rows of all series; its tags in no order, as Grafana's server has them. */
function tabled(series, refId) {
  if (series.length === 0) return [];
  const values = (index) => series.flatMap((each) => each.values.map((row) => row[index]));
  const named = (name, found) => ({ name, type: kind(found), values: found, config: { displayNameFromDS: name } });
  const tags = Object.keys(series[0].tags ?? {}).reverse().map((tag) =>
    named(tag, series.flatMap((each) => each.values.map(() => each.tags[tag]))));
  const columns = series[0].columns.slice(1).map((name, index) => named(name, values(index + 1)));
  const time = { name: "Time", type: "time", values: values(0), config: {} };
  return [g.toDataFrame({ refId, name: series[0].name, fields: [time, ...tags, ...columns] })];
}

/** A frame for every column of every series, called by its alias. */
function lined(series, refId, alias) {
  return series.flatMap((each) => each.columns.slice(1).map((column, index) => {
    const values = each.values.map((row) => row[index + 1]);
    const name = alias.replace(/\$tag_(\w+)/g, (all, tag) => each.tags?.[tag] ?? all) || `${each.name}.${column}`;
    const value = { name: "Value", type: kind(values), labels: each.tags, values, config: { displayNameFromDS: name } };
    const time = { name: "Time", type: "time", values: each.values.map((row) => row[0]), config: {} };
    return g.toDataFrame({ refId, name, fields: [time, value] });
  }));
}

async function frames({ panel, answers }) {
  const found = answers.flatMap(({ refId, table, alias, series }) =>
    table ? tabled(series, refId) : lined(series, refId, alias));
  const changed = await lastValueFrom(g.transformDataFrame(panel.transformations ?? [], found));
  return g.applyFieldOverrides({
    data: changed, fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry,
    replaceVariables: replaced, theme, timeZone: input.zone,
  });
}

const hrefs = (links) => (links ?? []).map((link) => link.href);

function values(panel, data) {
  return g.getFieldDisplayValues({
    data, fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions,
    replaceVariables: replaced, theme, timeZone: input.zone,
  }).map((each) => ({
    name: each.display.title ?? "", text: g.formattedValueToString(each.display),
    links: hrefs(each.getLinks?.({})),
  }));
}

function cells([frame]) {
  if (frame === undefined) return [];
  const rows = [...Array(Math.min(ROWS, frame.length)).keys()];
  return rows.flatMap((row) => frame.fields.map((field) => ({
    name: g.getFieldDisplayName(field, frame), text: g.formattedValueToString(field.display(field.values[row])),
    links: hrefs(field.getLinks?.({ valueRowIndex: row })),
  })));
}

function lines(data) {
  return data.flatMap((frame) => frame.fields.filter((field) => field.type !== "time").map((field) => {
    const last = field.values.filter((value) => value !== null).at(-1);
    return {
      name: g.getFieldDisplayName(field, frame, data), text: g.formattedValueToString(field.display(last)),
      links: hrefs(field.getLinks?.({ valueRowIndex: 0 })),
    };
  }));
}

(async () => {
  const found = [];
  for (const each of input.panels) {
    const data = await frames(each);
    const { type } = each.panel;
    found.push(type === "stat" || type === "bargauge" ? values(each.panel, data)
      : type === "timeseries" || type === "state-timeline" ? lines(data) : cells(data));
  }
  process.stdout.write(JSON.stringify(found));
})();
