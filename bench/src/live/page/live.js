// Follows a run of bench, and becomes its report.

import { Chart, dash } from "./chart.js";
import { History } from "./history.js";
import * as words from "./words.js";

const $ = (id) => document.getElementById(id);
const EVENTS = ["restart", "run", "trial", "second", "ended", "now", "report", "end", "alive"];
const SILENT = 6_000; // ms: bench says something every two seconds
const GONE = 60_000;
const REDRAW = 250;
const ORDER = ["polling", "long-polling", "streaming", "sse", "websocket"];
const ROWS = 60; // of the table; the report has all

const history = new History();
const charts = [
  { title: "Delivery: half within", value: (s) => s.p50, words: words.time, log: true },
  { title: "Delivery: 99 % within", value: (s) => s.p99, words: words.time, log: true },
  { title: "Messages delivered a second", value: (s) => s.delivered, words: words.count, whole: true },
  { title: "Socket bytes a second, both ways", value: (s) => s.received + s.sent, words: words.size, whole: true },
  { title: "Clients connected", value: (s) => s.connected, words: words.count, whole: true, when: 1 },
  { title: "Generator late (p99): not the server's doing", value: (s) => s.lag, words: words.time, log: true },
].map((what) => new Chart($("charts"), what));
for (const chart of charts) {
  chart.onpoint = (at) => charts.forEach((each) => { each.at = at; each.draw(); });
}

let source = null;
let heard = Date.now();
let stale = true; // something came that is not drawn
let told = false; // the curves have changed

function set(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function label(trial) {
  const part = history.runs[trial.run]?.part;
  return part ? `${part} ${trial.transport}` : trial.transport;
}

function drawNow() {
  const { now, current } = history;
  const run = history.runs[(current ?? history.trials.at(-1))?.run ?? 0];
  set("title", run ? run.title : "Waiting for the run");
  document.title = run ? `${run.title} – Pushmark live` : "Pushmark live";
  $("now").hidden = history.end !== null;
  if (!now) return;
  const trial = history.trials[now.trial];
  set("doing", current ? now.doing : "between trials");
  const of = trial?.of ? ` of ${trial.of}` : "";
  set("trial", trial ? `· trial ${trial.number}${of}: ${trial.id}` : "");
  $("progress").value = current && now.of ? Math.min(now.elapsed / now.of, 1) : 0;
  const left = [["this trial", now.trial_left], [run?.search ? "the search, about" : "the run", now.run_left]];
  const known = left.filter(([, seconds]) => seconds != null && current);
  set("left", known.map(([what, seconds]) => `${what}: ${words.span(seconds)} left`).join(" · "));
  const second = current?.last;
  set("connected", now.connected == null ? "–" : `${words.count(now.connected)} of ${words.count(now.clients)}`);
  set("published", second ? `${words.count(second.published)}/s` : "–");
  set("delivered", second ? `${words.count(second.delivered)}/s` : "–");
  set("bytes", second ? `${words.size(second.received + second.sent)}/s` : "–");
  set("lag", words.time(second?.lag));
  set("cpu", second ? `${words.processors(second.generator_cpu)}, ${words.processors(second.server_cpu)}` : "–");
}

function drawCurves() {
  if (history.runs.length === 0) return;
  const group = history.group;
  const shown = history.shown.map((each) => ({ ...each, label: label(each.trial) }));
  const lasts = shown.map(({ trial }) => (trial.seconds.at(-1)?.at ?? 0) + 1);
  const domain = [Math.min(...group.map((run) => -run.warm_up)), Math.max(...group.map((run) => run.measure), ...lasts)];
  const marks = group[0].events;
  charts.forEach((chart) => chart.show(shown, domain, marks));
  $("faint").hidden = shown.every(({ newest }) => newest);
  $("dropped").hidden = history.dropped === 0;
  set("dropped", `The first ${words.count(history.dropped)} seconds are no longer kept here; the report has them all.`);
  const place = ({ trial, dash: number }) => number * ORDER.length + ORDER.indexOf(trial.transport);
  drawLegend(shown.filter(({ newest }) => newest).sort((a, b) => place(a) - place(b)));
}

function drawLegend(newest) {
  const key = newest.map((each) => `${each.label} ${each.dash}`).join();
  if ($("legend").dataset.key === key) return;
  $("legend").dataset.key = key;
  $("legend").replaceChildren(...newest.map(({ trial, label, dash: number }) => {
    const item = document.createElement("li");
    item.innerHTML = `<svg viewBox="0 0 30 10" aria-hidden="true"><line x1="1" x2="29" y1="5" y2="5" stroke-width="3"/></svg>`;
    const line = item.querySelector("line");
    line.setAttribute("class", trial.transport);
    line.setAttribute("stroke-dasharray", dash(number));
    item.append(label);
    return item;
  }));
}

function row(trial) {
  const { ended, last } = trial;
  const goes = trial === history.current;
  const made = document.createElement("tr");
  made.className = goes ? "now" : ended && !ended.valid ? "broken" : "";
  const figures = ended ?? last;
  const state = goes ? history.now.doing : !ended ? "not ended" : ended.valid ? "done" : `invalid: ${ended.reasons.join("; ")}`;
  const delivered = ended
    ? `${words.count(ended.delivered)} of ${words.count(ended.expected)}`
    : last ? `${words.count(last.delivered)}/s` : "–";
  const cells = [trial.id, words.time(figures?.p50), words.time(figures?.p99), delivered, words.count(ended?.lost), state];
  made.append(...cells.map((text, place) => {
    const cell = document.createElement("td");
    cell.textContent = text;
    if (place > 0 && place < 5) cell.className = "right";
    if (place === 5 && ended && !ended.valid) cell.className = "why";
    return cell;
  }));
  const swatch = document.createElement("span");
  swatch.className = `swatch ${trial.transport}`;
  made.cells[0].prepend(swatch);
  return made;
}

function drawTable() {
  if (history.trials.length === 0) return;
  const newest = history.trials.slice(-ROWS).reverse();
  $("trials").replaceChildren(...newest.map(row));
}

function drawEnd() {
  $("end").hidden = history.end === null;
  if (history.end === null) return;
  set("end-text", history.end.text);
  // bench may be gone by the time that somebody follows a link, so a report is kept here.
  $("reports").replaceChildren(...history.reports.map((report) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([report.html], { type: "text/html" }));
    link.target = "_blank";
    const part = history.runs[report.run]?.part;
    link.textContent = `Report: ${report.title}${part ? ` (${part})` : ""}`;
    item.append(link, `, ${report.verdict}; kept in ${report.folder}`);
    return item;
  }));
}

function draw() {
  if (!stale) return;
  stale = false;
  drawNow();
  drawTable();
  if (told) drawCurves();
  told = false;
}

// A person sees the state of the link in words, not only by its colour.
function link(state, text, alarm) {
  $("link").className = `link ${state}`;
  set("link", text);
  $("alarm").hidden = !alarm;
  if (alarm) set("alarm", alarm);
}

function lost(why) {
  const since = new Date(heard).toLocaleTimeString();
  const text = `${why} What is shown is as of ${since}.`;
  if (Date.now() - heard > GONE) {
    source.close();
    link("off", "bench is gone", `${text} Nobody answers any more: reload this page when bench runs again.`);
  } else {
    link("off", "not connected", text);
  }
}

function take(name, data) {
  heard = Date.now();
  link("on", "connected to bench");
  if (name === "alive") return;
  history.take(name, data);
  stale = true;
  told ||= name !== "now";
  if (name === "end") ended();
}

function ended() {
  source.close();
  clearInterval(watch);
  if (history.runs.length === 1 && history.reports.length === 1) {
    // The report is one file that needs nothing else, so it does not matter whether bench is still there.
    document.open();
    document.write(history.reports[0].html);
    document.close();
    return;
  }
  draw();
  drawEnd();
  link("", "the run has ended");
}

function follow() {
  source = new EventSource("/events");
  for (const name of EVENTS) {
    source.addEventListener(name, (event) => take(name, JSON.parse(event.data)));
  }
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) {
      lost("bench does not let this page in: perhaps too many follow the run already.");
      if (Date.now() - heard < GONE) setTimeout(follow, 5_000);
    } else {
      lost("The connection to bench is lost; trying again.");
    }
  });
}

const watch = setInterval(() => {
  draw();
  const open = source.readyState === EventSource.OPEN;
  if (open && Date.now() - heard > SILENT) lost("bench has said nothing for a while: it may be stopped, or the network slow.");
}, REDRAW);
follow();
