import { type Static, Type } from "@sinclair/typebox";
import { OWNER_SCOPES, type OperatorScope } from "../scopes.ts";
import { Secret } from "../secret.ts";
import { oneOf } from "../shapes.ts";
import { section } from "./section.ts";

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

const Remote = section(
  {
    url: Type.Optional(
      Type.String({ pattern: "^wss?://", description: "Address of another gateway, ws:// or wss://." }),
    ),
    token: Type.Optional(Secret({ description: "That gateway's shared token." })),
  },
  "The gateway that commands on this host talk to, when it is not this host's own.",
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
      pattern: "^(loopback|[0-9A-Fa-f.:]+)$",
      default: "loopback",
      description: "Where to listen: loopback or this host's own tailnet address. Default loopback.",
    }),
    auth: Auth,
    remote: Remote,
  },
  "The gateway's port.",
);
export type GatewayConfig = Static<typeof GatewayConfig>;
