import { encodeQR } from "qr";
import { isLoopbackHostname } from "../../auth/local-trust.ts";
import { type Command, defineCommand } from "../command.ts";
import { listOf, withDevices } from "../devices-call.ts";
import { roleOption } from "../devices-options.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions } from "../gateway-client.ts";
import { printJson } from "../io.ts";
import { environmentOf } from "../local.ts";
import { findTarget } from "../target.ts";

export const command: Command = defineCommand(
  (yargs) =>
    roleOption(gatewayOptions(yargs))
      .option("scopes", {
        type: "string",
        describe: "What the device may do: a,b; default read,write",
        requiresArg: true,
      })
      .option("qr", { type: "boolean", default: true, describe: "Print a QR code" })
      .example("$0 devices link --scopes read,approvals", "let a phone read and approve"),
  async (args, io) => {
    const scopes = listOf(args.scopes)?.map(wholeScope);
    const { role = "operator" } = args;
    const asked = { role, ...(scopes === undefined ? {} : { scopes }) };
    const link = await withDevices({ args, io }, (client) => client.call("devices.link.create", asked));
    const base = link.publicUrl ?? (await findTarget(args, environmentOf(args, io))).url;
    const url = linkUrl(base, link.code);
    if (args.json) printJson(io, { ...link, url });
    else {
      // Four modules of white all around: scanners need them (ISO/IEC 18004, quiet zone).
      if (args.qr) io.out(`${encodeQR(url, "term", { border: 4 })}\n`);
      const minutes = Math.round((link.expiresAtMs - Date.now()) / 60_000);
      io.out(`${url}\n`);
      io.out(
        `pairs one device as ${link.role} with ${link.scopes.join(" ") || "no scopes"}, within ${minutes} minutes\n`,
      );
      if (!isReachable(base)) io.err(`${UNREACHABLE}\n`);
    }
    return EXIT.ok;
  },
);

const UNREACHABLE =
  "only this host can use this address: set gateway.publicUrl to the https address under which devices reach the gateway";

const wholeScope = (scope: string): string => (scope.includes(".") ? scope : `operator.${scope}`);

/** The code is in the fragment, which browsers do not send to any server. */
function linkUrl(base: string, code: string): string {
  const url = new URL(base.replace(/^ws/, "http"));
  url.hash = `bootstrapToken=${code}`;
  return url.href;
}

/** Codes are taken over TLS or on the gateway's own host only, and loopback is another host for every other device. */
const isReachable = (base: string): boolean =>
  /^(https|wss):/.test(base) && !isLoopbackHostname(new URL(base).hostname);
