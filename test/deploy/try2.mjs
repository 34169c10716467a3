import { startNatsCluster } from '@stance/testing';
import { applyTopology, connectToNats, StreamFollower } from '@stance/jetstream';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
const t0=performance.now(); const at=(m)=>console.log((performance.now()-t0).toFixed(0),m);
const format = process.argv[2] ?? 'config'; const n=Number(process.argv[3]??3);
const c = await startNatsCluster({servers:n, estate:{gateways:['edge','vpn']}, format});
at('started');
const as=(user)=>connectToNats({url:c.url,name:user,nkeySeedFile:c.settingsOf(user).NATS_NKEY_SEED_FILE,credsFile:c.settingsOf(user).NATS_CREDS_FILE,tls:{caFile:c.caFile}});
const sleep=(ms)=>new Promise(r=>setTimeout(r,ms));
try {
const topo = await as('topology');
await applyTopology(topo,{replicas:n,gateways:['edge','vpn']});
await c.inSync(); at('in sync');
const bg = await as('break-glass'); const edge = await as('gateway-edge');
const js=jetstream(bg); const mgr=await jetstreamManager(bg);
const emgr=await jetstreamManager(edge,{checkAPI:false});
const setup=await jetstreamManager(topo,{checkAPI:false,apiPrefix:'stance.setup.gateway.edge'});
const sent=new Map(); const got=new Map(); const lat=[];
const f=await StreamFollower.start(edge,{stream:'STANCE_DECISIONS',filter:'stance.decision.changed.v1.edge.>',from:{sequence:1}},(m)=>{ const id=Number(m.string()); if(!got.has(id)){ got.set(id,m.seq); const s=sent.get(id); if(s) lat.push([performance.now()-s.t,performance.now()]); }});
let id=0; let run=true; let fails=0;
const pump=(async()=>{ while(run){ const my=id++; sent.set(my,{t:performance.now()}); for(;;){ try { const a=await js.publish(`stance.decision.changed.v1.edge.d${my%50}`,String(my),{msgID:`m${my}`,timeout:2000}); sent.get(my).seq=a.seq; break;} catch(e){ fails++; await sleep(50);} } await sleep(10);} })();
const q=(a,p)=>a.slice().sort((x,y)=>x-y)[Math.floor(a.length*p)]?.toFixed(2);
const report=(m)=>{ const l=lat.splice(0).map(x=>x[0]); at(`${m}: n=${l.length} p50=${q(l,.5)} p99=${q(l,.99)} max=${q(l,.9999)} fails=${fails}`); };
const missing=async(ms=20000)=>{ const upto=id-1; const end=performance.now()+ms; let miss; for(;;){ miss=[...Array(upto).keys()].filter(i=>!got.has(i)); if(!miss.length||performance.now()>end) break; await sleep(50);} return miss.length; };
await sleep(4000); report('undisturbed');
const req=async(s)=>JSON.parse((await bg.request(s,'',{timeout:5000})).string());
const leaders=async()=>{ const s=await mgr.streams.info('STANCE_DECISIONS'); const co=await mgr.consumers.info('STANCE_DECISIONS','gateway-edge'); const m=await setup.streams.info('STANCE_DECISIONS'); return {origin:s.cluster?.leader,consumer:co.cluster?.leader,mirror:m.cluster?.leader,oseq:s.state.last_seq,mseq:m.state.last_seq, mi:m.mirror}; };
if (n>1) {
at(await leaders().then(JSON.stringify));
for (let i=0;i<3;i++){
 at(JSON.stringify(await req('$JS.API.STREAM.LEADER.STEPDOWN.STANCE_DECISIONS'))); await sleep(3000); at('missing '+await missing()); report('origin stepdown'); at(await leaders().then(JSON.stringify));
 at(JSON.stringify(await req('$JS.API.CONSUMER.LEADER.STEPDOWN.STANCE_DECISIONS.gateway-edge'))); await sleep(3000); at('missing '+await missing()); report('consumer stepdown'); at(await leaders().then(JSON.stringify));
}
for (const how of ['shutdown','kill','lame duck']) for (const role of ['mirror','consumer','origin']) {
 const l=(await leaders())[role]; const s=c.servers.find(x=>x.name===l);
 await c.restart(s,how); at(`${how} of ${role} leader ${l}: missing ${await missing(40000)}`); report(''); at(await leaders().then(JSON.stringify));
}}
run=false; await pump; id++; at('missing at end '+await missing()); at(await leaders().then(JSON.stringify));
const bysub=await mgr.streams.info('STANCE_DECISIONS',{subjects_filter:'>'});
at(`origin subjects ${bysub.state.num_subjects}`);
await f.stop(); await Promise.all([topo,bg,edge].map(x=>x.close()));
} finally { await c.close(); at('closed'); }
