export {
  type Exit,
  type GatewayProcess,
  type GatewayProcessOptions,
  type LogLine,
  startGatewayProcess,
} from "./gateway-process.ts";
