import { describe, expect, it } from "vitest";
import { OPERATOR_SCOPES, scopeCovers, scopesCover } from "./index.ts";

describe("scopes", () => {
  it("let admin do everything an operator can", () => {
    expect(OPERATOR_SCOPES.every((scope) => scopeCovers(["operator.admin"], scope))).toBe(true);
  });

  it("let a writer read, and a reader not write", () => {
    expect(scopeCovers(["operator.write"], "operator.read")).toBe(true);
    expect(scopeCovers(["operator.read"], "operator.write")).toBe(false);
  });

  it("cover nothing when there are none", () => {
    expect(scopeCovers([], "operator.read")).toBe(false);
    expect(scopesCover([], [])).toBe(true);
    expect(scopesCover(["operator.read"], ["operator.read", "operator.pairing"])).toBe(false);
  });

  it("give admin no scope outside the operator's", () => {
    expect(scopeCovers(["operator.admin"], "node.anything")).toBe(false);
  });
});
