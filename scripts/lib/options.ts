import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './paths.mjs';

/** Ports asked for, in this order: command line, environment, default. */
const SIDECAR_PORT = 8080;
const N8N_PORT = 5678;

export interface StartOptions {
	sidecarPort: number;
	n8nPort: number;
	/** Whether the user named the port: then another one is an error, not a choice. */
	sidecarPortGiven: boolean;
	n8nPortGiven: boolean;
	dataDir: string;
	sidecarOnly: boolean;
	standIns: boolean;
}

export const START_HELP = `npm start -- [options]

  --sidecar          start the sidecar alone, without n8n
  --port <n>         port of the sidecar (default ${SIDECAR_PORT}, or PORT)
  --n8n-port <n>     port of n8n (default ${N8N_PORT}, or N8N_PORT)
  --data <folder>    where everything is kept (default ./data, or DATA_DIR)
  --no-stand-ins     no local stand-ins for platforms and AI that are not configured

All variables of the sidecar (see .env.example) are passed on to it.`;

export const START_FLAGS = {
	sidecar: { type: 'boolean', default: false },
	port: { type: 'string' },
	'n8n-port': { type: 'string' },
	data: { type: 'string' },
	'no-stand-ins': { type: 'boolean', default: false },
	help: { type: 'boolean', default: false },
} as const;

/** Undefined when only the help was asked for. Throws on unknown options and bad values. */
export function parseStartOptions(args: string[], environment: NodeJS.ProcessEnv): StartOptions | undefined {
	const { values } = parseArgs({ args, options: START_FLAGS });
	return values.help ? undefined : startOptions(values, environment);
}

export interface StartFlagValues {
	sidecar?: boolean;
	port?: string;
	'n8n-port'?: string;
	data?: string;
	'no-stand-ins'?: boolean;
}

export function startOptions(values: StartFlagValues, environment: NodeJS.ProcessEnv): StartOptions {
	const sidecarPort = values.port ?? environment.PORT;
	const n8nPort = values['n8n-port'] ?? environment.N8N_PORT;
	return {
		sidecarPort: port('--port', sidecarPort, SIDECAR_PORT),
		n8nPort: port('--n8n-port', n8nPort, N8N_PORT),
		sidecarPortGiven: Boolean(sidecarPort),
		n8nPortGiven: Boolean(n8nPort),
		dataDir: resolve(ROOT, values.data ?? (environment.DATA_DIR || 'data')),
		sidecarOnly: values.sidecar ?? false,
		standIns: !values['no-stand-ins'],
	};
}

function port(name: string, text: string | undefined, fallback: number): number {
	if (!text) return fallback;
	const value = Number(text);
	if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new Error(`${name} must be a port, 1 to 65535; it is "${text}".`);
	return value;
}
