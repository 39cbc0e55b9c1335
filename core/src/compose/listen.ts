import type { Undo } from "../base/clock.ts";
import { writeRunning } from "../config/running.ts";
import type { StartOptions } from "../gateway-options.ts";
import type { WireServer } from "../wire/wire-server.ts";
import { hostsOf } from "./bind.ts";
import type { Settings } from "./settings.ts";
import type { TlsIdentity } from "./tls-identity.ts";
import { type TlsWatchParts, watchTls } from "./tls-watch.ts";
import type { TlsSource } from "./tls.ts";

/** Where a gateway listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ListenParts extends Omit<TlsWatchParts, "source" | "onRenewed"> {
  readonly options: StartOptions;
  readonly settings: Pick<Settings, "config">;
  readonly tls: TlsSource | undefined;
  readonly wire: WireServer;
}

/** Opens the port and leaves its address for commands of this host. The undo ends the care for the certificate. */
export async function listenForClients(parts: ListenParts): Promise<{ gateway: Address; unwatch: Undo }> {
  const { options, settings, tls, wire, log } = parts;
  const { port, bind } = settings.config.gateway;
  const hosts = hostsOf(options.bind ?? bind, tls !== undefined);
  const listening = await wire.listen({
    port: options.port ?? port,
    ...(hosts === undefined ? {} : { hosts }),
    ...(tls === undefined ? {} : { tls: tls.current.pair }),
  });
  const gateway = { host: listening.hosts[0] ?? "127.0.0.1", port: listening.port };
  const tell = (identity: TlsIdentity | undefined): Promise<void> => {
    const pin = identity === undefined ? {} : { tlsFingerprint: identity.fingerprint };
    const at = { ...gateway, pid: process.pid, ...pin };
    return writeRunning(options.environment.paths.runningFile, { at, extensions: options.extensions });
  };
  await tell(tls?.current);
  log.info("listening", { ...gateway, ...(tls === undefined ? {} : { tlsFingerprint: tls.current.fingerprint }) });
  if (tls === undefined) return { gateway, unwatch: () => {} };
  const onRenewed = async (identity: TlsIdentity): Promise<void> => {
    listening.renew(identity.pair);
    await tell(identity).catch((error: unknown) =>
      log.warn("cannot write gateway.json: commands of this host do not know the new TLS certificate", { error }),
    );
  };
  return { gateway, unwatch: await watchTls({ ...parts, source: tls, onRenewed }) };
}
