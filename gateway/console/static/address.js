// What the page's address asks for: links from dashboards lead to a case, a device or a list of
// cases. `/?case=KEY`, `/?device=ID`, `/?cases=1&place=CODE,CODE&state=open,received&…`.

const PARAMETERS = ["case", "device", "cases", "place", "state", "category", "severity", "overdue"];

export function asked(search) {
  const given = new URLSearchParams(search);
  return Object.fromEntries(PARAMETERS.filter((name) => given.has(name)).map((name) => [name, given.get(name)]));
}

// Dashboards give the chosen places, the narrowest first, and ".*" for a level that was not chosen.
export function firstKnown(codes, places) {
  const known = new Map(places.map((place) => [place.value, place]));
  return codes.split(",").map((code) => known.get(code)).find((place) => place !== undefined) ?? null;
}
