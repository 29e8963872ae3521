// Talking to the gateway. Throws TypeError or DOMException when it can not be reached.

const PATIENCE = 8000; // ms: a gateway that takes longer is as good as away
const PATIENT = 300000; // ms: 20 MB at the pace of a bad telephone line
const kept = new Map(); // path -> {tag, body} of answers that say how to recognise them

export async function get(path) {
  const response = await fetch(`/api/v1/${path}`, {
    signal: AbortSignal.timeout(PATIENCE),
    headers: { Accept: "application/json", ...(kept.has(path) && { "If-None-Match": kept.get(path).tag }) },
  });
  if (response.status === 304) return kept.get(path).body;
  // What is gone is null; trouble is also an answer: /health says 503 with the same body.
  if (response.status === 404) return null;
  if (!response.ok && response.status !== 503) throw new TypeError(`status ${response.status}`);
  const body = await response.json();
  const tag = response.headers.get("ETag");
  if (tag) kept.set(path, { tag, body });
  return body;
}

// {ok, status, body}: a refusal is an answer as well.
export function post(path, body, patience = PATIENCE) {
  return send("POST", path, patience, { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

export function upload(path, file) {
  return send("POST", path, PATIENT, { headers: { "Content-Type": file.type || "application/octet-stream" }, body: file });
}

export function remove(path) {
  return send("DELETE", path, PATIENCE, {});
}

async function send(method, path, patience, more) {
  const response = await fetch(`/api/v1/${path}`, { method, signal: AbortSignal.timeout(patience), ...more });
  return { ok: response.ok, status: response.status, body: await response.json() };
}

export function act(key, verb, body) {
  return post(`incidents/${encodeURIComponent(key)}/${verb}`, body);
}
