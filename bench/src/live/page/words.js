// Figures as a person reads them. Times come in nanoseconds, sizes in bytes.

const three = (value) => {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 2));
};

export function time(nanos) {
  if (nanos == null) return "–";
  if (nanos < 1e3) return `${Math.round(nanos)} ns`;
  if (nanos < 1e6) return `${three(nanos / 1e3)} µs`;
  if (nanos < 1e9) return `${three(nanos / 1e6)} ms`;
  return `${three(nanos / 1e9)} s`;
}

export function size(bytes) {
  if (bytes == null) return "–";
  if (bytes < 1e3) return `${Math.round(bytes)} B`;
  if (bytes < 1e6) return `${three(bytes / 1e3)} kB`;
  if (bytes < 1e9) return `${three(bytes / 1e6)} MB`;
  return `${three(bytes / 1e9)} GB`;
}

export const count = (value) => (value == null ? "–" : Math.round(value).toLocaleString("en"));

export const processors = (nanos) => (nanos == null ? "–" : (nanos / 1e9).toFixed(2));

// Seconds that are left.
export function span(seconds) {
  const whole = Math.ceil(seconds);
  if (whole < 100) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
