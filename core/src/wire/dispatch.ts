import { type MethodDescriptor, type RequestFrame, scopeCovers } from "openclaw-host-schemas";
import type { Caller, RequestContext } from "../auth/caller.ts";
import type { Logger } from "../base/log.ts";
import { type Check, describeIssues, lazyCheck } from "../base/validator.ts";
import { WireError, invalidRequest, isWireError } from "../base/wire-error.ts";
import { failureFrame, payloadJson, successFrame } from "./codec.ts";
import type { Connection } from "./connection.ts";
import type { Dedupe } from "./dedupe.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { LIMITS } from "./limits.ts";
import { type Outcome, failed, succeeded } from "./outcome.ts";

/** A handler as the wire sees it: params are checked before, and the result is projected and serialised after. */
export type AnyHandler = (params: never, context: RequestContext) => unknown;

export interface DispatchParts {
  readonly methods: Readonly<Record<string, MethodDescriptor>>;
  /** By method; a method without handler is unknown to clients. */
  readonly handlers: Readonly<Record<string, AnyHandler | undefined>>;
  readonly dedupe: Dedupe;
  /** Durable methods whose handlers bind the key in their own records and answer repeats themselves. */
  readonly selfKeyed: ReadonlySet<string>;
  readonly log: Logger;
}

export interface Session {
  readonly connection: Connection;
  readonly caller: Caller;
  readonly dialect: Dialect;
}

/** Runs one request: lookup, role and scope, params, idempotency, handler, error mapping. Never throws. */
export type Dispatch = (session: Session, frame: RequestFrame) => void;

interface Route {
  readonly descriptor: MethodDescriptor;
  readonly handler: AnyHandler;
  readonly isDurable: boolean;
  /** `exact` refuses unknown keys, `lenient` drops them. */
  readonly exact: Check;
  readonly lenient: Check;
}

const UNAUTHORIZED_ROLE = "unauthorized role: ";

export function createDispatch(parts: DispatchParts): Dispatch {
  const dispatcher = new Dispatcher(parts);
  return (session, frame) => dispatcher.dispatch(session, frame);
}

class Dispatcher {
  readonly #parts: DispatchParts;
  readonly #routes: ReadonlyMap<string, Route>;

  constructor(parts: DispatchParts) {
    this.#parts = parts;
    this.#routes = routesOf(parts);
  }

  dispatch(session: Session, frame: RequestFrame): void {
    try {
      const outcome = this.#start(session, frame);
      if (outcome instanceof Promise) void this.#replyLater(session, frame, outcome);
      else this.#reply(session, frame, outcome);
    } catch (error) {
      this.#reply(session, frame, this.#failure(frame, error));
    }
  }

  #start(session: Session, frame: RequestFrame): Outcome | Promise<Outcome> {
    const { method, params } = frame;
    const route = this.#routes.get(method);
    const refusal = refusalOf(session, frame, route);
    if (refusal !== undefined || route === undefined) return failed(refusal);
    const accepted = (payload: unknown): void =>
      session.connection.send(encode(session.dialect, frame, { ok: true, payload }));
    if (!route.isDurable || this.#parts.selfKeyed.has(method)) {
      return this.#run(frame, route, contextOf(session, accepted));
    }
    const { identity } = session.caller;
    const work = (note: (payload: unknown) => void) => this.#run(frame, route, contextOf(session, note));
    return this.#parts.dedupe.run({ identity, method, key: keyOf(params), params, accepted, work });
  }

  /** Stays synchronous when the handler does: most reads answer in the turn in which they came. */
  #run(frame: RequestFrame, route: Route, context: RequestContext): Outcome | Promise<Outcome> {
    try {
      const result = route.handler((frame.params ?? {}) as never, context);
      return result instanceof Promise ? this.#settled(frame, route, result) : succeeded(result, route.isDurable);
    } catch (error) {
      return this.#failure(frame, error);
    }
  }

  async #settled(frame: RequestFrame, route: Route, result: Promise<unknown>): Promise<Outcome> {
    try {
      return succeeded(await result, route.isDurable);
    } catch (error) {
      return this.#failure(frame, error);
    }
  }

  async #replyLater(session: Session, frame: RequestFrame, outcome: Promise<Outcome>): Promise<void> {
    try {
      this.#reply(session, frame, await outcome);
    } catch (error) {
      // The payload could not be serialised; the error can.
      this.#reply(session, frame, this.#failure(frame, error));
    }
  }

  #reply({ connection, dialect }: Session, frame: RequestFrame, outcome: Outcome): void {
    // Newer nodes tell what nothing here listens to, once a minute for ever: that is no attempt at another role's methods.
    const isTrespass = isUnauthorizedRole(outcome) && this.#routes.has(frame.method);
    connection.unauthorizedCalls = isTrespass ? connection.unauthorizedCalls + 1 : 0;
    connection.send(encode(dialect, frame, outcome));
    if (connection.unauthorizedCalls > LIMITS.unauthorizedCalls) connection.close(1008, "repeated unauthorized calls");
  }

  #failure(frame: RequestFrame, error: unknown): Outcome {
    if (!isWireError(error)) this.#parts.log.error("a request failed", { method: frame.method, error });
    return failed(error);
  }
}

function routesOf({ methods, handlers }: DispatchParts): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>();
  for (const [name, descriptor] of Object.entries(methods)) {
    const handler = handlers[name];
    if (handler === undefined) continue;
    const exact = lazyCheck(descriptor.params);
    const lenient = descriptor.strict ? exact : lazyCheck(descriptor.params, { removeUnknown: true });
    const isDurable = descriptor.idempotency === "durable";
    routes.set(name, { descriptor, handler, isDurable, exact, lenient });
  }
  return routes;
}

/** Why the call may not be made, in the order of wire protocol section 4. */
function refusalOf(session: Session, frame: RequestFrame, route: Route | undefined): WireError | undefined {
  const { caller, dialect } = session;
  if (frame.method === "connect") return invalidRequest("connect is only valid as the first request");
  const known = route !== undefined && route.descriptor.since <= dialect.version ? route : undefined;
  const refused = roleRefusal(caller, known?.descriptor) ?? scopeRefusal(caller, known?.descriptor);
  if (refused !== undefined) return refused;
  if (known === undefined) return invalidRequest(`unknown method: ${frame.method}`);
  return paramsRefusal(dialect, frame, known);
}

function paramsRefusal(dialect: Dialect, { method, params }: RequestFrame, route: Route): WireError | undefined {
  const issues = (dialect.closed ? route.exact : route.lenient)(params ?? {});
  if (issues.length === 0) return undefined;
  return invalidRequest(dialect.paramsTexts[method] ?? `invalid ${method} params: ${describeIssues(issues)}`);
}

/** Unknown methods count as methods of operators, so a node learns nothing from trying names. */
function roleRefusal(caller: Caller, descriptor: MethodDescriptor | undefined): WireError | undefined {
  const role = descriptor?.role ?? "operator";
  return role === "any" || role === caller.role ? undefined : invalidRequest(`${UNAUTHORIZED_ROLE}${caller.role}`);
}

/** Unknown methods need admin: whoever has less is not told which names exist. */
function scopeRefusal(caller: Caller, descriptor: MethodDescriptor | undefined): WireError | undefined {
  const scope = descriptor?.scope ?? "operator.admin";
  if (caller.role === "node" || scope === "none" || scopeCovers(caller.scopes, scope)) return undefined;
  const details = { code: "MISSING_SCOPE", missingScope: scope, requiredScopes: [scope] };
  return new WireError("FORBIDDEN", `missing scope: ${scope}`, { details });
}

const isUnauthorizedRole = (outcome: Outcome): boolean =>
  !outcome.ok && outcome.error.message.startsWith(UNAUTHORIZED_ROLE);

/** The schemas of durable methods require it. */
function keyOf(params: unknown): string {
  const key: unknown =
    typeof params === "object" && params !== null && "idempotencyKey" in params ? params.idempotencyKey : "";
  if (typeof key === "string" && key !== "" && key.length <= LIMITS.idempotencyKeyChars) return key;
  throw invalidRequest(`idempotencyKey must have 1 to ${LIMITS.idempotencyKeyChars} characters`);
}

function contextOf({ connection, caller }: Session, accepted: (payload: unknown) => void): RequestContext {
  return {
    caller,
    accepted,
    get signal() {
      return connection.signal;
    },
  };
}

function encode(dialect: Dialect, frame: RequestFrame, outcome: Outcome): string {
  const project = dialect.results[frame.method];
  if (!outcome.ok) return failureFrame(frame.id, dialect.error(outcome.error), outcome.payload);
  const payload = project === undefined ? outcome.payload : project(outcome.payload as never);
  return successFrame(frame.id, payloadJson(payload));
}
