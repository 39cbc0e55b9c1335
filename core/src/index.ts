export { type Systems, startGateway } from "./gateway.ts";
export type { RunningGateway, StartOptions } from "./gateway-options.ts";
