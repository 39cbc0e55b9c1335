import { type AuditPage, auditOptions, readAudit } from "../audit-source.ts";
import { auditTable } from "../audit-table.ts";
import { type Command, defineCommand, requirePositive } from "../command.ts";
import { EXIT, usage } from "../failure.ts";
import { printJson } from "../io.ts";
import { parseSince } from "../since.ts";

const MAX_ROWS = 1_000;

export const command: Command = defineCommand(
  (yargs) =>
    auditOptions(yargs)
      .option("since", { type: "string", describe: "Only newer ones: 30m, 2h, 7d or a date", requiresArg: true })
      .option("limit", { type: "number", default: 100, describe: "How many, 1 to 1000", requiresArg: true })
      .option("before", { type: "number", describe: "Go on where the last page ended", requiresArg: true })
      .example("$0 audit list --since 7d", "who was let in this week"),
  async (args, io) => {
    requirePositive("limit", args.limit);
    const limit = Math.floor(args.limit);
    if (limit > MAX_ROWS) throw usage(`--limit must be at most ${MAX_ROWS}`);
    const filter = {
      limit,
      ...(args.since === undefined ? {} : { since: parseSince(args.since, Date.now()) }),
      ...(args.before === undefined ? {} : { before: args.before }),
    };
    const page = await readAudit<AuditPage>({
      args,
      io,
      asked: (client) => client.call("audit.list", filter),
      read: (store) => {
        const rows = store.read("audit.list", { ...filter, limit: limit + 1 });
        const last = rows[limit - 1];
        const events = rows.slice(0, limit).map(({ scopes, ...row }) => ({
          ...row,
          ...(scopes === undefined ? {} : { scopes: [...scopes] }),
        }));
        return { events, ...(rows.length > limit && last !== undefined ? { nextBefore: last.seq } : {}) };
      },
    });
    if (args.json) printJson(io, page);
    else {
      io.out(auditTable(page.events));
      if (page.nextBefore !== undefined) io.err(`older ones: repeat with --before ${page.nextBefore}\n`);
    }
    return EXIT.ok;
  },
);
