import type { Call } from "openclaw-host-sdk";

/** The methods one side serves, by name. Params and results survive `structuredClone`. */
export type Methods<M> = { readonly [K in keyof M]: { readonly params: unknown; readonly result: unknown } };

export type Handlers<M extends Methods<M>> = {
  readonly [K in keyof M]: (params: M[K]["params"], call: Call) => M[K]["result"] | Promise<M[K]["result"]>;
};

/** Says what is wrong with a value from the other side, or undefined. Without it the other side is trusted. */
export type Inspect<M extends Methods<M>> = (method: keyof M & string, value: unknown) => string | undefined;
