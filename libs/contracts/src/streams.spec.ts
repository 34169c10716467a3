import { describe, expect, it } from '@jest/globals';
import { EVENTS } from './catalogue.js';
import type { EventContract } from './event.js';
import { SERVICES } from './services.js';
import { wireTopology } from './stream-config.js';
import { BUCKETS, STREAMS, type StreamDefinition } from './streams.js';

const streams: readonly StreamDefinition[] = Object.values(STREAMS);
const events: readonly EventContract[] = EVENTS;

/** Whether some subject fits both filters; `>` stands for one token or more. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [one.split('.'), other.split('.')];
  for (let at = 0; ; at += 1) {
    const [x, y] = [a[at], b[at]];
    if (x === undefined || y === undefined) return x === y;
    if (x === '>' || y === '>') return true;
    if (x !== y && x !== '*' && y !== '*') return false;
  }
}

const subjectFilter = ({ subjectPrefix, keys }: EventContract) =>
  keys.length === 0 ? subjectPrefix : `${subjectPrefix}.>`;

describe('the streams', () => {
  it('share no subject', () => {
    const filters = wireTopology().flatMap(({ name, subjects }) => subjects.map((subject) => ({ name, subject })));
    const shared = filters.flatMap((one, at) =>
      filters.slice(at + 1).filter((other) => overlap(one.subject, other.subject)),
    );
    expect(shared).toEqual([]);
  });

  it.each(events.map((event) => [event.name, event] as const))(
    '%s is captured by exactly its own stream',
    (_, event) => {
      const capturing = streams.filter(({ subjects }) => subjects.some((one) => overlap(one, subjectFilter(event))));
      expect(capturing).toEqual(event.stream === null ? [] : [event.stream]);
    },
  );

  it.each(streams.map((stream) => [stream.name, stream] as const))(
    '%s is written by the owners of its events',
    (_, stream) => {
      const owners = events.filter((event) => event.stream === stream).flatMap((event) => event.owners);
      expect(new Set(stream.writtenBy)).toEqual(new Set(owners));
      expect(stream.subjects).toHaveLength(events.filter((event) => event.stream === stream).length);
    },
  );

  it('no two events share a name or a subject', () => {
    expect(new Set(events.map(({ name }) => name)).size).toBe(events.length);
    expect(new Set(events.map(({ subjectPrefix }) => subjectPrefix)).size).toBe(events.length);
  });

  it('state is never evicted: a full stream refuses, and only dead letters age', () => {
    for (const { name, discard, max_age } of wireTopology()) {
      expect({ name, discard, ages: max_age > 0 }).toEqual({
        name,
        discard: name === STREAMS.TIMERS.name ? 'old' : 'new',
        ages: name === STREAMS.DEAD.name,
      });
    }
  });

  it('the audit trail alone refuses deletion and purge', () => {
    const sealed = wireTopology().filter(({ deny_delete, deny_purge }) => deny_delete && deny_purge);
    expect(sealed.map(({ name }) => name)).toEqual([STREAMS.AUDIT.name]);
  });

  it('headers that replace or delay messages are taken only where they are needed', () => {
    const names = (allowed: (stream: StreamDefinition) => boolean | undefined) =>
      streams.filter(allowed).map(({ name }) => name.replace('STANCE_', ''));
    expect(names(({ schedules }) => schedules)).toEqual(['TIMERS']);
    expect(names(({ rollup }) => rollup)).toEqual(['AGENTS', 'DEVICES', 'MATCHES', 'POSTURE', 'DECISIONS', 'TIMERS']);
  });

  it('replicas are as asked, buckets included', () => {
    const replicas = wireTopology({ replicas: 3 }).map(({ num_replicas }) => num_replicas);
    expect(replicas).toEqual(Array.from({ length: streams.length + Object.keys(BUCKETS).length }, () => 3));
  });

  it('services have names that fit subjects and durables', () => {
    for (const service of SERVICES) expect(service).toMatch(/^[a-z-]{1,20}$/);
  });
});
