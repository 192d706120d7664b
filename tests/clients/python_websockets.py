"""The client of real_clients_test.py with Python's `websockets`. Arguments: URL, topic."""

import asyncio
import json
import sys

import websockets


def say(**event):
    print(json.dumps(event), flush=True)


async def main(url, topic):
    async with websockets.connect(url, subprotocols=["wspush.v1"], compression="deflate") as socket:
        say(event="open", subprotocol=socket.subprotocol,
            extensions=", ".join(extension.name for extension in socket.extensions))
        async for text in socket:
            said = json.loads(text)
            if said["op"] == "welcome":
                await socket.send(json.dumps({"op": "subscribe", "id": 1, "topic": topic}))
            elif said["op"] == "subscribed":
                say(event="subscribed")
            elif said["op"] == "message":
                data = said["data"]
                say(event="message", data=data)
                if data["from"] == "client":
                    await socket.close(1000)
                else:
                    await socket.send(json.dumps({
                        "op": "publish", "id": 2, "topic": topic,
                        "data": {"from": "client", "echo": data["text"]}}))
    say(event="closed", code=socket.close_code)


asyncio.run(main(*sys.argv[1:]))
