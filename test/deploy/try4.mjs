import { startNatsCluster } from '@stance/testing';
import { applyTopology, connectToNats, StreamFollower } from '@stance/jetstream';
import { jetstream } from '@nats-io/jetstream';
const n=Number(process.argv[2]);
const c = await startNatsCluster({servers:3, estate:{gateways:['edge']}});
const as=(user)=>connectToNats({url:c.url,name:user,nkeySeedFile:c.settingsOf(user).NATS_NKEY_SEED_FILE,tls:{caFile:c.caFile}});
try {
const topo = await as('topology'); await applyTopology(topo,{replicas:n,gateways:['edge']}); await c.inSync();
const bg = await as('break-glass'); const edge = await as('gateway-edge');
const sent=new Map(), copy=[], orig=[], acks=[];
const f=await StreamFollower.start(edge,{stream:'STANCE_DECISIONS',filter:'stance.decision.changed.v1.edge.>',from:{sequence:1}},(m)=>copy.push(performance.now()-sent.get(m.string())));
const g=await StreamFollower.start(bg,{stream:'STANCE_DECISIONS',filter:'stance.decision.changed.v1.edge.>',from:{sequence:1}},(m)=>orig.push(performance.now()-sent.get(m.string())));
const js=jetstream(bg); const body=' '.repeat(600);
for (let i=0;i<1500;i++){ sent.set(i+body,performance.now()); const t=performance.now(); await js.publish('stance.decision.changed.v1.edge.d'+i,i+body,{msgID:'m'+i}); acks.push(performance.now()-t); await new Promise(r=>setTimeout(r,4)); }
await new Promise(r=>setTimeout(r,1000));
const q=(a,p)=>a.slice(200).sort((x,y)=>x-y)[Math.floor((a.length-200)*p)]?.toFixed(2);
for (const [k,a] of Object.entries({ack:acks,original:orig,copy})) console.log(`R${n}`,k,a.length,'p50',q(a,.5),'p99',q(a,.99));
await f.stop(); await g.stop(); await Promise.all([topo,bg,edge].map(x=>x.close()));
} finally { await c.close(); }
