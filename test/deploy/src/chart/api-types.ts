import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Pod } from 'kubernetes-models/v1/Pod';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import type { Kind, KubernetesObject, ObjectOf } from './kubernetes-objects.js';

/** Checks an object against the API type of its kind; throws what is wrong with it. */
type Check<K extends Kind> = (object: ObjectOf<K>) => void;

const CHECKS: { readonly [K in Kind]: Check<K> } = {
  ConfigMap: (object) => new ConfigMap(object).validate(),
  Deployment: (object) => new Deployment(object).validate(),
  HorizontalPodAutoscaler: (object) => new HorizontalPodAutoscaler(object).validate(),
  Job: (object) => new Job(object).validate(),
  NetworkPolicy: (object) => new NetworkPolicy(object).validate(),
  Pod: (object) => new Pod(object).validate(),
  PodDisruptionBudget: (object) => new PodDisruptionBudget(object).validate(),
  PrometheusRule: (object) => new PrometheusRule(object).validate(),
  ScaledObject: (object) => new ScaledObject(object).validate(),
  Service: (object) => new Service(object).validate(),
  ServiceAccount: (object) => new ServiceAccount(object).validate(),
  ServiceMonitor: (object) => new ServiceMonitor(object).validate(),
};

/** Throws where an object of the chart is not of its API type: fields that are missing, or of another type. */
export function checkApiType<K extends Kind>(object: KubernetesObject & ObjectOf<K>): void {
  const check: Check<K> | undefined = CHECKS[object.kind];
  if (check === undefined) throw new Error(`the chart makes a ${object.kind}, whose API type is not known here`);
  check(object);
}
