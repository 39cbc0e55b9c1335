import {
  type DeviceIdentity,
  type IdentityStorage,
  type StoredIdentity,
  loadDeviceIdentity,
} from "openclaw-host-sdk/client";
import { readIfThere, writePrivateFile } from "../config/files.ts";
import { isJsonObject } from "../config/json-schema.ts";
import { CliFailure } from "./failure.ts";

/** The command line's identity as a device, in the file format of the field (wire protocol section 2.3); made when missing. */
export function cliIdentity(file: string): Promise<DeviceIdentity> {
  return loadDeviceIdentity(identityFile(file), Date.now());
}

function identityFile(file: string): IdentityStorage {
  return {
    async load() {
      const text = await readIfThere(file);
      return text === undefined ? undefined : parseIdentity(text, file);
    },
    save: (identity) => writePrivateFile(file, `${JSON.stringify(identity, null, 2)}\n`),
  };
}

function parseIdentity(text: string, file: string): StoredIdentity {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value) && value["version"] === 1 && KEYS.every((key) => typeof value[key] === "string")) {
      return value as unknown as StoredIdentity;
    }
  } catch {
    // Told below, as any other damage.
  }
  throw new CliFailure(
    `${file} is damaged: restore it, or delete it to make a new device that has to be approved again`,
  );
}

const KEYS = ["deviceId", "publicKeyPem", "privateKeyPem"] as const;
