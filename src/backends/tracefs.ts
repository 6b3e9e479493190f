// tracefs, with the names that the probes of mine have in it.
import { Tracefs } from "../core/tracefs.ts";
import { log } from "../log.ts";

export const findTracefs = (): Tracefs | undefined => Tracefs.find("mine", log);
