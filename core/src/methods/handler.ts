import type { MethodName, ParamsOf, ResultOf } from "openclaw-host-schemas";
import type { RequestContext } from "../auth/caller.ts";

/**
 * What runs a method. The params are already checked and the caller may call it; refusals are thrown as `WireError`, and
 * anything else that is thrown is a bug the client sees as `UNAVAILABLE`. A handler that need not wait returns its result
 * itself and not a promise: the answer then leaves in the same turn of the event loop.
 */
export type Handler<M extends MethodName> = (
  params: ParamsOf<M>,
  context: RequestContext,
) => ResultOf<M> | Promise<ResultOf<M>>;

/** The handlers of a family of methods; `gateway.ts` joins the families into one table that must be complete. */
export type HandlersFor<M extends MethodName> = { readonly [K in M]: Handler<K> };
