import { accountsTable } from "../accounts-table.ts";
import { type Command, defineCommand } from "../command.ts";
import { extensionsTable } from "../extensions-table.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(gatewayOptions, async (args, io) => {
  const scopes = scopesOf("status", "channels.status", "extensions.list");
  const { status, channels, extensions } = await withGateway({ args, io, scopes }, async (client) => {
    const { server } = await client.ready();
    const [status, channels, { extensions }] = await Promise.all([
      client.call("status", {}),
      client.call("channels.status", {}),
      client.call("extensions.list", {}),
    ]);
    return { status: { version: server.version, ...status }, channels, extensions };
  });
  if (args.json) {
    printJson(io, { ...status, channels, extensions });
    return EXIT.ok;
  }
  io.out(`gateway ${status.version}, agent ${status.heartbeat.defaultAgentId}, sessions: ${status.sessions.count}\n`);
  if (status.tls !== undefined) {
    const { fingerprint, validToMs } = status.tls;
    io.out(`tls: SHA-256 ${fingerprint}, until ${new Date(validToMs).toISOString().slice(0, 10)}\n`);
  }
  io.out(`channels:\n${accountsTable(channels)}`);
  io.out(`extensions:\n${extensionsTable(extensions)}`);
  return EXIT.ok;
});
