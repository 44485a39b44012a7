// What has happened, put together from bench's events. Nothing here draws.

export class History {
  constructor() {
    this.clear(0);
  }

  // Begins again: what follows is everything there is, but for `dropped` old seconds.
  clear(dropped) {
    Object.assign(this, { runs: [], trials: [], reports: [], now: null, end: null, dropped });
  }

  take(name, data) {
    const trial = this.trials[data.trial];
    switch (name) {
      case "restart": this.clear(data.dropped); break;
      case "run": this.runs[data.run] = data; break;
      case "trial": this.trials[data.trial] = { ...data, seconds: [], last: null, ended: null }; break;
      case "second":
        if (!trial) break;
        trial.seconds.push(data);
        if (data.whole) trial.last = data;
        break;
      case "ended": if (trial) trial.ended = data; break;
      case "now": this.now = data; break;
      case "report": this.reports.push(data); break;
      case "end": this.end = data; break;
    }
  }

  // The runs that are in the picture: those that go on together.
  get group() {
    return this.runs.filter((run) => run.group === this.runs.at(-1).group);
  }

  // The trials of these runs in order; `newest` tells the last one of each transport of each run.
  get shown() {
    const group = this.group;
    const trials = this.trials.filter((trial) => group.includes(this.runs[trial.run]));
    const last = new Map(trials.map((trial) => [`${trial.run} ${trial.transport}`, trial]));
    return trials.map((trial) => {
      const newest = last.get(`${trial.run} ${trial.transport}`) === trial;
      return { trial, newest, dash: group.indexOf(this.runs[trial.run]) };
    });
  }

  // The trial that goes on, if any.
  get current() {
    const trial = this.now && this.trials[this.now.trial];
    return trial && !trial.ended && !this.end ? trial : null;
  }
}
