import 'reflect-metadata';
import { startBench, startServices, publishPolicy, enroll, SERVICES, settled } from './dist/pipeline.js';
import { StreamFollower } from '@stance/jetstream';
const b = await startBench(300);
await startServices(b, SERVICES, {SENTINELONE_URL:b.tenant.url,SENTINELONE_API_TOKEN:b.tenant.token,SENTINELONE_POLL_INTERVAL:'45ms',SENTINELONE_SWEEP_INTERVAL:'1h'});
await publishPolicy(b); await enroll(b); await new Promise(r=>setTimeout(r,3000)); await settled(b.connection,'x');
const ev=new Map(); const lat=[];
for (const s of ['STANCE_AGENTS','STANCE_MATCHES','STANCE_POSTURE','STANCE_DECISIONS']) await StreamFollower.start(b.connection,{stream:s,from:{sequence:1}},(m)=>{const e=m.json(); if(!e.txn) return; const o=ev.get(e.txn)??{observed:Date.parse(e.observedat)}; lat.push([s,Math.round(Date.now()-m.info.timestampNanos/1e6)]); o[s]=[Date.parse(e.time)-o.observed, Math.round(m.info.timestampNanos/1e6 - o.observed)]; ev.set(e.txn,o);});
await new Promise(r=>setTimeout(r,1000)); ev.clear();
const t0=Date.now(); const sent=new Map();
for (const a of b.tenant.fleet.list().slice(0,60)) { b.tenant.fleet.infect(a.id); await new Promise(r=>setTimeout(r,20)); }
await new Promise(r=>setTimeout(r,2000));
for (const o of [...ev.values()].slice(0,60)) console.log(o.observed-t0, JSON.stringify(o));
const rq=b.tenant.requests().slice(-60); console.log(rq.slice(0,12).map(r=>[r.at-t0,r.status,r.path]).join(' '));
console.log(lat.slice(-60).join(' ')); await b.close();
