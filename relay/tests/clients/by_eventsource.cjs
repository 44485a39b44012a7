// Follows a channel by the `eventsource` package, which comes back by itself with the last position.
const library = require("eventsource");
const EventSource = library.EventSource ?? library;

const events = new EventSource(`${process.argv[2]}/events`);
events.onopen = () => console.log("open");
events.onerror = () => console.log("closed");
events.onmessage = (event) => console.log("message", event.lastEventId, event.data);
events.addEventListener("missed", (event) => console.log("missed", JSON.parse(event.data).reason));
process.stdin.resume().on("end", () => process.exit());
