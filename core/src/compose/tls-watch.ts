import type { Clock, Undo } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Problems } from "../base/problems.ts";
import { everyTrusted } from "../base/trusted-time.ts";
import type { TlsIdentity } from "./tls-identity.ts";
import type { TlsSource } from "./tls.ts";

const DAY_MS = 86_400_000;

/** How often the two files are looked at, ms: two `stat` calls. Programs that renew certificates do so weeks before the end. */
const LOOK_MS = 30_000;

/** A certificate that ends within so long is told of, once a day. */
const SOON_MS = 14 * DAY_MS;

export interface TlsWatchParts {
  readonly source: TlsSource;
  /** Another certificate is to be shown from now on. */
  readonly onRenewed: (identity: TlsIdentity) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly problems: Problems;
}

/**
 * Takes up a renewed certificate, and tells of one that is about to end. Files that cannot be used leave the old certificate in
 * place and are told of once; they are read again when they change.
 */
export async function watchTls(parts: TlsWatchParts): Promise<Undo> {
  const { source, clock, log } = parts;
  let seen = await source.signature();
  let shown = source.current;
  let isBusy = false;
  /** Read the files even if they did not change. */
  let isDue = false;
  let hasEnded = false;

  async function take(): Promise<void> {
    // Before the files are read: what changes meanwhile is found in the next round.
    seen = await source.signature();
    const next = await source.reload();
    if (hasEnded || (next.fingerprint === shown.fingerprint && next.pair.cert === shown.pair.cert)) return;
    shown = next;
    await parts.onRenewed(next);
    log.info("shows another TLS certificate", { fingerprint: next.fingerprint, validTo: dateOf(next) });
    tellEnd(parts, next);
  }

  async function round(): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    try {
      if (!isDue && (await source.signature()) === seen) return;
      isDue = false;
      await take();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn("cannot use the changed TLS certificate; the old one stays", { reason, fingerprint: shown.fingerprint });
    } finally {
      isBusy = false;
    }
  }

  const warning = await source.warning();
  if (warning !== undefined) log.warn(warning);
  tellEnd(parts, shown);
  const stopLooking = clock.every(LOOK_MS, () => void round());
  // A clock that jumped does not make anybody renew, which would cost clients their pin.
  const stopDaily = everyTrusted(clock, {
    everyMs: DAY_MS,
    run() {
      tellEnd(parts, shown);
      isDue = true;
      void round();
    },
  });
  return () => {
    hasEnded = true;
    stopLooking();
    stopDaily();
  };
}

const dateOf = ({ validTo }: TlsIdentity): string => new Date(validTo).toISOString();

/** Clients that do not pin it refuse a certificate that has ended, so that is a problem of the gateway. */
function tellEnd({ clock, log, problems }: TlsWatchParts, identity: TlsIdentity): void {
  const leftMs = identity.validTo - clock.now();
  if (leftMs > 0) problems.clear("tls");
  if (leftMs > SOON_MS) return;
  const fix = "renew the files of gateway.tls.certPath and keyPath; a running gateway takes them up by itself";
  if (leftMs > 0) return log.warn(`the TLS certificate ends on ${dateOf(identity)}: ${fix}`);
  const reason = `the TLS certificate ended on ${dateOf(identity)}, and clients refuse it: ${fix}`;
  problems.raise("tls", reason);
  log.error(reason);
}
