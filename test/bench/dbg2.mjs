import 'reflect-metadata';
import { measureReaction } from './dist/reaction.js';
import { measureRelayReaction } from './dist/relay.js';
const r = await measureReaction({changes:300,perSecond:50}); console.log(r);
console.log(await measureRelayReaction(r.sizes,{changes:300,perSecond:50}));
