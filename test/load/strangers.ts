/** A process that opens sockets and leaves them half open: `strangers.ts <port> <how many>`. It tells its parent how it went. */
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { constants, setPriority } from "node:os";

const AT_ONCE = 200;
const PAUSE_MS = 2;

/** What a stranger says before it falls silent: nothing, half a request, or an upgrade. */
const OPENINGS: readonly string[] = [
  "",
  "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
  `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`,
];

async function openOne(port: number, opening: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  await Promise.race([once(socket, "connect"), once(socket, "close")]).catch(() => undefined);
  if (opening !== "" && !socket.destroyed) socket.write(opening);
  return socket;
}

async function flood(port: number, strangers: number): Promise<{ opened: number; kept: number }> {
  const sockets: Socket[] = [];
  while (sockets.length < strangers) {
    const batch = Array.from({ length: AT_ONCE }, (_, at) =>
      openOne(port, OPENINGS[(sockets.length + at) % OPENINGS.length] ?? ""),
    );
    sockets.push(...(await Promise.all(batch)));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  const kept = sockets.filter((socket) => !socket.destroyed && socket.readable).length;
  for (const socket of sockets) socket.destroy();
  return { opened: sockets.length, kept };
}

// Strangers have machines of their own: here they must not take the gateway's time from it.
setPriority(constants.priority.PRIORITY_LOW);
const [port, strangers] = process.argv.slice(2).map(Number);
const told = await flood(port ?? 0, strangers ?? 0);
process.send?.(told, () => process.disconnect?.());
