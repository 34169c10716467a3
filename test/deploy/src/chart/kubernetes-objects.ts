import type { IScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import type { IPrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import type { IServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import type { IJob } from 'kubernetes-models/batch/v1/Job';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPod } from 'kubernetes-models/v1/Pod';
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';
import type { IService } from 'kubernetes-models/v1/Service';
import type { IServiceAccount } from 'kubernetes-models/v1/ServiceAccount';

/** Every kind that the chart makes by itself. */
export type KubernetesObject =
  | IConfigMap
  | IDeployment
  | IHorizontalPodAutoscaler
  | IJob
  | INetworkPolicy
  | IPod
  | IPodDisruptionBudget
  | IPrometheusRule
  | IScaledObject
  | IService
  | IServiceAccount
  | IServiceMonitor;

export type Kind = KubernetesObject['kind'];
export type ObjectOf<K extends Kind> = Extract<KubernetesObject, { kind: K }>;

/** A pod, whatever makes it. */
export interface RenderedPod {
  /** As in `Deployment/stance-audit`. */
  readonly title: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: IPodSpec;
}

/** The pod of an object that makes pods. */
export function podOf(object: KubernetesObject): RenderedPod | undefined {
  const title = `${object.kind}/${nameOf(object)}`;
  if (object.kind === 'Pod') {
    if (object.spec === undefined) return undefined;
    return { title, labels: object.metadata?.labels ?? {}, annotations: {}, spec: object.spec };
  }
  if (object.kind !== 'Deployment' && object.kind !== 'Job') return undefined;
  const template = object.spec?.template;
  if (template?.spec === undefined) return undefined;
  const { labels = {}, annotations = {} } = template.metadata ?? {};
  return { title, labels, annotations, spec: template.spec };
}

export function nameOf({ metadata }: KubernetesObject): string {
  return metadata?.name ?? '';
}

/** All containers of a pod, those that run before or beside the others too. */
export function containersOf(pod: RenderedPod): IContainer[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
}

/** The environment of a container: values, or `<from elsewhere>`. */
export function environmentOf({ env = [] }: IContainer): Record<string, string> {
  return Object.fromEntries(env.map(({ name, value }) => [name, value ?? '<from elsewhere>']));
}
