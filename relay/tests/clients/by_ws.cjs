// Follows a channel by the `ws` package, and publishes what standard input has, one JSON value a line.
const readline = require("node:readline");
const WebSocket = require("ws");

const url = process.argv[2].replace(/^http/, "ws");
let after;
let socket;
let id = 0;

function connect() {
  socket = new WebSocket(`${url}/socket${after ? `?after=${after}` : ""}`, "relay.v1");
  socket.on("upgrade", (response) => {
    after ??= response.headers["relay-next"];
  });
  socket.on("open", () => console.log("open"));
  socket.on("message", (data) => {
    const frame = JSON.parse(data);
    if (frame.position) {
      after = frame.position;
      console.log("message", frame.position, JSON.stringify(frame.payload));
    } else if (frame.missed) {
      console.log("missed", frame.missed.reason);
    } else {
      console.log("published", frame.published, frame.id);
    }
  });
  // A close always follows.
  socket.on("error", () => {});
  socket.on("close", (code) => {
    console.log("closed", code);
    setTimeout(connect, 100);
  });
}

connect();
readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => socket.send(`{"publish":${line},"id":${++id}}`))
  .on("close", () => process.exit());
