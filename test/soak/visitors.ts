import type { GatewayProcess } from "openclaw-host-testing";
import { type DeviceIdentity, createDeviceIdentity, createGatewayClient } from "openclaw-host-sdk/client";
import { connectLoadClient } from "../load/client.ts";

/** Clients that come, ask, talk and go: some say goodbye, some are cut off with a request on its way. */
export interface Visitors {
  /** One connection from hello to end. */
  visit(): Promise<void>;
  /** Connections so far. */
  visits(): number;
}

type Gateway = Pick<GatewayProcess, "url" | "token">;

const DEVICES = 8;
const KEY = "agent:main:visitors";

/** A paired device: signs the challenge, reads and talks, and closes. */
async function visitAsDevice({ url, token }: Gateway, identity: DeviceIdentity, visit: number): Promise<void> {
  const client = createGatewayClient({ url, token, identity, reconnect: false });
  try {
    await client.ready();
    await client.call("chat.send", { sessionKey: KEY, message: `visit ${visit}`, idempotencyKey: `visit-${visit}` });
    await client.call("chat.history", { sessionKey: KEY, limit: 20 });
  } finally {
    await client.close();
  }
}

/** A program with the shared token; its socket is gone before its last answer. */
async function visitAndVanish(gateway: Gateway, visit: number): Promise<void> {
  const client = await connectLoadClient(gateway);
  const final = client.final(`visit-${visit}`);
  await client.call("chat.send", { sessionKey: KEY, message: `visit ${visit}`, idempotencyKey: `visit-${visit}` });
  await final;
  void client.call("sessions.list", {}).catch(() => {});
  client.close();
}

export async function createVisitors(gateway: Gateway): Promise<Visitors> {
  const devices = await Promise.all(Array.from({ length: DEVICES }, () => createDeviceIdentity(Date.now())));
  let visits = 0;
  return {
    visits: () => visits,
    async visit() {
      const visit = (visits += 1);
      const device = devices[visit % (2 * DEVICES)];
      await (device === undefined ? visitAndVanish(gateway, visit) : visitAsDevice(gateway, device, visit));
    },
  };
}
