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

const names = (description: string) => Type.Array(Type.String({ minLength: 1 }), { description, default: [] });

const HEADER_NAME = "^[A-Za-z0-9][A-Za-z0-9-]{0,63}$";

const RateLimit = section(
  {
    maxAttempts: Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: 10,
      description: "Wrong credentials of one address within the window that lock it out. Default 10.",
    }),
    windowMs: Type.Integer({
      minimum: 1_000,
      maximum: 86_400_000,
      default: 60_000,
      description: "The window, ms. Default 60000.",
    }),
    lockoutMs: Type.Integer({
      minimum: 1_000,
      maximum: 86_400_000,
      default: 300_000,
      description: "How long a lock-out lasts, ms. Default 300000.",
    }),
    exemptLoopback: Type.Boolean({
      default: true,
      description: "Whether programs on this host are left out; web pages on it never are. Default true.",
    }),
  },
  "Wrong credentials are counted for each address (each /64 of IPv6) and kind of credential.",
);

const TrustedProxy = section(
  {
    userHeader: Type.String({
      pattern: HEADER_NAME,
      default: "x-forwarded-user",
      description: "Header in which the proxy names its user. Default x-forwarded-user.",
    }),
    secretHeader: Type.String({
      pattern: HEADER_NAME,
      default: "x-openclaw-proxy-secret",
      description: "Header in which the proxy shows its secret. Default x-openclaw-proxy-secret.",
    }),
    secret: Type.Optional(
      Secret({
        description:
          "What only the proxy knows, at least 24 characters: without it any program on the proxy's host could name a user.",
      }),
    ),
    allowUsers: names("Users who may connect. Default: everybody whom the proxy lets through."),
  },
  "For mode trusted-proxy: the proxy (one of gateway.trustedProxies) that signs users in.",
);

const Tailscale = section(
  {
    executable: Type.String({
      minLength: 1,
      default: "tailscale",
      description: "The tailscale program, a name or an absolute path. Default tailscale.",
    }),
    allowUsers: names("Logins that may connect. Default: every user of the tailnet, but no tagged device."),
  },
  "This host's Tailscale daemon: it tells this host's MagicDNS name, and in mode tailscale who connects.",
);

const Auth = section(
  {
    mode: Type.Unsafe<"token" | "password" | "trusted-proxy" | "tailscale" | "none">({
      ...oneOf(["token", "password", "trusted-proxy", "tailscale", "none"]),
      default: "token",
      description:
        "How clients prove themselves: a shared token or password, a user of a trusted proxy or of the tailnet, or nothing (on loopback only). Default token.",
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
    rateLimit: RateLimit,
    trustedProxy: TrustedProxy,
    tailscale: Tailscale,
  },
  "Who may connect.",
);

const FilePath = (description: string) => Type.Optional(Type.String({ minLength: 1, description }));

const Tls = section(
  {
    enabled: Type.Boolean({
      default: false,
      description: "Whether the port speaks https and wss instead of http and ws. Default false.",
    }),
    certPath: FilePath(
      "PEM file with the certificate and its chain. Default: a self-signed one in the state directory.",
    ),
    keyPath: FilePath("PEM file with its key, without passphrase. Relative paths start at the config file."),
    autoGenerate: Type.Boolean({
      default: true,
      description: "Whether a self-signed certificate is made when none is named. Default true.",
    }),
  },
  "Encryption of the port itself.",
);

const ControlUi = section(
  {
    allowedOrigins: Type.Array(Type.String({ pattern: "^[a-z][a-z0-9+.-]*://[^/?# ]+$" }), {
      description:
        "Web pages that may connect, as scheme://host[:port]. Pages of this host and of gateway.publicUrl may anyway. Default none.",
      default: [],
    }),
    dangerouslyAllowHostHeaderOriginFallback: Type.Boolean({
      default: false,
      description: "Also let in pages whose host and port are those of the Host header. Default false.",
    }),
  },
  "Which web pages may connect.",
);

const Remote = section(
  {
    url: Type.Optional(
      Type.String({ pattern: "^wss?://", description: "Address of another gateway, ws:// or wss://." }),
    ),
    token: Type.Optional(Secret({ description: "That gateway's shared token." })),
    tlsFingerprint: Type.Optional(
      Type.String({
        pattern: "^([sS][hH][aA]-?256[:=])?[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31}$",
        description: "SHA-256 of that gateway's certificate: with it no other certificate is accepted.",
      }),
    ),
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
      description:
        "Where to listen: loopback, this host's own tailnet address, or with gateway.tls any address. Default loopback.",
    }),
    auth: Auth,
    tls: Tls,
    trustedProxies: names(
      "Addresses and networks (10.0.0.0/8) of proxies whose forwarded headers are believed. Default none.",
    ),
    publicUrl: Type.Optional(
      Type.String({
        pattern: "^(https?|wss?)://[^/?# @]+/?$",
        description: "Address by which this gateway is reached from outside, such as https://gateway.example.org.",
      }),
    ),
    allowedHosts: names(
      "More host names or addresses by which this gateway is reached; requests for any other are refused. Default none.",
    ),
    controlUi: ControlUi,
    remote: Remote,
  },
  "The gateway's port.",
);
export type GatewayConfig = Static<typeof GatewayConfig>;
