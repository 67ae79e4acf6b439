#!/usr/bin/env node
import { installEngines } from './lib/engines-install.mjs';

/** `npm run engines`: brings the optional local AI engines, and says how the sidecar finds them. */
const folder = await installEngines(console.log);
console.log('The local AI engines are there. Set this for the sidecar (npm start finds them by itself):');
console.log(`  ENGINES_DIR=${folder}`);
