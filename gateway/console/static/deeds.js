// The dialog for what needs more than a tap: transfer, supervise, comment, attach, reopen.

import { failure } from "./closing.js";
import { act, upload } from "./net.js";
import { Picker, personItem } from "./picker.js";
import { make, said, setText, t } from "./words.js";

const SPANS = ["15m", "30m", "1h", "2h", "4h", "8h"]; // within which a supervisor may ask for it
const REASON = ["transfer", "comment", "reopen"]; // impossible without words
const LARGEST = 20_000_000; // bytes, as the gateway takes them
const byId = (id) => document.getElementById(id);

export function spanName(span) {
  const [, n, unit] = /^(\d+)([mhd])$/.exec(span);
  return t({ m: "span.minute", h: "span.hour", d: "span.day" }[unit], { n });
}

export class Deeds {
  constructor(places, onDone) {
    this.onDone = onDone;
    this.people = [];
    this.dialog = byId("deed");
    this.to = new Picker(byId("deed-to"), t("deed.to"), () => [...this.people.map(personItem), ...places()], () => this.ready());
    byId("deed-within").append(make("option", { value: "" }, t("deed.within_none")),
      ...SPANS.map((span) => make("option", { value: span }, spanName(span))));
    for (const id of ["deed-within", "deed-file", "deed-comment"]) byId(id).addEventListener("input", () => this.ready());
    byId("deed-cancel").addEventListener("click", () => this.dialog.close());
    this.dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  open(incident, verb, person, people) {
    Object.assign(this, { incident, verb, person, people, busy: false });
    const who = people.find((each) => each.id === person);
    setText(byId("deed-heading"), t(`act.${verb}`));
    setText(byId("deed-confirm"), t(`act.${verb}`));
    setText(byId("deed-title"), said(incident, "title"));
    setText(byId("deed-by"), t("deed.by", { name: who ? said(who, "name") : person }));
    setText(byId("deed-hint"), t(`deed.hint_${verb}`));
    for (const [id, its] of [["to", "transfer"], ["within", "supervise"], ["file", "attach"]]) byId(`deed-${id}-field`).hidden = verb !== its;
    setText(byId("deed-comment-name"), t(verb === "comment" ? "act.comment" : REASON.includes(verb) ? "deed.reason" : "deed.words"));
    this.to.clear();
    byId("deed-within").value = "";
    byId("deed-file").value = "";
    byId("deed-comment").value = "";
    byId("deed-error").hidden = true;
    this.ready();
    this.dialog.showModal();
  }

  ready() {
    const words = byId("deed-comment").value.trim() !== "";
    const needs = { transfer: this.to.value !== "", supervise: words || byId("deed-within").value !== "", attach: byId("deed-file").files.length > 0 };
    byId("deed-confirm").disabled = this.busy || !(needs[this.verb] ?? true) || (REASON.includes(this.verb) && !words);
  }

  async submit() {
    if (byId("deed-confirm").disabled) return;
    const { incident, verb, person } = this;
    byId("deed-error").hidden = true;
    this.busy = true;
    this.ready();
    try {
      const attachment = verb === "attach" ? await this.uploaded() : "";
      if (attachment !== null) await this.send(incident, verb, person, attachment);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError)) throw error;
      this.fail(t("act.failed", { reason: t("act.offline") }));
    } finally {
      this.busy = false;
      this.ready();
    }
  }

  async send(incident, verb, person, attachment) {
    const body = { person, comment: byId("deed-comment").value.trim(), attachment };
    if (verb === "transfer") body.to = this.to.value;
    if (verb === "supervise") body.within = byId("deed-within").value;
    const answer = await act(incident.key, verb, body);
    if (answer.ok) {
      this.dialog.close();
      this.onDone(t(`act.done_${verb}`, { key: incident.key }));
    } else this.fail(failure(answer));
  }

  // The file's name in the store; null when it was not taken.
  async uploaded() {
    const [file] = byId("deed-file").files;
    if (file.size > LARGEST) {
      this.fail(t("deed.too_large"));
      return null;
    }
    setText(byId("deed-hint"), t("deed.uploading"));
    const answer = await upload("attachments", file);
    setText(byId("deed-hint"), t("deed.hint_attach"));
    if (answer.ok) return answer.body.sha256;
    this.fail(answer.status === 415 ? t("deed.wrong_type") : failure(answer));
    return null;
  }

  fail(sentence) {
    setText(byId("deed-error"), sentence);
    byId("deed-error").hidden = false;
  }
}
