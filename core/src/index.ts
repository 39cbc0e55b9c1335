export { readEnvironment } from "./config/paths.ts";
export { type Systems, startGateway } from "./gateway.ts";
export type { RunningGateway, StartOptions } from "./gateway-options.ts";
