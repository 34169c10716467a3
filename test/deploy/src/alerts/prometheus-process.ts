import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';
import { stringify } from 'yaml';
import { z } from 'zod';

/** A process whose /metrics is read. */
export interface Target {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly job: string;
  /** Tells installations apart. */
  readonly namespace: string;
}

/** A firing alert, by its labels. */
export type FiringAlert = Readonly<Record<string, string>>;

const Alerts = z.object({
  data: z.object({ alerts: z.array(z.object({ state: z.string(), labels: z.record(z.string(), z.string()) })) }),
});
const Query = z.object({
  status: z.string(),
  error: z.string().optional(),
  data: z.object({ result: z.array(z.unknown()) }).optional(),
});
const Names = z.object({ data: z.array(z.string()) });

export interface PrometheusOptions {
  readonly binary: string;
  /** The text of a rules file; none by default. */
  readonly rules?: string;
}

/** A real Prometheus on a free port, which looks at its targets and rules every second and keeps its data in a temporary folder. */
export class PrometheusProcess {
  private readonly targets: Target[] = [];
  private log = '';

  private constructor(
    private readonly folder: TemporaryFolder,
    private readonly child: ChildProcess,
    private readonly url: string,
  ) {
    child.stderr?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
  }

  static async start({ binary, rules }: PrometheusOptions): Promise<PrometheusProcess> {
    const folder = await temporaryFolder();
    const configuration = {
      global: { scrape_interval: '1s', scrape_timeout: '900ms', evaluation_interval: '1s' },
      ...(rules !== undefined && { rule_files: ['rules.yaml'] }),
      scrape_configs: [
        {
          job_name: 'stance',
          file_sd_configs: [{ files: ['targets.json'], refresh_interval: '1s' }],
        },
      ],
    };
    await writeFile(join(folder.path, 'prometheus.yaml'), stringify(configuration));
    await writeFile(join(folder.path, 'targets.json'), '[]');
    if (rules !== undefined) await writeFile(join(folder.path, 'rules.yaml'), rules);
    const port = await freePort();
    const child = spawn(
      binary,
      [
        '--config.file=prometheus.yaml',
        '--storage.tsdb.path=data',
        `--web.listen-address=127.0.0.1:${port}`,
        '--web.enable-lifecycle',
      ],
      { cwd: folder.path, env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const prometheus = new PrometheusProcess(folder, child, `http://127.0.0.1:${port}`);
    const isReady = async () => {
      if (child.exitCode !== null) return true;
      return (await fetch(`${prometheus.url}/-/ready`)).ok;
    };
    await waitFor(isReady, { what: 'Prometheus to be ready', timeoutMs: 20_000 });
    if (child.exitCode !== null) throw new Error(`Prometheus did not start. It said:\n${prometheus.log}`);
    return prometheus;
  }

  /** Reads one more process from now on. */
  async watch(target: Target): Promise<void> {
    this.targets.push(target);
    const groups = this.targets.map(({ url, job, namespace }) => ({
      targets: [new URL(url).host],
      labels: { job, namespace },
    }));
    const next = join(this.folder.path, 'targets.json.next');
    await writeFile(next, JSON.stringify(groups));
    await rename(next, join(this.folder.path, 'targets.json'));
  }

  /** The alerts that fire now. */
  async firing(): Promise<FiringAlert[]> {
    const { data } = Alerts.parse(await (await fetch(`${this.url}/api/v1/alerts`)).json());
    return data.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels);
  }

  /** How many series an expression gives now. Throws what Prometheus finds wrong with it. */
  async count(expression: string): Promise<number> {
    const answer = await fetch(`${this.url}/api/v1/query?${new URLSearchParams({ query: expression }).toString()}`);
    const { error, data } = Query.parse(await answer.json());
    if (data === undefined) throw new Error(`${error ?? 'no answer'}: ${expression}`);
    return data.result.length;
  }

  /** The name of every metric that it has read. */
  async metricNames(): Promise<string[]> {
    return Names.parse(await (await fetch(`${this.url}/api/v1/label/__name__/values`)).json()).data;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await ended;
    }
    await this.folder.remove();
  }
}
