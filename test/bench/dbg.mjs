import 'reflect-metadata';
import { startBench, startServices, publishPolicy, enroll, SERVICES } from './dist/pipeline.js';
import { jetstreamManager } from '@nats-io/jetstream';
import { STREAMS } from '@stance/contracts';
const b = await startBench(200);
await startServices(b, SERVICES, {
  SENTINELONE_URL: b.tenant.url,
  SENTINELONE_API_TOKEN: b.tenant.token,
  SENTINELONE_POLL_INTERVAL: '45ms',
  SENTINELONE_SWEEP_INTERVAL: '1h',
});
await publishPolicy(b);
await enroll(b);
for (let i = 0; i < 3; i++) {
  await new Promise((r) => setTimeout(r, 2500));
  const m = await jetstreamManager(b.connection);
  for (const s of Object.values(STREAMS)) {
    const st = (await m.streams.info(s.name)).state;
    console.log(s.name, st.messages, st.first_seq, st.last_seq, st.num_deleted);
    for await (const c of m.consumers.list(s.name))
      if (c.config.durable_name) console.log('   ', c.name, c.num_pending, c.num_ack_pending);
      else console.log('   eph', c.name, c.num_pending, c.num_ack_pending);
  }
}
for (const [n, s] of b.services) console.log(n, s.lines.filter((l) => l.level !== 'info').slice(0, 3), s.errors);
await b.close();
