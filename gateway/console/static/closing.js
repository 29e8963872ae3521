// The dialog that asks how an incident ended. Closing without an outcome is not possible.

import { act } from "./net.js";
import { language, make, said, setText, t, word } from "./words.js";

const OUTCOMES = ["real", "false_alarm", "test", "duplicate", "cannot_reproduce"];
const CAUSES = ["cooking", "steam", "dust", "insect", "test", "fault", "other"];
const byId = (id) => document.getElementById(id);

// The words for a failed action: the gateway's own sentence when it gave one in both languages.
export function failure({ status, body }) {
  return body[language] ?? t("act.failed", { reason: t("act.code", { n: status }) });
}

export class Closing {
  constructor(onDone) {
    this.onDone = onDone;
    this.dialog = byId("closing");
    byId("outcomes").append(...OUTCOMES.map((outcome) => make("label", {},
      make("input", { type: "radio", name: "outcome", value: outcome }), make("span", {}, word("outcome", outcome)))));
    byId("closing-cause").append(make("option", { value: "" }, t("close.cause_unknown")),
      ...CAUSES.map((cause) => make("option", { value: cause }, word("cause", cause))));
    byId("outcomes").addEventListener("change", () => {
      byId("closing-confirm").disabled = false;
      byId("closing-cause-field").hidden = this.outcome !== "false_alarm";
    });
    byId("closing-cancel").addEventListener("click", () => this.dialog.close());
    this.dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  get outcome() {
    return this.dialog.querySelector("input:checked")?.value;
  }

  open(incident, person) {
    this.incident = incident;
    this.person = person;
    setText(byId("closing-title"), said(incident, "title"));
    this.dialog.querySelectorAll("input").forEach((input) => { input.checked = false; });
    byId("comment").value = "";
    byId("closing-cause").value = "";
    byId("closing-cause-field").hidden = true;
    byId("closing-error").hidden = true;
    byId("closing-confirm").disabled = true;
    this.dialog.showModal();
  }

  async submit() {
    const { outcome } = this;
    const cause = outcome === "false_alarm" ? byId("closing-cause").value : "";
    if (!outcome) return;
    byId("closing-confirm").disabled = true;
    try {
      const answer = await act(this.incident.key, "close", { person: this.person, outcome, cause, comment: byId("comment").value });
      if (answer.ok) {
        this.dialog.close();
        this.onDone(t("act.done_close", { key: this.incident.key }));
        return;
      }
      this.fail(failure(answer));
    } catch {
      this.fail(t("act.failed", { reason: t("act.offline") }));
    }
    byId("closing-confirm").disabled = false;
  }

  fail(sentence) {
    setText(byId("closing-error"), sentence);
    byId("closing-error").hidden = false;
  }
}
