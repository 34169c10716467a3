import { readFileSync } from 'node:fs';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  type Resource,
} from '@opentelemetry/resources';

/**
 * What all telemetry of the process says of where it comes from: `service.name`, `service.version`, `service.instance.id` (new
 * with every start), the host, and what `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say, which counts first. Nothing
 * of the command line.
 */
export function resourceOf(serviceName: string): Resource {
  const own = resourceFromAttributes({ 'service.name': serviceName, 'service.version': version() });
  const detected = detectResources({ detectors: [serviceInstanceIdDetector, hostDetector, envDetector] });
  return defaultResource().merge(own).merge(detected);
}

/** Of all packages: they are released as one. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const isVersioned = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isVersioned ? String(manifest.version) : 'unknown';
}
