"""Follows a channel by the `websockets` package, and publishes what standard input has, one JSON value a line."""

import asyncio
import json
import sys

import websockets

URL = sys.argv[1].replace("http", "ws", 1)


def say(*words):
    print(*words, flush=True)


def show(text):
    """Says what a frame holds and gives its position, if it has one."""
    frame = json.loads(text)
    if "position" in frame:
        say("message", frame["position"], json.dumps(frame["payload"]))
    elif "missed" in frame:
        say("missed", frame["missed"]["reason"])
    else:
        say("published", frame["published"], frame["id"])
    return frame.get("position")


async def follow(sockets):
    after = None
    while True:
        try:
            query = f"?after={after}" if after else ""
            async with websockets.connect(f"{URL}/socket{query}", subprotocols=["relay.v1"]) as socket:
                sockets.append(socket)
                headers = getattr(socket, "response_headers", None) or socket.response.headers
                after = after or headers["Relay-Next"]
                say("open")
                try:
                    async for text in socket:
                        after = show(text) or after
                finally:
                    say("closed", socket.close_code)
        except (OSError, EOFError, websockets.WebSocketException):
            pass
        await asyncio.sleep(0.1)


async def main():
    sockets = []
    following = asyncio.ensure_future(follow(sockets))
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    number = 0
    while line := (await lines.readline()).decode().strip():
        number += 1
        await sockets[-1].send(f'{{"publish":{line},"id":{number}}}')
    following.cancel()


asyncio.run(main())
