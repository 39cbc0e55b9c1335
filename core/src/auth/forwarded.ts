import { type AddressSet, parseAddress } from "./addresses.ts";

/** Hops in one header; a longer list is an attack or a loop. */
const MAX_HOPS = 32;

/** Header names and values in turn, as Node keeps them. */
export type RawHeaders = readonly string[];

/** The value of a header that came exactly once; `undefined` when it is missing, blank or repeated. */
export function singleHeader(raw: RawHeaders, name: string): string | undefined {
  const found = valuesOf(raw, name);
  const value = found[0]?.trim();
  return found.length === 1 && value !== "" ? value : undefined;
}

export function valuesOf(raw: RawHeaders, name: string): readonly string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]?.toLowerCase() === name) values.push(raw[at + 1] ?? "");
  }
  return values;
}

/**
 * The client's address that proxies tell in `X-Forwarded-For` or `Forwarded`: from right to left, past the hops that are
 * trusted themselves, since whatever stands further left may be the client's own invention. `undefined` when there is no
 * such header, both, one of them twice, or one with anything in it that is no address.
 */
export function forwardedAddress(raw: RawHeaders, trusted: AddressSet): string | undefined {
  const lists = [
    ...valuesOf(raw, "x-forwarded-for").map((value) => value.split(",")),
    ...valuesOf(raw, "forwarded").map(forOf),
  ];
  const [hops] = lists;
  if (hops === undefined || lists.length !== 1 || hops.length > MAX_HOPS) return undefined;
  const addresses = hops.map(hopAddress);
  if (!addresses.every((address) => address !== undefined)) return undefined;
  return addresses.findLast((address) => !trusted.has(address)) ?? addresses[0];
}

/** The values of `for=` in a Forwarded header (RFC 7239), one a hop. */
function forOf(value: string): readonly string[] {
  return value.split(",").map((hop) => {
    const pairs = hop.split(";").map((pair) => pair.trim());
    const nodes = pairs.filter((pair) => pair.toLowerCase().startsWith("for="));
    return nodes.length === 1 ? (nodes[0]?.slice("for=".length).replace(/^"(.*)"$/, "$1") ?? "") : "";
  });
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`. */
function hopAddress(hop: string): string | undefined {
  const text = hop.trim();
  const bracketed = /^\[([^\]]{1,64})\](?::\d{1,5})?$/.exec(text)?.[1];
  if (bracketed !== undefined) return bracketed.includes(":") ? parseAddress(bracketed) : undefined;
  return parseAddress(/^([\d.]{7,15}):\d{1,5}$/.exec(text)?.[1] ?? text);
}
