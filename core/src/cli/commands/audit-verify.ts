import type { AuditReport } from "openclaw-host-schemas";
import type { AuditLink } from "../../store/tables/audit-record.ts";
import { auditOptions, offlineReport, readAudit } from "../audit-source.ts";
import { auditReportText } from "../audit-table.ts";
import { type Command, defineCommand } from "../command.ts";
import { EXIT, usage } from "../failure.ts";
import { printJson } from "../io.ts";

function parseHead(text: string | undefined): AuditLink | undefined {
  if (text === undefined) return undefined;
  const found = /^(?<seq>\d{1,15}):(?<hash>[0-9a-f]{64})$/u.exec(text.trim())?.groups;
  if (found?.["hash"] === undefined)
    throw usage("--head takes what an earlier verification printed, like 42:9f86d0...");
  return { seq: Number(found["seq"]), hash: found["hash"] };
}

export const command: Command = defineCommand(
  (yargs) =>
    auditOptions(yargs)
      .option("head", {
        type: "string",
        describe: "Head that an earlier verification printed and you kept elsewhere; reads the database itself",
        requiresArg: true,
      })
      .epilogue(
        "Finds rows that were changed, removed or reordered, and rows cut off the end as far as they were sealed (a second " +
          "after they were written). Without --head it cannot find that the whole database was put back to an earlier copy, " +
          "and never what somebody who can read server.key wrote anew before you kept a head.",
      ),
  async (args, io) => {
    const expected = parseHead(args.head);
    const report = await readAudit<AuditReport>({
      args: { ...args, offline: args.offline || expected !== undefined },
      io,
      asked: (client) => client.call("audit.verify", {}),
      read: (store, paths) => offlineReport(store, paths, expected),
    });
    if (args.json) printJson(io, report);
    else io.out(auditReportText(report));
    return report.ok ? EXIT.ok : EXIT.failed;
  },
);
