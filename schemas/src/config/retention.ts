import { type Static, Type } from "@sinclair/typebox";
import { section } from "./section.ts";

const MAX_DAYS = 36_500;

const days = (description: string) => Type.Integer({ minimum: 1, maximum: MAX_DAYS, description });

const LogRetention = section(
  {
    files: Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 3,
      description: "Log files kept, the one that is written included. Default 3.",
    }),
    fileBytes: Type.Integer({
      minimum: 100_000,
      maximum: 1_000_000_000,
      default: 10_485_760,
      description: "A log file is put aside before it grows beyond this, bytes. Default 10 MiB.",
    }),
  },
  "How much of the log is kept.",
);

export const RetentionConfig = section(
  {
    transcriptsDays: Type.Optional(days("Messages of transcripts are kept so long. Default for ever.")),
    ledgerDays: Type.Integer({
      minimum: 1,
      maximum: MAX_DAYS,
      default: 30,
      description:
        "How long it is kept what became of each message: inbox, deliveries, runs. An inbox row stays at least as long as its " +
        "platform may deliver the event again, and what is still to be run or sent, or parked for its owner, stays. Default 30.",
    }),
    mediaDays: Type.Optional(
      days(
        "Media is kept so long after it was last shown, even when a transcript names it. Media that nothing names lives 24 h in " +
          "any case. Default as long as something names it.",
      ),
    ),
    auditDays: Type.Integer({
      minimum: 1,
      maximum: MAX_DAYS,
      default: 365,
      description: "The trail of who was let in, kept out and given rights is kept so long. Default 365.",
    }),
    mediaTotalBytes: Type.Integer({
      minimum: 1_000_000,
      default: 10_000_000_000,
      description: "Most bytes of all media together; more is refused. Default 10 GB.",
    }),
    logs: LogRetention,
  },
  "What is kept, and how long.",
);
export type RetentionConfig = Static<typeof RetentionConfig>;
