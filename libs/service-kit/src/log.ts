import { isSpanContextValid, trace } from '@opentelemetry/api';
import { pino, type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

/** JSON lines on stdout, readable ones on a terminal; each carries the ids of the trace that it belongs to. */
export function createLogger(
  service: string,
  level: string,
  destination: DestinationStream = defaultDestination(),
): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Secrets never leave, wherever an object that holds one is logged.
      redact: {
        paths: ['token', '*.token', 'authorization', '*.authorization', 'headers.authorization'],
        censor: '[secret]',
      },
      mixin: () => {
        const span = trace.getActiveSpan()?.spanContext();
        return span === undefined || !isSpanContextValid(span) ? {} : { trace_id: span.traceId, span_id: span.spanId };
      },
    },
    destination,
  );
}

function defaultDestination(): DestinationStream {
  return process.stdout.isTTY ? terminalLog() : pino.destination({ fd: 1, sync: false });
}

/** Log lines as people read them, on stdout. */
export function terminalLog(): DestinationStream {
  return pretty({
    colorize: process.stdout.isTTY,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname,service',
    messageFormat: '{service}: {msg}',
    sync: true,
  });
}
