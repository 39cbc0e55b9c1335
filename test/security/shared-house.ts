import { afterAll, beforeAll } from "vitest";
import { type House, type HouseOptions, startHouse } from "./house.ts";

/** One gateway for all tests of the file that calls this at its top. */
export function sharedHouse(options: HouseOptions = {}): Omit<House, typeof Symbol.asyncDispose> {
  let started: House | undefined;
  beforeAll(async () => {
    started = await startHouse(options);
  });
  afterAll(() => started?.[Symbol.asyncDispose]());
  const house = (): House => {
    if (started === undefined) throw new Error("the gateway of this file starts before its first test, not earlier");
    return started;
  };
  return {
    get gateway() {
      return house().gateway;
    },
    get url() {
      return house().url;
    },
    get port() {
      return house().port;
    },
    get stateDir() {
      return house().stateDir;
    },
    get log() {
      return house().log;
    },
  };
}
