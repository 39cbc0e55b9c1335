/** What decides the command line of a guest process. */
export interface GuestLimits {
  /** Heap limit, MiB. It does not count Buffers. Default 256. */
  readonly heapMb?: number;
}

const DEFAULT_HEAP_MB = 256;

/**
 * Node's own options of a guest process. `--disable-sigusr1`: without it anybody with the same user id can open the guest's
 * inspector with a signal and read its memory (https://nodejs.org/api/cli.html#--disable-sigusr1).
 */
export function guestExecArgv(limits: GuestLimits = {}): string[] {
  return ["--disable-sigusr1", `--max-old-space-size=${limits.heapMb ?? DEFAULT_HEAP_MB}`];
}
