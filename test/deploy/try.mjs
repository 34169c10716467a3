import { startNatsCluster } from '@stance/testing';
import { applyTopology, connectToNats, inspectTopology } from '@stance/jetstream';
const t0=performance.now(); const at=(m)=>console.log((performance.now()-t0).toFixed(0),m);
const format = process.argv[2] ?? 'config';
const c = await startNatsCluster({estate:{gateways:['edge','vpn']}, format, onLog:(s,l)=>{ if(/\[(ERR|WRN|FTL)\]/.test(l)) console.log(s,l.slice(0,220)); }});
at('started '+c.url);
try {
const topo = await connectToNats({url:c.url,name:'t',nkeySeedFile:c.settingsOf('topology').NATS_NKEY_SEED_FILE,credsFile:c.settingsOf('topology').NATS_CREDS_FILE,tls:{caFile:c.caFile}});
at('connected');
console.log(await applyTopology(topo,{replicas:3,gateways:['edge','vpn']}));
at('topology');
await c.inSync(); at('in sync');
for (const s of c.servers) { await c.restart(s); at('restarted '+s.name); }
await c.restart(c.servers[0],'kill'); at('killed');
await c.restart(c.servers[1],'shutdown'); at('shutdown');
await topo.close();
} finally { await c.close(); at('closed'); }
