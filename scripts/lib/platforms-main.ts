import { startWall } from '../../test/platforms/wall.ts';
import { nextFreePort } from './ports.ts';
import { stopOnSignal } from './signals.ts';
import { SOCIAL_STAND_INS, startSocialStandIns } from './social-stand-ins.ts';

const FIRST_PORT = 8091;
const HELP = `npm run platforms: the ten social platforms as servers on this machine, for trying things out by hand.

Each speaks the platform's protocol and refuses what the platform refuses. Options:
  --port <number>   first port, default ${FIRST_PORT}; each server takes the next free one
  --help            this text`;

/** The second part of `npm run platforms`, on Node 24. */
async function main(): Promise<number> {
	const args = process.argv.slice(2);
	if (args.includes('--help')) {
		console.log(HELP);
		return 0;
	}
	const given = args.includes('--port') ? Number(args[args.indexOf('--port') + 1]) : FIRST_PORT;
	if (!Number.isInteger(given) || given < 1 || given > 65_000) {
		console.error('--port must be a number from 1 to 65000.');
		return 2;
	}
	const signals = stopOnSignal();
	const wallPort = await nextFreePort(given);
	const social = await startSocialStandIns(SOCIAL_STAND_INS, wallPort + 1);
	const wall = await startWall(social.running.map(({ standIn: { name }, server: { url } }) => ({ name, url })), wallPort);
	console.log(`\n  What was posted: ${wall.url}\n\n  Variables for a sidecar that is to post here:\n`);
	for (const [name, value] of Object.entries({ ...social.variables, ALLOWED_PRIVATE_HOSTS: social.hosts.join(',') })) console.log(`    ${name}=${value}`);
	console.log('\n  Credentials, as n8n or `secrets` and `settings` of a request want them:\n');
	for (const { standIn, server } of social.running) {
		console.log(`    ${standIn.name.padEnd(10)}${server.url}  ${JSON.stringify(server.data)}${server.settings ? `  settings ${JSON.stringify(server.settings)}` : ''}`);
	}
	console.log('\n  Ctrl+C stops everything.');
	await signals.stopped;
	await Promise.all([wall.close(), social.close()]);
	return 0;
}

process.exitCode = await main();
