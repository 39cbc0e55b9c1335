import type { AuthModeName } from "./auth/shared-secret.ts";
import type { LogSink, Logger } from "./base/log.ts";
import type { Farewell } from "./compose/shutdown.ts";
import type { Environment } from "./config/paths.ts";

/** What `openclaw gateway` was told. A flag beats the environment, which beats the config file. */
export interface StartOptions {
  readonly environment: Environment;
  readonly port?: number;
  /** `loopback` or an IP address. */
  readonly bind?: string;
  readonly token?: string;
  /** Absolute folders of `--extensions`, in order; empty: those of the config and the installed ones. */
  readonly extensions: readonly string[];
  /** Beats `logging.level`. */
  readonly logLevel?: "debug";
  /** Receives every record besides the log file. */
  readonly console: LogSink;
  readonly version: string;
}

/** One extension that was found, as the start summary tells it. */
export interface ExtensionSummary {
  readonly id: string;
  readonly state: string;
  readonly reason?: string;
  readonly fix?: string;
  readonly channels: readonly string[];
}

/** A gateway that listens. */
export interface RunningGateway {
  readonly host: string;
  readonly port: number;
  /** `ws://127.0.0.1:18789`; `wss:` when the port is encrypted. */
  readonly url: string;
  /** SHA-256 of the certificate at the start. */
  readonly tlsFingerprint?: string;
  readonly log: Logger;
  /** How clients prove themselves: `hint` is the first characters of the secret, `source` where it is written. */
  readonly secret: { readonly mode: AuthModeName; readonly hint: string; readonly source: string };
  readonly extensions: readonly ExtensionSummary[];
  /** Drains, broadcasts `shutdown`, closes every socket with 1012 and frees the state directory. Idempotent. */
  close(farewell: Farewell): Promise<void>;
  /** Settles when the gateway has ended; rejects when it had to end by itself. */
  readonly closed: Promise<void>;
}
