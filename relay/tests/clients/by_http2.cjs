// Uses a channel by Node's own HTTP/2, every transport on one connection: node by_http2.cjs https://HOST:PORT CERTIFICATE
const http2 = require("http2");
const fs = require("fs");

const relay = http2.connect(process.argv[2], { ca: fs.readFileSync(process.argv[3]) });
const text = (headers, body) =>
  new Promise((resolve, reject) => {
    const stream = relay.request(headers, { endStream: body === undefined });
    let answer = "";
    let status;
    stream.setEncoding("utf8");
    stream.on("response", (head) => { status = head[":status"]; });
    stream.on("data", (data) => { answer += data; });
    stream.on("end", () => resolve({ status, answer }));
    stream.on("error", reject);
    if (body !== undefined) stream.end(body);
  });
// Follows a stream until its bytes hold a word.
const follow = (headers, word, opened) =>
  new Promise((resolve, reject) => {
    const stream = relay.request(headers, { endStream: headers[":method"] !== "CONNECT" });
    let answer = Buffer.alloc(0);
    stream.on("response", (head) => opened(head[":status"], stream));
    stream.on("data", (data) => {
      answer = Buffer.concat([answer, data]);
      if (answer.includes(word)) {
        stream.close(http2.constants.NGHTTP2_CANCEL);
        resolve(answer);
      }
    });
    stream.on("error", reject);
  });
// A text frame as a client sends it, with a mask of nought.
const frame = (words) => Buffer.concat([Buffer.from([0x81, 0x80 | words.length, 0, 0, 0, 0]), Buffer.from(words)]);

// A wait that nothing ends is a failure too.
setTimeout(() => { console.log("it takes too long"); process.exit(1); }, 30000).unref();
relay.on("error", (error) => { console.log("error", error.message); process.exit(1); });
relay.on("remoteSettings", async (settings) => {
  console.log("connect protocol", settings.enableConnectProtocol, "streams", settings.maxConcurrentStreams);
  let open = 0;
  const publish = '{"publish":"by node","id":1}';
  const opened = (name) => (status, stream) => {
    console.log(name, status);
    open += 1;
    // When all the others wait, the socket publishes.
    if (open === 3) socket.write(frame(publish));
    return stream;
  };
  let socket;
  const path = (leaf) => `/channels/node/${leaf}`;
  const parked = text({ ":path": path("messages?wait=20s") });
  const waits = [
    follow({ ":path": path("stream") }, "by node", opened("stream")),
    follow({ ":path": path("events") }, "by node", opened("events")),
    follow(
      { ":method": "CONNECT", ":protocol": "websocket", ":path": path("socket"), "sec-websocket-version": "13" },
      '"published"',
      (status, stream) => { socket = stream; opened("socket")(status, stream); },
    ),
  ];
  for (const answer of await Promise.all(waits)) console.log("got", answer.includes("by node") || answer.includes("published"));
  const poll = await parked;
  console.log("long poll", poll.status, JSON.parse(poll.answer).messages[0].payload);
  const posted = await text(
    { ":method": "POST", ":path": path("messages"), "content-type": "application/json" },
    '"posted"',
  );
  console.log("post", posted.status);
  relay.close();
});
