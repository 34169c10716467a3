import type { ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON, type PackageDefinition } from '@grpc/proto-loader';

type Description = Parameters<typeof fromJSON>[0];

/**
 * What is used of Envoy's `envoy.service.auth.v3.Authorization`, by the field numbers of its .proto files (attribute_context,
 * external_auth, config/core/v3/{address,base}, type/v3/http_status and google/rpc/status). On the wire only the numbers and
 * the name of the service count: fields that are not here are skipped, and messages need not be in the packages of theirs.
 */
const MESSAGES: NonNullable<Description['nested']> = {
  Authorization: {
    methods: { Check: { requestType: 'CheckRequest', responseType: 'CheckResponse', comment: '' } },
  },
  CheckRequest: { fields: { attributes: { type: 'AttributeContext', id: 1 } } },
  AttributeContext: {
    fields: {
      source: { type: 'Peer', id: 1 },
      request: { type: 'Request', id: 4 },
      contextExtensions: { rule: 'repeated', type: 'Entry', id: 10 },
    },
  },
  Peer: {
    fields: { address: { type: 'Address', id: 1 }, certificate: { type: 'string', id: 5 } },
  },
  Address: { fields: { socketAddress: { type: 'SocketAddress', id: 1 } } },
  SocketAddress: { fields: { address: { type: 'string', id: 2 } } },
  Request: { fields: { http: { type: 'HttpRequest', id: 2 } } },
  HttpRequest: {
    fields: {
      headers: { rule: 'repeated', type: 'Entry', id: 3 },
      headerMap: { type: 'HeaderMap', id: 13 },
    },
  },
  // A map is a list of such entries.
  Entry: { fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
  HeaderMap: { fields: { headers: { rule: 'repeated', type: 'HeaderValue', id: 1 } } },
  HeaderValue: {
    fields: {
      key: { type: 'string', id: 1 },
      value: { type: 'string', id: 2 },
      rawValue: { type: 'bytes', id: 3 },
    },
  },
  CheckResponse: {
    fields: {
      status: { type: 'Status', id: 1 },
      deniedResponse: { type: 'DeniedHttpResponse', id: 2 },
      okResponse: { type: 'OkHttpResponse', id: 3 },
    },
  },
  Status: { fields: { code: { type: 'int32', id: 1 }, message: { type: 'string', id: 2 } } },
  DeniedHttpResponse: {
    fields: {
      status: { type: 'HttpStatus', id: 1 },
      headers: { rule: 'repeated', type: 'HeaderValueOption', id: 2 },
      body: { type: 'string', id: 3 },
    },
  },
  HttpStatus: { fields: { code: { type: 'int32', id: 1 } } },
  OkHttpResponse: {
    fields: {
      headers: { rule: 'repeated', type: 'HeaderValueOption', id: 2 },
      headersToRemove: { rule: 'repeated', type: 'string', id: 5 },
    },
  },
  HeaderValueOption: {
    fields: {
      header: { type: 'HeaderValue', id: 1 },
      appendAction: { type: 'int32', id: 3 },
    },
  },
};

const NAME = 'envoy.service.auth.v3.Authorization';

/** `envoy.service.auth.v3.Authorization`, as a server or a client of grpc-js takes it. */
export const authorizationService: ServiceDefinition = serviceIn(fromJSON(packaged(NAME, MESSAGES)));

/** In the packages that come before the last part of `name`. */
function packaged(name: string, nested: typeof MESSAGES): Description {
  const packages = name.split('.').slice(0, -1);
  return packages.reduceRight<Description>((inner, part) => ({ nested: { [part]: inner } }), { nested });
}

function serviceIn({ [NAME]: found }: PackageDefinition): ServiceDefinition {
  if (found === undefined || 'format' in found) throw new TypeError(`${NAME} is no service`);
  return found;
}
