import type { EventDescriptor, MethodDescriptor, ProtocolVersion, Snapshot } from "openclaw-host-schemas";
import { payloadJson } from "./codec.ts";
import type { Dialect, Granted } from "./dialects/dialect.ts";
import { LIMITS } from "./limits.ts";

export interface HelloParts {
  /** `server.version`. */
  readonly version: string;
  readonly methods: readonly MethodDescriptor[];
  readonly events: readonly EventDescriptor[];
}

export interface Greeting {
  readonly dialect: Dialect;
  readonly connId: string;
  readonly granted: Granted;
  readonly snapshot: Snapshot;
}

/** Builds the payload of hello-ok (wire protocol 3, 11.3) as JSON; what never changes is serialised once per version. */
export function createHello(parts: HelloParts): (greeting: Greeting) => string {
  const features = new Map<ProtocolVersion, string>();
  const policy = JSON.stringify({
    maxPayload: LIMITS.maxPayloadBytes,
    maxBufferedBytes: LIMITS.maxBufferedBytes,
    tickIntervalMs: LIMITS.tickIntervalMs,
  });

  function featuresFor(version: ProtocolVersion): string {
    let json = features.get(version);
    if (json === undefined) {
      const methods = parts.methods.filter((method) => method.listed && method.since <= version);
      const events = parts.events.filter((event) => event.since <= version);
      json = JSON.stringify({ methods: methods.map(nameOf), events: events.map(nameOf) });
      features.set(version, json);
    }
    return json;
  }

  return ({ dialect, connId, granted, snapshot }) => {
    const auth = dialect.auth(granted);
    return [
      `{"type":"hello-ok","protocol":${dialect.version}`,
      `"server":${JSON.stringify({ version: parts.version, connId })}`,
      `"features":${featuresFor(dialect.version)}`,
      `"snapshot":${snapshotJson(dialect.snapshot(snapshot, granted.scopes))}`,
      ...(auth === undefined ? [] : [`"auth":${JSON.stringify(auth)}`]),
      `"policy":${policy}}`,
    ].join(",");
  };
}

const nameOf = (descriptor: { readonly name: string }): string => descriptor.name;

/** Presence and health are the large parts and the same for everybody until they change. */
function snapshotJson({ presence, health, ...rest }: Snapshot): string {
  return `{"presence":${payloadJson(presence)},"health":${payloadJson(health)},${JSON.stringify(rest).slice(1)}`;
}
