import { type RequestListener, type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { ForeignAnswer, botFetch } from "./http.ts";

const servers: Server[] = [];

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/bot1:x/getMe`;
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const failure = (url: string) => botFetch(url, { body: "{}" }).catch((error: unknown) => error);

describe("requests to the Bot API server", () => {
  it.each([
    ["a web page", "<h1>502</h1>"],
    ["null", "null"],
    ["JSON that is no answer", '{"result":1}'],
  ])("take %s for what it is", async (_name, body) => {
    const error = await failure(await serve((_request, response) => void response.writeHead(502).end(body)));
    expect(error).toBeInstanceOf(ForeignAnswer);
    expect(error).toMatchObject({ status: 502 });
  });

  it("do not follow a redirect, since the URL carries the token", async () => {
    let visits = 0;
    const elsewhere = await serve((_request, response) => {
      visits += 1;
      response.end('{"ok":true}');
    });
    const url = await serve((_request, response) => void response.writeHead(302, { location: elsewhere }).end());
    expect(await failure(url)).toBeInstanceOf(Error);
    expect(visits).toBe(0);
  });

  it("give up on an endless answer instead of filling the memory", async () => {
    const chunk = Buffer.alloc(1024 * 1024, "x");
    const url = await serve((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", more);
      more();
    });
    expect(await failure(url)).toMatchObject({ message: expect.stringContaining("larger than") });
  });

  it("end when their signal aborts, also while the answer is being read", async () => {
    const begun = Promise.withResolvers<void>();
    const url = await serve((_request, response) => {
      response.write('{"ok":');
      begun.resolve();
    });
    const cut = new AbortController();
    const request = botFetch(url, { body: "{}", signal: cut.signal });
    await begun.promise;
    cut.abort();
    await expect(request).rejects.toThrow(/abort/i);
  });
});
