import { isEndpointSchema } from "openclaw-host-schemas";

/** Where one account of an extension may send requests. */
export interface Egress {
  /** Undefined when the URL may be requested, otherwise what to do about it. */
  refusal(url: URL): string | undefined;
  /** True for an address the operator wrote into the config: it may be on this machine or its networks. */
  exempt(url: URL): boolean;
}

export interface EgressFacts {
  readonly extension: string;
  /** `permissions.net` of the manifest: `host`, `*.host`, `*` (any public host), `config:<key>`. */
  readonly net: readonly string[];
  /** JSON Schema of the account's config, to find endpoints and their defaults. */
  readonly schema: unknown;
  readonly config: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {});

/** Values of the fields marked as endpoints, by dotted key. */
function endpointsOf(schema: unknown, config: unknown, prefix = ""): [key: string, url: URL][] {
  return Object.entries(fieldsOf(fieldsOf(schema)["properties"])).flatMap(([name, field]): [string, URL][] => {
    const value = fieldsOf(config)[name] ?? fieldsOf(field)["default"];
    const key = prefix + name;
    if (!isEndpointSchema(field)) return endpointsOf(field, value, `${key}.`);
    const url = typeof value === "string" ? URL.parse(value) : null;
    return url === null ? [] : [[key, url]];
  });
}

/** `*.host` covers the names below a host and not the host itself. */
function allows(pattern: string, hostname: string): boolean {
  if (pattern === "*") return true;
  return pattern.startsWith("*.") ? hostname.endsWith(pattern.slice(1)) : hostname === pattern.toLowerCase();
}

/** The rules for one account, from what the manifest declares and the operator configured. */
export function createEgress(facts: EgressFacts): Egress {
  const endpoints = endpointsOf(facts.schema, facts.config);
  const declared = endpoints.filter(([key]) => facts.net.includes(`config:${key}`)).map(([, url]) => url);
  return {
    refusal(url) {
      if (url.protocol !== "https:" && url.protocol !== "http:") return "only http and https addresses can be fetched";
      if (url.username !== "" || url.password !== "") return "put credentials into a header, not into the address";
      const known = declared.some((endpoint) => endpoint.origin === url.origin);
      if (known || facts.net.some((pattern) => allows(pattern, url.hostname))) return undefined;
      return `the extension '${facts.extension}' did not declare the host ${url.hostname}; add it to permissions.net in its manifest`;
    },
    exempt: (url) => endpoints.some(([, endpoint]) => endpoint.origin === url.origin),
  };
}
