import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ServiceProcess } from '@stance/testing';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IVolume } from 'kubernetes-models/v1/Volume';
import { containersOf, environmentOf, type RenderedPod } from './kubernetes-objects.js';
import type { RenderedChart } from './rendered-chart.js';

const STANCE = fileURLToPath(new URL('../../../../services/cli/bin/stance.mjs', import.meta.url));

/** Where all that the chart mounts lies in a container. */
const MOUNTED = '/etc/stance/';

/** What a pod takes from outside of the chart. */
export interface Surroundings {
  /** A folder that stands for the container's root. */
  readonly root: string;
  /** A port of this machine for one of the pod, which others may have taken here. */
  readonly ports?: Readonly<Record<string, number>>;
  /** The content of a key of a Secret. */
  readonly secret: (secret: string, key: string) => Promise<string>;
}

/** How a program ended, and what it said. */
export interface Ending {
  readonly exitCode: number | null;
  readonly said: string;
}

/** A pod of the chart on this machine: its volumes as folders, its containers as processes with just their environment. */
export class LocalPod {
  private constructor(
    private readonly pod: RenderedPod,
    private readonly root: string,
    private readonly ports: Readonly<Record<string, number>>,
  ) {}

  /** Writes what the pod mounts. */
  static async prepare(
    chart: RenderedChart,
    title: string,
    { root, ports = {}, secret }: Surroundings,
  ): Promise<LocalPod> {
    const pod = chart.pod(title);
    const local = new LocalPod(pod, join(root, title), ports);
    for (const volume of pod.spec.volumes ?? []) {
      const mounts = containersOf(pod).flatMap(({ volumeMounts = [] }) => volumeMounts);
      const path = mounts.find(({ name }) => name === volume.name)?.mountPath;
      if (path?.startsWith(MOUNTED) !== true) continue;
      for (const [name, content] of await filesOf(volume, chart, secret)) {
        const file = join(local.root, path, name);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, local.local(content));
      }
    }
    return local;
  }

  /** Starts the service of a container. */
  service(name: string): ServiceProcess {
    const container = this.container(name);
    const [service = ''] = container.args ?? [];
    return ServiceProcess.start(service, this.environment(container));
  }

  /** Starts what a container runs with Node: a command of `stance`, or a script of the chart. */
  program(name: string, environment: NodeJS.ProcessEnv = {}): ChildProcess {
    const container = this.container(name);
    const words = container.command?.slice(1).map((word) => this.local(word)) ?? [
      STANCE,
      ...(container.args ?? []).slice(1),
    ];
    const env = { PATH: process.env['PATH'], TEST_STANCE: STANCE, ...this.environment(container), ...environment };
    return spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Runs a program to its end. */
  async run(name: string, environment: NodeJS.ProcessEnv = {}): Promise<Ending> {
    const child = this.program(name, environment);
    const read = async (stream: ChildProcess['stdout']) => (stream === null ? '' : text(stream));
    const [out, errors] = await Promise.all([read(child.stdout), read(child.stderr), once(child, 'close')]);
    return { exitCode: child.exitCode, said: `${out}${errors}` };
  }

  private container(name: string): IContainer {
    const found = containersOf(this.pod).find((container) => container.name === name);
    if (found === undefined) throw new Error(`${this.pod.title} has no container ${name}`);
    return found;
  }

  /** The ports of health are any that are free: all pods share this machine. */
  private environment(container: IContainer): Record<string, string> {
    const { NODE_OPTIONS: _ofContainer, ...rest } = environmentOf(container);
    const entries = Object.entries(rest).map(([name, value]): [string, string] => [name, this.local(value)]);
    return { ...Object.fromEntries(entries), STANCE_HTTP_HOST: '127.0.0.1', STANCE_HTTP_PORT: '0' };
  }

  private local(value: string): string {
    const placed = value.startsWith(MOUNTED) ? join(this.root, value) : value;
    return Object.entries(this.ports).reduce((moved, [port, own]) => moved.replaceAll(port, String(own)), placed);
  }
}

type Files = readonly (readonly [path: string, content: string])[];

/** What a volume holds, by path. */
async function filesOf(volume: IVolume, chart: RenderedChart, secret: Surroundings['secret']): Promise<Files> {
  const sources = volume.projected?.sources ?? [{ configMap: volume.configMap }];
  const files = sources.map(async (source): Promise<Files> => {
    if (source.configMap?.name !== undefined) {
      return Object.entries(chart.the('ConfigMap', source.configMap.name).data ?? {});
    }
    const { name = '', items = [] } = ('secret' in source && source.secret) || {};
    return Promise.all(items.map(async ({ key, path }) => [path, await secret(name, key)] as const));
  });
  return (await Promise.all(files)).flat();
}
