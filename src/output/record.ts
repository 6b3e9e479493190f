// All that is known of one command, ready to be put into words.
import type { MineEvent } from "../events/event.ts";
import type { IpsetMessage } from "../ipset/message.ts";
import type { Outcome } from "../ipset/outcome.ts";

export interface AuditRecord {
  event: MineEvent;
  message: IpsetMessage;
  outcome: Outcome;
  /** Of a batch that failed: which element was at fault. Those before it took effect, those after it did not. */
  failedElement: number | undefined;
  /** Of an ADD or DEL that failed: how many elements took effect; undefined where the kernel did not say. */
  appliedCount: number | undefined;
  /** Nanoseconds since 1970. */
  timeNs: bigint;
  /** Functions, because what is not printed need not be looked up: a name may have to come from a server. */
  userName: (uid: number) => string | undefined;
  findCgroup: (id: bigint) => { path: string; containerId: string | undefined } | undefined;
  hostname: string;
  /** The network namespace that mine runs in, by its inode number; undefined where it is not known. */
  ownNetns: number | undefined;
  /** The rung of the ladder that saw it. */
  backend: string;
}
