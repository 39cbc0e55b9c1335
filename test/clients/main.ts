/**
 * Official clients, unmodified, against a gateway: `npm run test:clients [-- <part of a name> ...]`. Their packages are installed
 * from npm into a folder outside this repository (OPENCLAW_CLIENTS_DIR, default one below the system's temporary folder) and kept
 * there. Prints a table of what each client did; exits 1 when a step failed. Needs 3 GB and some minutes for the packages, and two
 * minutes for the clients. The browser is that of @sparticuz/chromium, or the program that CHROMIUM names.
 */
import { tryBrowser } from "./browser.ts";
import { tryCli, tryCliOnHost } from "./cli-client.ts";
import { type Findings, GivenUp, createFindings } from "./findings.ts";
import { tryLibrary } from "./library.ts";
import { tryNodeHost } from "./node-host.ts";

const CLIENTS: Readonly<Record<string, (findings: Findings) => Promise<void>>> = {
  "library-for-node": tryLibrary,
  "library-for-browser": tryBrowser,
  "cli-2026.9.6": (findings) => tryCli("2026.9.6", findings),
  "cli-2026.2.26": (findings) => tryCli("2026.2.26", findings),
  "host-cli-2026.9.6": (findings) => tryCliOnHost("2026.9.6", findings),
  "host-cli-2026.2.26": (findings) => tryCliOnHost("2026.2.26", findings),
  "node-host-2026.9.6": (findings) => tryNodeHost("2026.9.6", findings),
  "node-host-2026.2.26": (findings) => tryNodeHost("2026.2.26", findings),
};

const wanted = process.argv.slice(2);
const chosen = Object.entries(CLIENTS).filter(
  ([name]) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);
if (chosen.length === 0) throw new Error(`name one of ${Object.keys(CLIENTS).join(", ")}`);

const findings = createFindings();
for (const [name, tryClient] of chosen) {
  try {
    await tryClient(findings);
  } catch (error) {
    if (error instanceof GivenUp) continue;
    await findings.step(name, "runs to its end", () => Promise.reject(error)).catch(() => undefined);
  }
}
process.stdout.write(`\n${findings.table()}\n\n${findings.rows.length} steps, ${findings.failed()} failed\n`);
process.exitCode = findings.failed() === 0 && findings.rows.length > 0 ? 0 : 1;
