declare const brand: unique symbol;

/** A string that was checked once and is then told apart from others by the type checker. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type SessionKey = Brand<string, "SessionKey">;
export type DeviceId = Brand<string, "DeviceId">;
export type RunId = Brand<string, "RunId">;
export type ConnId = Brand<string, "ConnId">;
export type DeliveryId = Brand<string, "DeliveryId">;

/** The one place where ids are asserted; callers have checked the format, or made the id themselves. */
export const sessionKey = (value: string): SessionKey => value as SessionKey;
export const deviceId = (value: string): DeviceId => value as DeviceId;
export const runId = (value: string): RunId => value as RunId;
export const connId = (value: string): ConnId => value as ConnId;
export const deliveryId = (value: string): DeliveryId => value as DeliveryId;
