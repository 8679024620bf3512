/** Values that are read when somebody asks for them. Labels come from a small fixed set. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** The whole sample without its value, such as `name{label="x"}`, with its value. */
  readonly samples: readonly (readonly [string, number])[];
}

/** Counters of this process, answered at /metrics in the text format of Prometheus. */
export class Metrics {
  private readonly sources: (() => readonly MetricFamily[])[] = [];
  private readonly counters = new Map<string, { help: string; values: Map<string, number> }>();

  /** Adds to a counter; `labels` must come from a small fixed set, never from what a caller sent. */
  count(name: string, help: string, labels: Readonly<Record<string, string>> = {}, by = 1): void {
    const counter = this.counters.get(name) ?? { help, values: new Map<string, number>() };
    const key = Object.entries(labels)
      .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
      .join(',');
    counter.values.set(key, (counter.values.get(key) ?? 0) + by);
    this.counters.set(name, counter);
  }

  /** Adds values that are kept elsewhere. */
  read(families: () => readonly MetricFamily[]): void {
    this.sources.push(families);
  }

  text(): string {
    const counters = [...this.counters].flatMap(([name, { help, values }]) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} counter`,
      ...[...values].map(([labels, value]) => `${name}${labels === '' ? '' : `{${labels}}`} ${value}`),
    ]);
    const read = this.sources.flatMap((families) => families()).flatMap(linesOf);
    return [...processGauges(), ...counters, ...read, ''].join('\n');
  }
}

const linesOf = ({ name, type, help, samples }: MetricFamily): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  ...samples.map(([sample, value]) => `${sample} ${value}`),
];

function processGauges(): string[] {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return [
    ...metric('process_resident_memory_bytes', 'gauge', 'Resident memory.', rss),
    ...metric('nodejs_heap_size_used_bytes', 'gauge', 'Used heap.', heapUsed),
    ...metric('process_cpu_seconds_total', 'counter', 'CPU time, user and system.', (user + system) / 1e6),
    ...metric('process_start_time_seconds', 'gauge', 'When the process started.', Math.round(performance.timeOrigin / 1000)),
  ];
}

const metric = (name: string, type: string, help: string, value: number): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  `${name} ${value}`,
];
