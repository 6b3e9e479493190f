// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Copies of kernel memory: the task of this thread, a socket buffer that it sent, or an address found in one of
// them. The BPF program bpf/memory.bpf.c makes them while the kernel frees a request of this thread.
import { isBefore, type LoadedObject, open, runningKernel, type Tracefs } from "bun-libbpf";
import { assets } from "../assets.ts";
import { findTracefs } from "../backends/tracefs.ts";
import { unsupported } from "../errors.ts";
import { memoryLegacy } from "../events/skeleton.gen.ts";
import type { NetlinkSocket } from "../host/ffi/netlink-socket.ts";
import { noopRequest } from "../ipset/request.ts";
import { ADDRESS_BITS, isAddress } from "./search.ts";

/** enum mine_base of bpf/memory.bpf.c. */
export const BASE = { task: 1n, buffer: 2n } as const;
/** PIECE of bpf/memory.bpf.c. */
const PIECE = 256;
/**
 * Max attempts to get one copy. On a busy router an interrupt often frees another socket buffer in this thread
 * first.
 */
const ATTEMPTS = 200;

/** A copy of up to 4096 bytes. Offsets are in bytes from its address. */
export class Copy {
  readonly address: bigint;
  readonly #view: DataView;
  readonly #pieces: bigint;

  constructor(address: bigint, pieces: bigint, bytes: Uint8Array) {
    this.address = address;
    this.#pieces = pieces;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes before the first missing piece. */
  get length(): number {
    let pieces = 0;
    while ((this.#pieces >> BigInt(pieces)) & 1n) pieces++;
    return pieces * PIECE;
  }

  u8 = (offset: number): number => this.#view.getUint8(offset);
  u16 = (offset: number): number => this.#view.getUint16(offset, true);
  u32 = (offset: number): number => this.#view.getUint32(offset, true);
  u64 = (offset: number): bigint => this.#view.getBigUint64(offset, true);
}

export interface CopyOptions {
  /** Returns the request with this sequence number. */
  request?: (sequence: number) => Uint8Array;
  /** Leaves the answer in the receive queue. */
  keep?: boolean;
  /** Whether the copy is the wanted one. */
  accept?: (copy: Copy) => boolean;
}

export class KernelMemory implements Disposable {
  readonly #object: LoadedObject<typeof memoryLegacy>;
  readonly #link: Disposable;
  readonly #thread: bigint;
  #addressBits: bigint = ADDRESS_BITS[process.arch as "x64" | "arm64"];
  #sequence = 1;

  private constructor(object: LoadedObject<typeof memoryLegacy>, link: Disposable) {
    this.#object = object;
    this.#link = link;
    this.#thread = (BigInt(process.pid) << 32n) | BigInt(process.pid);
  }

  /**
   * @throws CallError if the kernel refuses the program or the tracepoint.
   * @throws MineError without tracefs before 4.17.
   */
  static open(): KernelMemory {
    using opened = open(memoryLegacy, assets.memoryLegacy(), { name: "mine" });
    const isOld = isBefore(runningKernel(), [4, 17, 0]);
    opened.programs.mine_copy.autoload = isOld;
    opened.programs.mine_copy_raw.autoload = !isOld;
    using stack = new DisposableStack();
    const object = stack.use(opened.load());
    const { mine_copy, mine_copy_raw } = object.programs;
    const link = isOld
      ? mine_copy.attachTracepoint(requireTracefs().tracepointId("skb", "consume_skb") ?? 0)
      : mine_copy_raw.attachRawTracepoint("consume_skb");
    stack.move();
    return new KernelMemory(object, link);
  }

  /**
   * Copies memory while the kernel frees a request from this socket. The acknowledgement is then in the socket's
   * receive queue, alone, unless another answer is kept there.
   * @param address a value of BASE, or an address that a copy has.
   * @returns undefined if nothing can be copied from this address.
   */
  copy(
    socket: NetlinkSocket,
    address: bigint,
    { request = noopRequest, accept = () => true, keep = false }: CopyOptions = {},
  ): Copy | undefined {
    const { copies } = this.#object.maps;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      copies.set(0, { thread: this.#thread, address, pieces: 0n, bytes: new Uint8Array(0) });
      socket.send(request(this.#sequence++));
      if (!keep) socket.receive(0);
      const answer = copies.get(0);
      if (answer.thread !== 0n) continue;
      if (!this.isAddress(answer.address & ~7n)) this.#addressBits = ADDRESS_BITS.x64FiveLevels;
      const copy = new Copy(answer.address, answer.pieces, answer.bytes.slice());
      if (copy.length === 0) return undefined;
      if (accept(copy)) return copy;
    }
    return undefined;
  }

  /** Returns whether a value can be the address of a struct. The kernel's own addresses show the number of bits. */
  isAddress = (value: bigint): boolean => isAddress(value, this.#addressBits);

  [Symbol.dispose](): void {
    this.#link[Symbol.dispose]();
    this.#object[Symbol.dispose]();
  }
}

function requireTracefs(): Tracefs {
  const tracefs = findTracefs();
  if (tracefs) return tracefs;
  throw unsupported("no-tracefs", "to find the offsets of this kernel needs tracefs, and it is not mounted");
}
