// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The metrics for Prometheus.
import { expect, test } from "bun:test";
import { commands } from "../../src/ipset/message.ts";
import { CommandCounts, type Metrics, metricsText } from "../../src/output/metrics-text.ts";

/** enum ipset_cmd */
const ADD = 9;
const GET_BYNAME = 14;

const metrics: Metrics = {
  ...{ version: "0.2.0", backend: "fexit", bufferBytes: 1024, lastEventNs: undefined },
  commands: new CommandCounts(),
  counts: {
    ...{ seen: 0, filtered: 1, truncated: 2, denied: 3, lost: 4 },
    causes: [
      ["event buffer full", 4],
      ["probe missed", 0],
    ],
  },
};

test("each sample is a line, and each count has its own", () => {
  const lines = metricsText(metrics).split("\n");
  expect(lines).toContain('mine_build_info{version="0.2.0",backend="fexit"} 1');
  expect(lines).toContain('mine_events_lost_total{cause="event buffer full"} 4');
  expect(lines).toContain('mine_events_lost_total{cause="probe missed"} 0');
  expect(lines).toContain("mine_events_filtered_total 1");
  expect(lines).toContain("mine_events_truncated_total 2");
  expect(lines).toContain("mine_events_denied_total 3");
  expect(lines).toContain("mine_buffer_bytes 1024");
  expect(metricsText(metrics)).not.toContain("mine_last_event");
  expect(metricsText({ ...metrics, lastEventNs: 1_500_000_000n })).toContain(
    "\nmine_last_event_timestamp_seconds 1.5\n",
  );
});

test("counts by command and outcome, and every unknown command as one", () => {
  const counts = new CommandCounts();
  counts.add(ADD, "failure");
  counts.add(ADD, "failure");
  counts.add(GET_BYNAME, "unknown");
  for (let number = 16; number < 116; number++) counts.add(number, "success");
  const lines = metricsText({ ...metrics, commands: counts }).split("\n");
  expect(lines).toContain('mine_events_total{command="add",outcome="failure"} 2');
  expect(lines).toContain('mine_events_total{command="add",outcome="success"} 0');
  expect(lines).toContain('mine_events_total{command="get_byname",outcome="unknown"} 1');
  expect(lines).toContain('mine_events_total{command="other",outcome="success"} 100');
  const series = lines.filter((line) => line.startsWith("mine_events_total{"));
  expect(series).toHaveLength((commands.length + 1) * 3);
});
