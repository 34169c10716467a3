import { startNatsCluster, waitFor } from '@stance/testing';
import { applyTopology, connectToNats, StreamFollower } from '@stance/jetstream';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
const t0=performance.now(); const at=(m)=>console.log((performance.now()-t0).toFixed(0),m);
const c = await startNatsCluster({estate:{gateways:['edge']}, onLog:(s,l)=>{ if (process.env.NLOG && /mirror|Mirror|stall/i.test(l)) console.log(s,l.slice(0,240)); }});
const as=(user)=>connectToNats({url:c.url,name:user,nkeySeedFile:c.settingsOf(user).NATS_NKEY_SEED_FILE,tls:{caFile:c.caFile}});
try {
const topo = await as('topology'); await applyTopology(topo,{replicas:3,gateways:['edge']}); await c.inSync();
const bg = await as('break-glass'); const edge = await as('gateway-edge');
const mgr=await jetstreamManager(bg,{checkAPI:false}); const setup=await jetstreamManager(topo,{checkAPI:false,apiPrefix:'stance.setup.gateway.edge'});
const seen=new Map();
const f=await StreamFollower.start(edge,{stream:'STANCE_DECISIONS',filter:'stance.decision.changed.v1.edge.>',from:{sequence:1}},(m)=>seen.set(m.string(),performance.now()));
let id=0; const lead=async()=>{ for(;;) try { const [a,b,d]=[await mgr.streams.info('STANCE_DECISIONS'),await mgr.consumers.info('STANCE_DECISIONS','gateway-edge'),await setup.streams.info('STANCE_DECISIONS')]; if(a.cluster.leader&&b.cluster.leader&&d.cluster.leader) return [a.cluster.leader,b.cluster.leader,d.cluster.leader]; } catch {} };
const go=async(name)=>{ const i=String(++id); const t=performance.now(); await waitFor(async()=>(await jetstream(bg,{timeout:2000}).publish('stance.decision.changed.v1.edge.d'+i,i,{msgID:i})).seq,{what:'p',timeoutMs:90000}); const p=performance.now();
 const inMirror=(async()=>{ await waitFor(async()=>((await setup.streams.info('STANCE_DECISIONS')).state.messages)>=id,{what:'mirror',timeoutMs:90000,intervalMs:50}); return performance.now()-p; })();
 await waitFor(()=>seen.has(i),{what:'seen',timeoutMs:90000}); const m=await inMirror; return `${name}: publish ${(p-t).toFixed(0)} mirror ${m.toFixed(0)} read ${(seen.get(i)-p).toFixed(0)}`; };
for (let r=0;r<Number(process.argv[2]??8);r++) for (const how of (process.argv[3]??'shutdown').split(',')) {
 const l=await lead(); const s=c.servers.find(x=>x.name===l[2]); const t=performance.now();
 await s.end(how); const a=await go('without'); await s.start(); const b=await go('with'); const x=performance.now(); await c.inSync(); const y=performance.now(); const d=await go('after');
 at(`${how} [o,c,m]=${l} | ${a} | ${b} | insync ${(y-x).toFixed(0)} | ${d}`);
}
await f.stop(); await Promise.all([topo,bg,edge].map(x=>x.close()));
} finally { await c.close(); }
