import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isNativeError } from 'node:util/types';
import { temporaryFolder } from '@stance/testing';
import { parseAllDocuments, stringify } from 'yaml';
import { findHelm } from './find-helm.js';
import {
  nameOf,
  podOf,
  type Kind,
  type KubernetesObject,
  type ObjectOf,
  type RenderedPod,
} from './kubernetes-objects.js';

export const CHART = fileURLToPath(new URL('../../../../deploy/helm/stance', import.meta.url));

/** The Kubernetes that is rendered for: the oldest that the chart takes. */
export const KUBERNETES_VERSION = '1.30.0';

/** Values of the chart, as far as a spec says them. */
export type Values = Readonly<Record<string, unknown>>;

/** A values file in `ci/`. */
export type CiValues = 'default' | 'minimal' | 'full';
export const CI_VALUES: readonly CiValues[] = ['default', 'minimal', 'full'];
export const ciFile = (name: CiValues) => join(CHART, 'ci', `${name}-values.yaml`);

/** Thrown when helm refuses; the message is what a user would read. */
class ChartRefused extends Error {
  override readonly name = 'ChartRefused';
}

export interface RenderOptions {
  /** The file in `ci/` below `values`. Default: `default`. */
  readonly from?: CiValues;
  /** Default: `stance`. */
  readonly release?: string;
  /** Default: CHART. */
  readonly chart?: string;
}

const rendered = new Map<string, Promise<RenderedChart>>();

/** What `helm template` makes of values, in namespace `security`; the same values are rendered once. Throws {@link ChartRefused}. */
export function render(values: Values = {}, options: RenderOptions = {}): Promise<RenderedChart> {
  const key = JSON.stringify([values, options]);
  const known = rendered.get(key) ?? renderAnew(values, options);
  rendered.set(key, known);
  return known;
}

/** As {@link render}, by another run of helm. */
export async function renderAnew(values: Values = {}, options: RenderOptions = {}): Promise<RenderedChart> {
  const text = await template(values, options);
  const documents = parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject | null);
  return new RenderedChart(
    documents.filter((document) => document !== null),
    text,
  );
}

async function template(values: Values, { from = 'default', release = 'stance', chart = CHART }: RenderOptions) {
  const folder = await temporaryFolder();
  try {
    const file = join(folder.path, 'values.yaml');
    await writeFile(file, stringify(values));
    const base = chart === CHART ? ['-f', ciFile(from)] : [];
    const words = ['template', release, chart, '--namespace', 'security', '--kube-version', KUBERNETES_VERSION];
    return await helm([...words, ...base, '-f', file]);
  } finally {
    await folder.remove();
  }
}

/** Runs helm; what it says. Throws {@link ChartRefused}. */
export async function helm(words: readonly string[]): Promise<string> {
  const binary = await findHelm();
  if (binary === undefined) throw new ChartRefused('there is no helm');
  try {
    const { stdout } = await promisify(execFile)(binary, words, { maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const said = isNativeError(error) && 'stderr' in error ? String(error.stderr) : String(error);
    throw new ChartRefused(said.trim());
  }
}

/** The objects of a rendered chart. */
export class RenderedChart {
  constructor(
    readonly objects: readonly KubernetesObject[],
    /** As helm wrote it. */
    readonly text: string,
  ) {}

  all<K extends Kind>(kind: K): ObjectOf<K>[] {
    return this.objects.filter((object): object is ObjectOf<K> => object.kind === kind);
  }

  /** The one of a kind and name. Throws where there is none: it names those that are. */
  the<K extends Kind>(kind: K, name: string): ObjectOf<K> {
    const found = this.all(kind).find((object) => nameOf(object) === name);
    if (found !== undefined) return found;
    throw new Error(`no ${kind} ${name}, but ${this.names(kind).join(', ')}`);
  }

  names(kind: Kind): string[] {
    return this.all(kind).map(nameOf).toSorted();
  }

  pods(): RenderedPod[] {
    return this.objects.flatMap((object) => podOf(object) ?? []);
  }

  /** The pod of a Deployment, Job or Pod, as in `Deployment/stance-audit`. */
  pod(title: string): RenderedPod {
    const found = this.pods().find((pod) => pod.title === title);
    if (found !== undefined) return found;
    const titles = this.pods().map((pod) => pod.title);
    throw new Error(`no ${title}, but ${titles.join(', ')}`);
  }
}
