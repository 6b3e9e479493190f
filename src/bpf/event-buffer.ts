// How events come from the kernel: in a memory that it shares with us, read in place. Two kinds, one shape.

/**
 * Called for each record: the bytes are at view[at .. at + size) and valid only during the call.
 * @returns whether another one is wanted; what is not wanted stays for the next drain.
 */
export type RecordHandler = (view: DataView, at: number, size: number) => boolean;

export interface BufferSize {
  kind: "ring" | "perf";
  /** One for the machine, or one for each CPU. */
  count: number;
  /** Of each. */
  bytes: number;
}

export interface EventBuffer extends Disposable {
  readonly size: BufferSize;
  /** "ring buffer of 8 MiB" */
  readonly description: string;
  /** Records that found no room, as far as the buffer itself tells so far; the kernel side counts too. */
  readonly lost: number;
  /**
   * Hands over what is there, oldest first, and gives the room back. Ends when it has caught up with what was
   * there at its start, so that the caller gets to look at signals.
   * @returns how many records there were.
   */
  drain(handle: RecordHandler): number;
  /** Waits for more, at most timeoutMs. */
  wait(timeoutMs: number): void;
}

/** "64 KiB", "8 MiB" */
export const sizeText = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / 1024 / 1024} MiB`;
