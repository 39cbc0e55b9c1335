import { type Static, Type } from "@sinclair/typebox";
import { OWNER_SCOPES, type OperatorScope } from "../scopes.ts";
import { Endpoint, Secret } from "../secret.ts";
import { oneOf } from "../shapes.ts";
import { section } from "./section.ts";

const names = (description: string) => Type.Array(Type.String({ minLength: 1 }), { description, default: [] });

const RateLimit = section(
  {
    maxAttempts: Type.Integer({
      minimum: 1,
      default: 10,
      description: "Failed attempts of one address within the window before it is locked out. Default 10.",
    }),
    windowMs: Type.Integer({ minimum: 1, default: 60_000, description: "Length of the window, ms. Default 60000." }),
    lockoutMs: Type.Integer({
      minimum: 1,
      default: 300_000,
      description: "Length of the lock-out, ms. Default 300000.",
    }),
    exemptLoopback: Type.Boolean({
      default: true,
      description: "Whether programs on this host are never locked out; browsers always can be. Default true.",
    }),
  },
  "How failed authentication is slowed down (wire protocol 1.4).",
);

const LocalOwner = section(
  {
    scopes: Type.Unsafe<readonly OperatorScope[] | "none">({
      anyOf: [
        { type: "array", items: { type: "string", enum: [...OWNER_SCOPES] }, uniqueItems: true },
        { const: "none" },
      ],
      default: [...OWNER_SCOPES],
      description:
        'What a program on this host may do with the shared secret and without a device. Default: the five owner scopes; "none" turns it off.',
    }),
  },
  "The built-in record of the operator of this host (wire protocol section 0, No device).",
);

const Auth = section(
  {
    mode: Type.Unsafe<"token" | "password">({
      ...oneOf(["token", "password"]),
      default: "token",
      description: "Which shared secret clients present. Default token.",
    }),
    token: Type.Optional(
      Secret({
        description: "The shared token. Without it one is generated and stored in the state directory, mode 0600.",
      }),
    ),
    password: Type.Optional(Secret({ description: "The shared password, for mode password." })),
    rateLimit: RateLimit,
    localTrust: Type.Unsafe<"on" | "off">({
      ...oneOf(["on", "off"]),
      default: "on",
      description:
        "Whether connections from this host count as local. Turn it off when a tunnel or a proxy that adds no headers runs on this host. Default on.",
    }),
    localOwner: LocalOwner,
  },
  "Who may connect.",
);

const Tls = section(
  {
    enabled: Type.Boolean({ default: false, description: "Whether the port speaks https and wss. Default false." }),
    certPath: Type.Optional(Type.String({ minLength: 1, description: "PEM certificate chain." })),
    keyPath: Type.Optional(Type.String({ minLength: 1, description: "PEM private key, mode 0600." })),
  },
  "Transport encryption of the port.",
);

const Nodes = section(
  {
    allowCommands: names("Device commands allowed besides the platform's default ones. Default none."),
    denyCommands: names("Device commands refused even when allowed otherwise. Default none."),
  },
  "Which commands devices may be sent.",
);

/** `gateway`: where it listens and who may connect. */
export const GatewayConfig = section(
  {
    port: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 18_789,
      description: "TCP port for HTTP and WebSocket; 0 takes any free one. Default 18789.",
    }),
    bind: Type.String({
      pattern: "^(loopback|lan|[0-9A-Fa-f.:]+)$",
      default: "loopback",
      description: "Where to listen: loopback, lan (every interface) or one IP address. Default loopback.",
    }),
    publicUrl: Type.Optional(
      Endpoint({ description: "Address under which platforms reach this gateway, for webhooks." }),
    ),
    allowedHosts: names("Host names accepted in requests besides the gateway's own addresses. Default none."),
    ui: Type.String({
      minLength: 1,
      default: "webchat",
      description: "Id of the extension whose web folder is served at /. Set by file or CLI only. Default webchat.",
    }),
    auth: Auth,
    tls: Tls,
    trustedProxies: names("IP addresses or CIDR ranges of proxies whose forwarded headers are believed. Default none."),
    nodes: Nodes,
  },
  "The gateway's port.",
);
export type GatewayConfig = Static<typeof GatewayConfig>;
