// The rules in force, what each has done, and the faults of new ones that were not taken.

import { failure } from "./closing.js";
import { get, post } from "./net.js";
import { language, make, number, said, setText, t, when } from "./words.js";

const ROWS = 300;
const PROBLEMS = 20;
const byId = (id) => document.getElementById(id);

export class Rules {
  constructor(onDone) {
    this.onDone = onDone;
    byId("rules-reload").addEventListener("click", () => this.reload());
  }

  async fetch() {
    this.show(await get("rules"));
  }

  show(report) {
    const { rules, problems } = report;
    setText(byId("rules-count"), t("rules.count", { n: number(rules.length) }));
    setText(byId("rules-edition"), report.digest
      ? t("rules.edition", { digest: report.digest.slice(0, 12), time: report.since ? when(report.since) : "–" }) : "");
    byId("rules-edition").title = report.digest;
    byId("rules-refused").hidden = !problems.length;
    setText(byId("rules-refused-text"), t("rules.refused", { n: number(problems.length), time: report.refused_at ? when(report.refused_at) : "–" }));
    const lines = problems.slice(0, PROBLEMS).map((problem) => make("li", {}, problem[language]));
    if (problems.length > PROBLEMS) lines.push(make("li", {}, t("rules.more_problems", { n: number(problems.length - PROBLEMS) })));
    byId("rules-problems").replaceChildren(...lines);
    byId("rules-none").hidden = rules.length > 0;
    byId("rules-details").hidden = !rules.length;
    byId("rules").tBodies[0].replaceChildren(...this.inOrder(rules).slice(0, ROWS).map((rule) => this.row(rule)));
    byId("rules-more").hidden = rules.length <= ROWS;
    setText(byId("rules-more"), t("rules.more", { n: number(rules.length - ROWS) }));
  }

  // What stands or went wrong is what somebody looks for.
  inOrder(rules) {
    const weight = (rule) => [rule.errors > 0, rule.open, rule.alarms];
    return [...rules].sort((a, b) => {
      const [x, y] = [weight(a), weight(b)];
      const at = x.findIndex((each, index) => each !== y[index]);
      return at < 0 ? 0 : y[at] - x[at];
    });
  }

  row(rule) {
    const figure = (name, look = "") => make("td", { className: `end ${rule[name] ? look : "zero"}`, "data-name": t(`rules.${name}`) }, number(rule[name]));
    return make("tr", { className: rule.errors ? "trouble" : "", "data-rule": rule.name },
      make("th", { scope: "row" }, said(rule, "title"), make("small", {}, rule.name)),
      figure("open", "loud"), figure("alarms"), figure("inhibited"), figure("errors", "wrong"),
      make("td", { className: "end", "data-name": t("rules.cost") }, t("rules.micro", { n: number(rule.cost) })));
  }

  // The faults stand in the panel; what is no fault of the files is said here.
  became({ ok, faults, problems }) {
    if (ok) return t("rules.reloaded");
    if (problems.length) return t("rules.refused_now", { n: number(problems.length) });
    return t("rules.not_now", { reason: faults.map((fault) => fault[language]).join(t("list.separator")) });
  }

  async reload() {
    const button = byId("rules-reload");
    button.disabled = true;
    try {
      const answer = await post("rules/reload", {});
      if (answer.ok) {
        this.show(answer.body);
        this.onDone(this.became(answer.body), answer.body.ok);
      } else this.onDone(failure(answer), false);
    } catch {
      this.onDone(t("act.failed", { reason: t("act.offline") }), false);
    }
    button.disabled = false;
  }
}
