"""An async client for robotd, over WebSocket, TCP or a Unix socket.

    async with connect("tcp://127.0.0.1:8081") as robot:
        await robot.send("arm", wait="done")
        command = await robot.send("drive", {"linear": 0.2, "angular": 0.0})
        async for stage in command:
            print(stage.stage, stage.reason)
        async for update in robot.subscribe("state", "reading.*", max_hz=10):
            print(update.topic, update.data)

From another machine TLS is needed, and most often a token. The robot proves who it is before it is told:

    async with connect("wss://robot.local:8080/ws", fingerprint="sha256:3f0a...", token=token) as robot:
        ...

One at a time moves a robot; who means to stay takes the lease, which is renewed meanwhile:

    async with robot.lease() as lease:
        ...

After a loss, a new connection goes on where the old one ended:

    async with connect("tcp://127.0.0.1:8081") as again:
        async for update in again.subscribe("stage", since_seq=robot.last_seq):
            print(update.data["id"], update.data["stage"])

Stands apart from the daemon: it needs the standard library, and `websockets` for `ws://` and `wss://`.
"""

from robotd.client.address import default_url
from robotd.client.command import Command, Stage
from robotd.client.errors import CannotConnect, ClientError, ConnectionLost, InFlight, RemoteError
from robotd.client.lease import Lease
from robotd.client.robot import RemoteRobot, connect
from robotd.client.subscription import Subscription, Update

__all__ = [
    "CannotConnect",
    "ClientError",
    "Command",
    "ConnectionLost",
    "InFlight",
    "Lease",
    "RemoteError",
    "RemoteRobot",
    "Stage",
    "Subscription",
    "Update",
    "connect",
    "default_url",
]
