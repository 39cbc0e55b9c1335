import { readFile } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { pathToFileURL } from "node:url";
import { type Findings, expect } from "./findings.ts";
import { startHouse } from "./house.ts";
import { libraryFolder } from "./install.ts";
import { until } from "./recorder.ts";
import { expectClosedSince, expectDeviceToken, expectRefusal, newest } from "./refusals.ts";

const NAME = "gateway-client@2026.9.1 (Chromium)";

/** The packages are served as npm installed them; the browser itself links their modules. */
const PAGE = `<!doctype html><title>gateway client</title>
<script type="importmap">{"imports":{
  "@openclaw/gateway-client/": "/modules/@openclaw/gateway-client/dist/",
  "@openclaw/gateway-protocol/": "/modules/@openclaw/gateway-protocol/dist/"
}}</script>
<script type="module" src="/page.js"></script>`;

/** What these tests use of playwright-core, which is installed outside this repository. */
interface Page {
  goto(url: string): Promise<unknown>;
  evaluate<T>(expression: string): Promise<T>;
  waitForFunction(expression: string): Promise<unknown>;
  on(event: "pageerror", listener: (error: Error) => void): void;
}
interface Browser {
  newPage(): Promise<Page>;
  version(): string;
  close(): Promise<void>;
}
interface Playwright {
  readonly chromium: {
    launch(options: { executablePath: string; headless: boolean; args: string[]; timeout: number }): Promise<Browser>;
  };
}

/** CHROMIUM names another one; that of npm needs libraries that some systems lack. */
async function launch(modules: string): Promise<Browser> {
  const load = (path: string): Promise<{ default: unknown }> => import(pathToFileURL(join(modules, path)).href);
  const playwright = (await load("playwright-core/index.js")).default as Playwright;
  const packed = (await load("@sparticuz/chromium/build/index.js")).default as { executablePath(): Promise<string> };
  return playwright.chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? (await packed.executablePath()),
    headless: true,
    timeout: 60_000,
    args: ["--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
  });
}

/** Serves the page and the packages, on loopback. */
async function servePage(modules: string): Promise<{ url: string; server: Server }> {
  const script = stripTypeScriptTypes(await readFile(new URL("page.ts", import.meta.url), "utf8"));
  async function contentOf(path: string): Promise<readonly [type: string, body: string]> {
    if (path === "/") return ["text/html", PAGE];
    if (path === "/page.js") return ["text/javascript", script];
    const file = normalize(path.slice("/modules".length));
    return ["text/javascript", await readFile(join(modules, file.endsWith(".mjs") ? file : `${file}.mjs`), "utf8")];
  }
  const server = createServer((request, response) => {
    contentOf(new URL(request.url ?? "/", "http://page").pathname).then(
      ([type, body]) => response.writeHead(200, { "content-type": type }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

/** The library's browser entry in a real Chromium, on a page of another origin: paired, let in by its device token, revoked. */
export async function tryBrowser(findings: Findings): Promise<void> {
  const modules = await libraryFolder();
  await using house = await startHouse("loopback");
  const { url, server } = await servePage(modules);
  const browser = await launch(modules);
  const errors: string[] = [];
  try {
    const page = await browser.newPage();
    page.on("pageerror", (error) => void errors.push(error.message));
    await page.goto(url);
    await page.waitForFunction("globalThis.gatewayPage !== undefined");
    await walk({ findings, house, page, version: browser.version() });
  } finally {
    await browser.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    if (errors.length > 0) process.stdout.write(`the page says: ${errors.join("; ")}\n`);
  }
}

interface Walk {
  readonly findings: Findings;
  readonly house: Awaited<ReturnType<typeof startHouse>>;
  readonly page: Page;
  readonly version: string;
}

const call = (name: string, ...args: readonly unknown[]): string =>
  `gatewayPage.${name}(${args.map((arg) => JSON.stringify(arg)).join(", ")})`;

async function walk({ findings, house, page, version }: Walk): Promise<void> {
  const { tunnel, gateway } = house;
  const connect = (...token: string[]) => page.evaluate<string>(call("connect", house.url, ...token));
  await findings.step(NAME, "asks to be paired", async () => {
    const said = await connect(gateway.token);
    return `${expectRefusal(tunnel, "PAIRING_REQUIRED")}; the client says: ${said} (Chromium ${version})`;
  });
  await findings.step(NAME, "is approved by the owner", () => house.approve());
  await findings.step(NAME, "comes in with the shared token", async () => {
    const said = await connect(gateway.token);
    expect(said === "let in", () => said);
    return said;
  });
  await findings.step(NAME, "by device token: health, status, channels, agent, chat", async () => {
    expect((await connect()) === "let in", () => JSON.stringify(tunnel.lastRefusal()));
    expectDeviceToken(tunnel, gateway.token);
    const request = (...args: readonly unknown[]) => page.evaluate<string>(call("request", ...args));
    for (const method of ["health", "status", "channels.status"]) {
      const answer = await request(method, {});
      expect(answer.startsWith("{"), () => `${method}: ${answer}`);
    }
    const params = { message: "hello there", idempotencyKey: "page", agentId: "main", sessionKey: "main" };
    const final = await request("agent", params, true);
    expect(final.includes("echo: hello there"), () => final);
    const history = await request("chat.history", { sessionKey: "main" });
    expect(history.includes("echo: hello there"), () => history);
    return "as expected";
  });
  await findings.step(NAME, "is revoked while connected", async () => {
    const connection = newest(tunnel);
    await house.owner("devices", "revoke", await page.evaluate<string>(call("deviceId")));
    const at = performance.now();
    const ended = await until(
      "the page's own view of the end",
      async () => (await page.evaluate<string | null>(call("ended"))) ?? undefined,
    );
    return `${expectClosedSince(tunnel, { connection, at })}; the page sees: ${ended}`;
  });
  await findings.step(NAME, "is refused with its old token", async () => {
    const said = await connect();
    return `${expectRefusal(tunnel, "AUTH_DEVICE_TOKEN_MISMATCH")}; the client says: ${said}`;
  });
  await findings.step(NAME, "must be paired again with the shared token", async () => {
    await connect(gateway.token);
    return expectRefusal(tunnel, "PAIRING_REQUIRED");
  });
}
